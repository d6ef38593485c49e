"""The end of a night on the terminal: the answers, what was withheld and why, what failed, and where it lies.

In: the night and the release being served. Out: a short table. Numbers are the release's own, only rounded.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.night import Night
from orchestration.settings import Settings
from orchestration.warehouse import connected

STATES = {
    "published": "Published.",
    "unchanged_content": "The inputs changed, the content did not: unchanged content, no new release.",
    "nothing_changed": "Nothing changed since the last night: no new release.",
    "awaits_approval": "A new release awaits approval: sitewise release approve.",
    "failed": "",
}
HEADLINES = """
    select
        analysis_title, wave, indicator_title, effect_scope, effect_unit, verdict_words,
        effect, effect_low, effect_high, pilot_effect, pilot_low, pilot_high,
        scaled_effect, scaled_low, scaled_high, retention, retention_low, retention_high, retention_set
    from headline
    order by headline_order
"""
WITHHELD = """
    select site, withheld_cell_count, judged_cell_count, withheld_reason
    from sites where withheld_cell_count > 0 order by site_order
"""
WARNINGS = """
    select site, rule, reason from quality_verdicts
    where kind = 'rule' and verdict = 'warn' and not is_waived
    order by site, rule, wave, indicator
"""
SHOWN_WARNINGS = 10
WAIVERS = """
    select rule, site, who, until_date, state
    from waivers where state <> 'not_yet' order by state, site, rule, from_date
"""


def print_night(console: Console, settings: Settings, night: Night) -> None:
    """Prints what a night came to; of a failed night only the sources, since its message follows."""
    database = settings.releases / "current" / "sitewise.duckdb"
    for source, message in night.late_sources.items():
        console.print(f"source {source}: {message}", style="yellow", markup=False, soft_wrap=True)
    if night.state == "failed" or not database.exists():
        return
    with connected(database.resolve(), read_only=True) as connection:
        rows = {
            name: connection.sql(query).to_arrow_table().to_pylist()
            for name, query in (
                ("headline", HEADLINES),
                ("withheld", WITHHELD),
                ("warnings", WARNINGS),
                ("waivers", WAIVERS),
            )
        }
    for table in _headline_tables(rows["headline"]):
        console.print(table)
    for row in rows["withheld"]:
        count = f"{row['withheld_cell_count']} of {row['judged_cell_count']} cells withheld"
        console.print(f"{row['site']}: {count}: {row['withheld_reason']}", markup=False, highlight=False)
    for row in rows["warnings"][:SHOWN_WARNINGS]:
        console.print(f"{row['site']}: warns {row['rule']}: {row['reason']}", markup=False, highlight=False)
    if (more := len(rows["warnings"]) - SHOWN_WARNINGS) > 0:
        console.print(f"... and {more} more warnings, all in table quality_verdicts", highlight=False)
    for row in rows["waivers"]:
        held = "holds until" if row["state"] == "in_force" else "has expired on"
        told = f"{row['site']}: the waiver of {row['rule']} by {row['who']} {held} {row['until_date']}"
        console.print(told, markup=False, highlight=False)
    console.print(f"\n{STATES[night.state]}", style="bold", markup=False)
    console.print(f"Release: {_served(settings.releases)}", markup=False, highlight=False, soft_wrap=True)


def _headline_tables(rows: list[dict[str, Any]]) -> Iterator[Table]:
    """One table for each headline analysis; without a pilot, the effect over all sites stands alone."""
    for title, group in groupby(rows, key=lambda row: row["analysis_title"]):
        answers = list(group)
        whole = all(row["effect_scope"] != "retention" for row in answers)
        waves = {row["wave"] for row in answers}
        table = Table(
            title=f"{title} ({', '.join(waves)})" if len(waves) == 1 else title,
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        sides = ["effect over all sites"] if whole else ["pilot effect", "scaled effect"]
        for header in ["indicator", *(["wave"] if len(waves) > 1 else []), *sides, "kept", "in words"]:
            table.add_column(header, overflow="fold")
        for row in answers:
            pair = [_interval(row, "pilot_effect", "pilot"), _interval(row, "scaled_effect", "scaled")]
            table.add_row(
                f"{row['indicator_title']} ({row['effect_unit']})",
                *([row["wave"]] if len(waves) > 1 else []),
                *([_interval(row, "effect")] if whole else pair),
                _kept(row),
                row["verdict_words"],
            )
        yield table


def _kept(row: dict[str, Any]) -> str:
    """The retention with its interval, or in words why there is none."""
    if row["retention_set"] == "bounded":
        return _interval(row, "retention", percent=True)
    return str(row["retention_set"] or "not_applicable").replace("_", " ")


def _interval(row: dict[str, Any], name: str, bounds: str = "", *, percent: bool = False) -> str:
    """A number with its 95% interval, or a dash where there is none."""
    value, low, high = row[name], row[f"{bounds or name}_low"], row[f"{bounds or name}_high"]
    if value is None:
        return "-"
    style = ".0%" if percent else ".3g"
    if low is None or high is None:
        return format(value, style)
    return f"{value:{style}} ({low:{style}} to {high:{style}})"


def _served(releases: Path) -> str:
    return str((releases / "current").resolve())
