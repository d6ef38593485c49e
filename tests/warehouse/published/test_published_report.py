"""What the report promises: every headline is in it, awkward text stays text, and it needs nothing else."""

import re
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration.release.report import interval, number, write_report

AWKWARD = "<script>alert('x')</script> & \"quotes\" ünï {{ 7 * 7 }}"
RELEASE = {"release_id": "2026-01-01-abc", "title": AWKWARD, "as_of_date": "2026-01-01"}


def _with_title(table: pa.Table, column: str, text: str) -> pa.Table:
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array([text] * table.num_rows))


@pytest.fixture
def report(private_release: Any, tmp_path: Path) -> str:
    tables = private_release.tables()
    tables["headline"] = _with_title(tables["headline"], "note", AWKWARD)
    tables["sites"] = _with_title(tables["sites"], "title", AWKWARD)
    write_report(tables, RELEASE, tmp_path / "report" / "index.html")
    return (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_every_headline_row_is_in_the_report_with_its_verdict_in_words(
    report: str, private_release: Any
) -> None:
    rows = private_release.tables()["headline"].to_pylist()
    sections = report.split("<h2>Sites withheld")[0].split('<section class="answer">')[1:]
    assert len(sections) == len(rows) == 6
    for row, section in zip(sorted(rows, key=lambda row: row["headline_order"]), sections, strict=True):
        assert escape(row["indicator_title"]) in section
        assert escape(row["verdict_words"]) in section
        assert ("<svg" in section) == (row["effect"] is not None)


def test_a_caution_of_a_verdict_is_read_beside_it(private_release: Any, tmp_path: Path) -> None:
    caution = "faded was wrong up to 19 times in 100 in simulation"
    tables = private_release.tables()
    tables["headline"] = _with_title(tables["headline"], "caution", caution)
    write_report(tables, RELEASE, tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    sections = page.split('<section class="answer">')[1:]
    assert any(f"<dt>Caution</dt><dd>{caution}</dd>" in section for section in sections)


def test_text_of_the_programme_is_never_markup(report: str) -> None:
    assert "<script" not in report
    assert "&lt;script&gt;" in report and "{{ 7 * 7 }}" in report


def test_the_report_needs_nothing_from_elsewhere(report: str) -> None:
    assert not re.search(r"(?:src|href|url)\s*[=(]|@import|https?:", report)


def test_withheld_sites_are_named_with_their_reason(report: str) -> None:
    [withheld] = re.findall(r"<h2>Sites withheld.*?</table>", report, re.DOTALL)
    assert "age range: more than 1%" in withheld and "4 of 4" in withheld


def test_hidden_counts_stay_hidden(report: str) -> None:
    assert "103" not in report


def test_a_release_without_a_pilot_shows_the_effect_of_the_network(
    private_release: Any, tmp_path: Path
) -> None:
    tables = private_release.tables()
    scopes = pc.equal(tables["headline"]["analysis"], "whole")
    tables["headline"] = tables["headline"].filter(scopes)
    write_report(tables, RELEASE, tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text()
    assert "All sites" in page and "12.5 percentage points (5.70 to 19.3)" in page
    assert "Kept of the pilot" not in page


def test_numbers_are_said_with_three_digits_and_a_true_minus_sign() -> None:
    said = [number(value) for value in (12.5, -0.0813, 1234.5, 100.0, 0.0, None, float("inf"))]
    assert said == ["12.5", "−0.0813", "1,234", "100", "0", "–", "–"]
    assert interval(2.0, None, None, "points") == "2.00 points"
