"""What each site has to mend: one page and one table a site, written by the first gate every night.

`<home>/feedback/<site>/feedback.html` and `.csv`, for the owner alone, outside the releases. In: judgements,
admission, and examples. Out: rules with their wave, indicator, question, counts, threshold and reason, with
the keys of submissions that break them and who held those, first what withholds most. Keys and counts only,
never an answer. A site without fault gets a page that says so.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

Row = Mapping[str, Any]
COLUMNS = (
    "cells_it_decides",
    "state",
    "rule",
    "wave",
    "indicator",
    "question",
    "violations",
    "denominator",
    "measured",
    "comparison",
    "threshold",
    "reason",
    "waiver",
    "submissions",
    "enumerators",
)
_RANKS = {"error": 0, "fail": 1, "warn": 2}


def write_feedback(
    home: Path,
    judgements: Sequence[Row],
    admission: Sequence[Row],
    examples: Sequence[Row] = (),
    questions: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes every site's page and table, each whole or not at all; returns the sites' folders.

    Args:
        home: SITEWISE_HOME.
        judgements: `quality.judgements`.
        admission: `quality.admission`.
        examples: `facts.int_fact_examples`.
        questions: The question that a rule is about, by rule.
    """
    shown: dict[tuple[Any, ...], list[Row]] = {}
    for example in examples:
        shown.setdefault((example["site"], example["rule"], example["wave"]), []).append(example)
    folders = []
    for site, cells in _by_site(admission):
        rows = [_with_examples(site, row, shown, questions or {}) for row in faults(site, judgements, cells)]
        # Quoted, so that no name of a site leads out of the folder.
        folder = home / "feedback" / quote(site, safe="").replace(".", "%2E")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "feedback").chmod(0o700)
        withheld = sum(1 for cell in cells if not cell["is_admitted"])
        _write(folder / "feedback.csv", _csv(rows))
        _write(folder / "feedback.html", _page(site, rows, withheld, len(cells)))
        folders.append(folder)
    return folders


def faults(site: str, judgements: Sequence[Row], cells: Sequence[Row]) -> list[dict[str, Any]]:
    """A site's errors, failures and warnings, first those that are the worst of most withheld cells."""
    found = []
    for row in judgements:
        if row["state"] not in _RANKS or (row["site"] or "*") not in ("*", site):
            continue
        withheld = sum(1 for cell in cells if not cell["is_admitted"] and _is_behind(row, cell))
        found.append({name: row.get(name) for name in COLUMNS} | {"cells_it_decides": withheld})
    key = ("rule", "wave", "indicator")
    return sorted(
        found, key=lambda row: (-row["cells_it_decides"], _RANKS[row["state"]], *(str(row[x]) for x in key))
    )


def _with_examples(
    site: str, row: dict[str, Any], shown: Mapping[tuple[Any, ...], list[Row]], questions: Mapping[str, str]
) -> dict[str, Any]:
    found = shown.get((site, row["rule"], row["wave"]), [])
    held_by = sorted({example["enumerator"] for example in found if example["enumerator"]})
    return row | {
        "question": questions.get(row["rule"], ""),
        "submissions": " ".join(str(example["record_id"]) for example in found),
        "enumerators": " ".join(held_by),
    }


def _is_behind(row: Row, cell: Row) -> bool:
    """Whether a judgement is of the rule that withholds a cell before all others."""
    reaches = all((row[name] or "*") in ("*", cell[name]) for name in ("wave", "indicator"))
    return bool(reaches and row["rule"] == cell["worst_rule"])


def _by_site(admission: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    sites: dict[str, list[Row]] = {}
    for cell in admission:
        sites.setdefault(cell["site"], []).append(cell)
    yield from sorted(sites.items())


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _page(site: str, rows: Sequence[Row], withheld: int, judged: int) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in COLUMNS)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(row[name])}</td>' for name in COLUMNS)}</tr>" for row in rows)
    table = f"<table><tr>{head}</tr>{body}</table>" if rows else "<p>No fault was found.</p>"
    name = escape(site)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: what to mend</title>'
        "<style>body{font:15px sans-serif;margin:2em}td,th{padding:.3em .6em;text-align:left;"
        "border-bottom:1px solid #ccc}</style>"
        f"<h1>{name}: what to mend</h1><p>{withheld} of {judged} cells are withheld.</p>{table}</html>\n"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:.6g}"
    return "" if value is None else escape(str(value))


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(f"{path.suffix}.part")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)
