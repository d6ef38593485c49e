"""`sitewise quality`: verdicts, thresholds and waivers over time, and what other thresholds would change.

In: the home's history and its last night. Out: words on the terminal; nothing is written.
"""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings
from orchestration.settings import Settings

quality_app = typer.Typer(no_args_is_help=True, help="Look at verdicts over time, and judge again.")
WIDE = 200
_HISTORY = """
    select as_of_date, rule, site, wave, indicator, state, measured, threshold
    from verdicts
    where ($1 = '' or rule = $1 or rule like $1 || '\\_\\_%' escape '\\')
        and ($2 = '' or site = $2) and (state <> 'pass' or $3 = 'all')
    order by rule, site, wave, indicator, as_of_date, judged_at
"""
_THRESHOLDS = """
    with told as (
        select *, lag(threshold) over nights as before, lag(as_of_date) over nights as night_before
        from thresholds
        window nights as (partition by rule order by as_of_date, judged_at)
    )
    select as_of_date, rule, before, threshold, set_by, set_on, ground
    from told
    where night_before is null or before <> threshold
    order by rule, as_of_date, judged_at
"""


@quality_app.command()
def history(
    rule: Annotated[str, typer.Option(help="Only this rule, or all that a rule over items stands for.")] = "",
    site: Annotated[str, typer.Option(help="Only this site.")] = "",
    passed: Annotated[bool, typer.Option("--passed", help="Show what passed, too.")] = False,
    home: HomeOption = "",
) -> None:
    """Show the verdicts of every night that did not pass.

    Example: sitewise quality history --site kakamega
    """
    _shown(read_settings(home), _HISTORY, [rule, site, "all" if passed else ""])


@quality_app.command()
def thresholds(home: HomeOption = "") -> None:
    """Show every threshold as it was first set and whenever it changed: by whom, when, on what ground.

    Example: sitewise quality thresholds
    """
    _shown(read_settings(home), _THRESHOLDS, [])


@quality_app.command()
def judge(home: HomeOption = "", programme: ProgrammeOption = "") -> None:
    """Say which cells' verdicts would change under the rules and waivers that the YAML now states.

    The facts of the last night are judged again; nothing is measured and nothing is written.

    Example: sitewise quality judge --programme my_programme
    """
    from expectations.fault import RuleFaults
    from ingestion.programme.faults import ProgrammeFaults
    from orchestration.quality.judging_again import judge_again
    from orchestration.settings import SettingsFault

    settings = read_settings(home, programme)
    if not settings.warehouse.exists():
        fail(f"There are no facts in {settings.home} yet. Remedy: run `sitewise nightly`.")
    try:
        found = judge_again(settings)
    except (ProgrammeFaults, RuleFaults, SettingsFault) as fault:
        fail(str(fault))
    rows = found.cells.to_pylist()
    console = _console()
    if rows:
        console.print(_table(["site", "wave", "indicator", "verdict_before", "verdict", "reason"], rows))
    typer.echo(f"{len(rows)} cells would change their verdict. Nothing was written.")
    if found.otherwise:
        typer.echo(f"judged as last measured, which a night will do otherwise: {', '.join(found.otherwise)}")
    if found.unmeasured:
        typer.echo(f"not measured yet, and so not judged: {', '.join(found.unmeasured)}")


def _shown(settings: Settings, sql: str, parameters: list[str]) -> None:
    from orchestration.quality.history import query

    try:
        rows = query(settings.home, sql, parameters).to_pylist()
    except FileNotFoundError:
        fail(f"No night's verdicts are kept in {settings.home} yet. Remedy: run `sitewise nightly`.")
    if not rows:
        typer.echo("There is nothing to show.")
        return
    _console().print(_table(list(rows[0]), rows))


def _console() -> Console:
    """As wide as the terminal; wide where a file or another command reads."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _table(columns: list[str], rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in columns:
        table.add_column(
            name, overflow="fold", no_wrap=name.endswith(("date", "_on", "measured", "threshold"))
        )
    for row in rows:
        table.add_row(*("" if row[name] is None else _text(row[name]) for name in columns))
    return table


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
