"""`sitewise freeze`: the numbers that an index is standardised by, from one group of the last night's data.

In: component indicators, a site, a wave and an arm. Out: YAML on the terminal, to be pasted into the index's
file. It writes nothing: registering the numbers is a decision.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings
from orchestration.settings import Settings

if TYPE_CHECKING:
    import numpy as np

CELLS = """
    select i.indicator, i.direction, a.is_admitted, a.reason, w.state
    from registry.indicators as i
    left join registry.site_waves as w on w.site = $site and w.wave = $wave
    left join quality.admission as a on a.indicator = i.indicator and a.site = $site and a.wave = $wave
    where list_contains($names, i.indicator)
"""
VALUES = """
    select f.unit_key, o.indicator, o.value_steps * i.resolution::double as value
    from outcomes.int_outcomes as o
    inner join registry.indicators as i on o.indicator = i.indicator
    inner join (
        select distinct frame.unit_key
        from frame.int_frame as frame
        inner join frame.int_primary_rounds as rounds
            on frame.site = rounds.site and frame.round = rounds.round
        where
            frame.site = $site and frame.arm = $arm and coalesce(frame.wave, $wave) = $wave
            and not frame.is_replacement
    ) as f on o.unit_key = f.unit_key
    where list_contains($names, o.indicator) and o.wave = $wave and coalesce(o.site_found, $site) = $site
"""


def freeze(
    components: Annotated[list[str], typer.Argument(help="The indicators that the index is made of.")],
    site: Annotated[str, typer.Option("--site", help="Site of the people whose numbers are frozen.")],
    wave: Annotated[str, typer.Option("--wave", help="Wave they were measured in: closed, e.g. baseline.")],
    arm: Annotated[str, typer.Option("--arm", help="Their arm.")] = "control",
    anderson: Annotated[
        bool, typer.Option("--anderson", help="Weigh components by their inverse covariance.")
    ] = False,
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="More of the index is worse; else better.")
    ] = False,
    home: HomeOption = "",
    programme: ProgrammeOption = "",
) -> None:
    """Print an index's frozen means, deviations and weights as YAML; nothing is written.

    Example: sitewise freeze income meals stress --site kisumu_east --wave baseline --anderson
    """
    from ingestion.programme.freezing import IndexStatistic, NotFrozen, frozen_index, frozen_yaml
    from orchestration.lock import HomeHeld, hold_home

    settings = read_settings(home, programme)
    if not settings.warehouse.exists():
        fail(f"There is no data in {settings.home} yet. Remedy: run sitewise nightly first.")
    components = list(dict.fromkeys(components))
    try:
        with hold_home(settings.home, "freeze"):
            group = _read(settings, components, site, wave, arm)
    except HomeHeld as held:
        fail(str(held))
    wanted = "lower_is_better" if lower_is_better else "higher_is_better"
    signs = [1 if direction == wanted else -1 for direction in group.directions]
    statistic: IndexStatistic = "index_anderson" if anderson else "index_klk"
    try:
        found = frozen_index(group.values, components, signs, statistic)
    except NotFrozen as why:
        fail(f"The {arm} arm of {site} in {wave} gives no index: {why}.")
    if found.n <= group.smallest:
        fail(f"Only {found.n} people stand behind these numbers. Remedy: choose a larger group.")
    ground = f"{arm} arm of {site} in {wave}"
    typer.echo(frozen_yaml(found, components, signs, statistic, group.day, ground))


@dataclass(frozen=True)
class Group:
    """The people whose numbers are frozen: values by person and component, in the components' units."""

    directions: list[str]
    values: "np.ndarray"
    smallest: int
    day: str


def _read(settings: Settings, names: list[str], site: str, wave: str, arm: str) -> Group:
    """Their values, of cells that were closed and admitted; an open wave's arms are not told apart.

    Raises:
        typer.Exit: status 2, after one message, where they may not be read.
    """
    import numpy as np

    from orchestration.warehouse import connected

    key: dict[str, Any] = {"names": names, "site": site, "wave": wave}
    with connected(settings.warehouse, read_only=True) as connection:
        cells = {row[0]: row[1:] for row in connection.execute(CELLS, key).fetchall()}
        told = connection.execute(VALUES, key | {"arm": arm}).fetchall()
        head = "select if(is_public, 0, min_cell), as_of_date::varchar from registry.programme"
        ((smallest, day),) = connection.execute(head).fetchall()
    for name in names:
        if name not in cells:
            fail(f"There is no indicator '{name}'. Remedy: write one of indicators/*.yml.")
        _, is_admitted, reason, state = cells[name]
        if state not in ("closed", "frozen"):
            fail(f"{wave} is not closed at {site}. Remedy: name a site and a wave that are.")
        if not is_admitted:
            fail(f"{name} is not admitted at {site} in {wave}: {reason or 'it is not measured there'}.")
    units = {unit: place for place, unit in enumerate(sorted({row[0] for row in told}))}
    values = np.full((len(units), len(names)), np.nan)
    for unit, name, value in told:
        values[units[unit], names.index(name)] = np.nan if value is None else value
    return Group([cells[name][0] for name in names], values, smallest, day)
