"""The study's rates as tables to read, and as the figures that the verdict's cautions name.

In: the CSV that `sitewise simulate --coverage --out` wrote. Out: Markdown tables for docs/coverage.md and
the README, and the macro `measured_errors` of the models, each between two marks of its file, so that no
number of theirs is typed by hand. `make coverage` runs it on docs/coverage.csv.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from ingestion.simulate.coverage.lines import CLAIMS, CORRECTED, LINES, OF_ALL_SITES, figures, line_rates
from ingestion.simulate.coverage.tally import VERDICTS


def summary(rates: pl.DataFrame) -> str:
    """The README's table: a row per line, the largest rate of its cells."""
    rows = []
    for line in LINES:
        cells, worst = rates.filter(line.cells), line_rates(rates, line)
        shown = [_percent(worst[claim]) for claim in CLAIMS]
        rows.append([line.words, str(len(cells)), str(min(cells["programmes"].to_list())), *shown])
    head = [
        "where",
        "cells",
        "programmes a cell, at least",
        "wrong `held`",
        "wrong `faded`",
        "wrong `reversed`",
    ]
    return _told(rates) + "\n\n" + _markdown(head, rows)


def _told(rates: pl.DataFrame) -> str:
    return f"Seed {rates['seed'][0]}, {rates['studied_on'][0]}; {rates['programmes'].sum():,} programmes."


def _percent(rate: float | None) -> str:
    if rate is None:
        return ""
    return f"**{rate:.1f}%**" if rate > 10 else f"{rate:.1f}%"


_CELL = {
    "sites": "pilot_sites:sites",
    "clusters": "clusters",
    "tau": "tau",
    "z": "pilot_z",
    "R": "retention",
}
_INTERVALS = {
    "site bias": "site_bias",
    "pilot bias": "pilot_bias",
    "scaled bias": "scaled_bias",
    "R bias": "retention_bias",
    "site": "site_covered_pct",
    "pilot": "pilot_covered_pct",
    "scaled": "scaled_covered_pct",
    "R": "retention_covered_pct",
    "R bounded": "retention_bounded_covered_pct",
    "R unbounded": "retention_unbounded_covered_pct",
    "are unbounded": "retention_unbounded_pct",
}
_CORRECTED_INTERVALS = {
    "pilot bias": "corrected_pilot_bias",
    "pilot above": "corrected_pilot_above_pct",
    "pilot": "corrected_pilot_covered_pct",
    "R bounded": "corrected_retention_covered_pct",
    "R bias": "corrected_retention_bias",
    "are unbounded": "corrected_retention_unbounded_pct",
}


def every_cell(rates: pl.DataFrame) -> str:
    """The tables of docs/coverage.md: a row per cell."""

    def verdicts(prefix: str) -> dict[str, str]:
        columns = {name: f"{prefix}{name}_pct" for name in VERDICTS}
        columns |= {f"wrong {claim}": f"{prefix}wrong_{claim}_pct" for claim in CLAIMS}
        all_sites = {f"of all: {claim}": f"{prefix}{OF_ALL_SITES}wrong_{claim}_pct" for claim in CLAIMS}
        return columns | all_sites

    selected = rates.filter("is_selected")
    parts = {
        "Bias and coverage": (rates, _INTERVALS),
        "Verdicts": (rates, verdicts("")),
        "The corrected pilot, where pilots are selected": (selected, _CORRECTED_INTERVALS),
        "Verdicts on the corrected pilot": (selected, verdicts(CORRECTED)),
    }
    tables = [f"### {title}\n{_cells(rows, columns)}" for title, (rows, columns) in parts.items()]
    return "\n\n".join([_told(rates), *tables])


def _cells(rates: pl.DataFrame, columns: Mapping[str, str]) -> str:
    rows = []
    for row in rates.iter_rows(named=True):
        sides = f"{row['pilot_sites']}:{row['sites']}"
        group = row["group"] + (", by people" if row["unit"] == "person_weighted" else "")
        place = [f"{row[name]:g}" for name in ("clusters", "tau", "pilot_z", "retention")]
        told = [_number(row[name], 1 if name.endswith("_pct") else 3) for name in columns.values()]
        rows.append([group, sides, *place, str(row["programmes"]), *told])
    return _markdown(["group", "sites", "clusters", "tau", "z", "R", "n", *columns], rows)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * 1 + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def macro(rates: pl.DataFrame) -> str:
    """The models' macro `measured_errors`: what was measured, with the seed and the date of the study."""
    seed, studied_on = rates["seed"][0], rates["studied_on"][0]
    listed = "\n".join(f"            {row}," for row in figures(rates))
    return (
        "{% macro measured_errors() -%}\n    {{ return({\n"
        f"        'seed': {seed},\n        'studied_on': '{studied_on}',\n"
        f"        'rates': [\n{listed}\n        ],\n"
        "    }) }}\n{%- endmacro %}"
    )


PRINTED: dict[str, tuple[str, Callable[[pl.DataFrame], str]]] = {
    "docs/coverage.md": ("<!-- {} -->", every_cell),
    "README.md": ("<!-- {} -->", summary),
    "dbt_project/macros/measured_errors.sql": ("{{#- {} -#}}", macro),
}


def marked(text: str, mark: str, body: str) -> str:
    """The text with what stands between its two marks replaced.

    Raises:
        ValueError: the text lacks a mark.
    """
    first, last = mark.format("coverage: printed"), mark.format("coverage: end")
    before, found, rest = text.partition(first)
    _, ended, after = rest.partition(last)
    if not (found and ended):
        raise ValueError(f"there is no '{first}' with a '{last}' after it. Remedy: put both marks back")
    return f"{before}{first}\n{body}\n{last}{after}"


def main(rates_file: Path, project: Path) -> None:
    """Writes every table anew."""
    rates = pl.read_csv(rates_file)
    for name, (mark, printed) in PRINTED.items():
        path = project / name
        path.write_text(marked(path.read_text(), mark, printed(rates)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path.cwd())
