"""The report a programme lead reads: the published tables as one HTML page that needs nothing else.

In: the published tables and a few facts of the release. Out: a file without scripts, links or external
assets. What is hidden in the tables stays hidden: the report reads nothing but them. No number is made here,
only laid out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from orchestration.release.report_validity import trust

Row = Mapping[str, Any]
_TEMPLATE = "report.html.j2"
_STATES = ("pass", "warn", "fail", "error", "not_applicable")
_QUALITIES = {"pass": "passed every rule", "warn": "passed, with warnings"}


@dataclass(frozen=True)
class Bar:
    """An interval to draw: its place in percent of the chart's width, and what it says.

    Attributes:
        kind: pilot, scaled, whole or site; decides how it is drawn.
        left, right, point: from 0 to 100; an interval beyond the chart is cut at its edge.
        words: estimate and interval with their unit.
    """

    label: str
    kind: str
    left: float
    right: float
    point: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Intervals on one scale, and the place of no effect (`zero`) in percent of its width."""

    bars: Sequence[Bar]
    zero: float


def write_report(tables: Mapping[str, pa.Table], release: Mapping[str, str], path: Path) -> None:
    """Writes the report.

    Args:
        tables: the published tables by name, columns as their data dictionary describes them.
        release: facts to print, e.g. `release_id`, `title`, `as_of_date`, `content_hash`; text is escaped.
        path: the file to write; its folder is made.
    """
    rows = {name: table.to_pylist() for name, table in tables.items()}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "plain": plain, "count": count}
    headlines = sorted(rows["headline"], key=lambda row: row["headline_order"])
    page = environment.get_template(_TEMPLATE).render(
        release=release,
        headlines=[(row, headline_chart(row)) for row in headlines],
        forests=[(row, chart) for row in headlines if (chart := forest(row, rows))],
        interval=interval,
        trusts=trust(headlines, rows.get("validity", [])),
        withheld=[site for site in _in_order(rows["sites"]) if site["withheld_cell_count"]],
        sites=_in_order(rows["sites"]),
        waves=sorted(rows["waves"], key=lambda row: (row["wave_order"], row["site"])),
        rules=rule_states(rows["quality_verdicts"]),
        states=_STATES,
        qualities=_QUALITIES,
        sources=sorted(rows["provenance"], key=lambda row: row["source"]),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def headline_chart(row: Row) -> Chart | None:
    """Pilot and scaled effect, or the network's; None where there is no effect to draw."""
    kinds = (
        {"pilot": "Pilot", "scaled": "Scaled"}
        if row["effect_scope"] == "retention"
        else {"effect": "All sites"}
    )
    drawn = [
        {
            "label": label,
            "kind": "whole" if side == "effect" else side,
            "point": row["effect" if side == "effect" else f"{side}_effect"],
            "low": row[f"{side}_low"],
            "high": row[f"{side}_high"],
        }
        for side, label in kinds.items()
    ]
    return chart(drawn, row["effect_unit"], whole_intervals=True)


def forest(headline: Row, rows: Mapping[str, Sequence[Row]]) -> Chart | None:
    """Every site's effect behind a headline row, the pooled ones below; None where no site has its own."""
    place = ("analysis", "indicator", "wave", "measure")
    titles = {row["site"]: (row["site_order"], row["title"] or row["site"]) for row in rows["sites"]}
    own = [
        row
        for row in rows["site_effects"]
        if all(row[name] == headline[name] for name in place)
        and row["is_headline"]
        and row["dimension"] == "all"
        and row["site"] in titles
        and row["estimate"] is not None
    ]
    if not own:
        return None
    order = {"pilot": 0, "scale_pilot": 1, "scaled": 2}
    own.sort(key=lambda row: (order.get(row["stage"], 3), titles[row["site"]]))
    drawn: list[dict[str, Any]] = [
        {
            "label": f"{titles[row['site']][1]} ({plain(row['stage'])})",
            "kind": "site",
            "point": row["estimate"],
            "low": row["estimate_low"],
            "high": row["estimate_high"],
        }
        for row in own
    ]
    if headline["effect_scope"] == "retention":
        drawn += [
            {
                "label": f"{side.title()} sites together",
                "kind": side,
                "point": headline[f"{side}_effect"],
                "low": headline[f"{side}_low"],
                "high": headline[f"{side}_high"],
            }
            for side in ("pilot", "scaled")
        ]
    return chart(drawn, "", whole_intervals=False)


def chart(drawn: Iterable[Mapping[str, Any]], unit: str, whole_intervals: bool) -> Chart | None:
    """Places intervals on one scale that holds zero and every estimate, and every interval if asked for.

    Where intervals may be cut, the scale reaches as far again as the estimates do, so that one site with a
    very wide interval does not flatten the others.
    """
    shown = [row for row in drawn if row["point"] is not None]
    if not shown:
        return None
    points = [0.0, *(row["point"] for row in shown)]
    bounds = [row[end] for row in shown for end in ("low", "high") if row[end] is not None]
    reach = max(points) - min(points) or 1.0
    low, high = min(points) - reach, max(points) + reach
    if whole_intervals:
        low, high = min([*points, *bounds]), max([*points, *bounds])
    elif bounds:
        low, high = max(low, min([*points, *bounds])), min(high, max([*points, *bounds]))
    margin = (high - low or 1.0) * 0.04
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round(min(max((value - low) / (high - low), 0.0), 1.0) * 100, 3)

    bars = [
        Bar(
            row["label"],
            row["kind"],
            place(row["point"] if row["low"] is None else row["low"]),
            place(row["point"] if row["high"] is None else row["high"]),
            place(row["point"]),
            interval(row["point"], row["low"], row["high"], unit),
        )
        for row in shown
    ]
    return Chart(bars, place(0.0))


def rule_states(verdicts: Iterable[Row]) -> list[tuple[str, dict[str, int]]]:
    """How often each rule came to each state, rules in alphabetical order."""
    states: dict[str, dict[str, int]] = {}
    for row in verdicts:
        if row["kind"] == "rule":
            found = states.setdefault(row["rule"], dict.fromkeys(_STATES, 0))
            found[row["verdict"]] = found.get(row["verdict"], 0) + 1
    return sorted(states.items())


def interval(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """An estimate with its bounds in words, such as `12.5 points (5.7 to 19.3)`."""
    said = f"{number(value)} {unit}".strip()
    return said if low is None or high is None else f"{said} ({number(low)} to {number(high)})"


def number(value: float | None) -> str:
    """Three significant digits, with a true minus sign; an en dash where there is no number."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{min(max(digits, 0), 6)}f}"
    return text.replace("-", "−")


def percent(ratio: float | None) -> str:
    """A ratio as a whole percentage."""
    return "–" if ratio is None else f"{ratio * 100:.0f}%".replace("-", "−")


def count(value: int | None) -> str:
    """A published count; a hidden or absent one is a dash."""
    return "–" if value is None else f"{value:,}"


def plain(word: str | None) -> str:
    """An identifier as a reader says it."""
    return (word or "–").replace("_", " ")


def _in_order(sites: Iterable[Row]) -> list[Row]:
    return sorted(sites, key=lambda row: (row["site_order"], row["site"]))
