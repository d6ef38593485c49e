"""What a gate found, for Dagster's pages: counts, the worst offenders as a table, and each site's state.

In: judgements and admission. Out: metadata of checks and materialisations: keys and counts, never an answer.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

SHOWN = 15
_RANKS = {"error": 0, "fail": 1, "warn": 2}
_COLUMNS = ("state", "rule", "site", "wave", "indicator", "reason")

Row = Mapping[str, Any]


def found(judgements: Sequence[Row], severity: str) -> tuple[bool, dict[str, Any]]:
    """Whether every judgement of a severity holds, and the metadata that says what does not."""
    own = [row for row in judgements if row["severity"] == severity]
    counts = Counter(row["state"] for row in own)
    broken = sorted((row for row in own if row["state"] in _RANKS and not row["waiver"]), key=_worst)
    waived = sum(1 for row in own if row["waiver"])
    metadata: dict[str, Any] = {f"{state}_judgements": count for state, count in sorted(counts.items())}
    metadata["waived_judgements"] = waived
    if broken:
        metadata["worst_offenders"] = dg.MetadataValue.md(table(broken[:SHOWN], _COLUMNS))
    return not broken, metadata


def site_states(judgements: Sequence[Row], admission: Sequence[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each site with its state (`withheld` if any cell of it is, else the worst verdict) and the reasons."""
    sites: dict[str, list[Row]] = {}
    for row in admission:
        sites.setdefault(row["site"], []).append(row)
    for site, cells in sorted(sites.items()):
        out = [row for row in cells if not row["is_admitted"]]
        worst = "warn" if any(row["verdict"] == "warn" for row in cells) else "pass"
        own = (row for row in judgements if row["site"] == site and row["state"] in _RANKS)
        broken = sorted((row for row in own), key=_worst)
        metadata: dict[str, Any] = {
            "state": "withheld" if out else worst,
            "withheld_cells": len(out),
            "judged_cells": len(cells),
            "waived_judgements": sum(1 for row in broken if row["waiver"]),
        }
        if broken:
            metadata["worst_rule"] = broken[0]["rule"]
            metadata["worst_offenders"] = dg.MetadataValue.md(table(broken[:SHOWN], _COLUMNS))
        yield site, metadata


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Rows as a Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join(lines + [f"| {' | '.join(_cell(row[name]) for name in columns)} |" for row in rows])


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def _worst(row: Row) -> tuple[Any, ...]:
    """Errors first, then failures by how far they are beyond their limit; ties by key."""
    measured, limit = row["measured"], row["threshold"]
    beyond = abs(measured - limit) / max(abs(limit), 1e-9) if None not in (measured, limit) else 0.0
    key = tuple(str(row[name]) for name in ("rule", "site", "wave", "indicator"))
    return (_RANKS.get(row["state"], 3), -beyond, *key)
