"""LimeSurvey's CSV by drop. There are no real files: these are made up, in the shape its writer documents.

Byte order mark, every cell quoted, `;` or `,`, CRLF, a blank last line, `'=` before formulas, one row of
blanks for an empty survey.
"""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.export_fault import ExportFault
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original
from ingestion.programme.model import Source

COLUMNS = ("id", "submitdate", "lastpage", "startlanguage", "seed", "startdate", "datestamp")
QUESTIONS = ("place", "Q1[SQ001]", "Q1[SQ002]", "Q2[other]", "Q3")
NEW_LINES = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")


def written(rows: list[tuple[str, ...]], separator: str = ";", columns=COLUMNS + QUESTIONS) -> bytes:
    """A file as LimeSurvey's own writer makes it."""

    def cell(value: str) -> str:
        for each in NEW_LINES:
            value = value.replace(each, "\n")
        value = f"'{value}" if value.startswith("=") else value
        return '"' + value.replace('"', '""') + '"'

    lines = [separator.join(cell(value) for value in row) + "\r\n" for row in [columns, *rows]]
    return b"\xef\xbb\xbf" + ("".join(lines) + "\r\n").encode()


def response(number: int, sent: str = "2025-11-03 10:00:00", *answers: str) -> tuple[str, ...]:
    answers = answers or ("P", "Y", "", "", "12")
    return (str(number), sent, "4", "en", "123", "2025-11-03 09:00:00", "2025-11-03 10:00:00", *answers)


def landed(tmp_path, content: bytes):
    path = tmp_path / "landed.csv"
    path.write_bytes(content)
    source = Source.model_validate(
        {
            "source": "answers",
            "role": "survey",
            "platform": "limesurvey",
            "pull": {"drop": "*.csv"},
            "keys": {"unit": "id", "site": "place"},
        }
    )
    return PLATFORMS["limesurvey"].read(Original("results-survey1.csv", path), source).tables[MAIN]


@pytest.mark.parametrize("separator", [";", ","])
def test_a_file_reads_cell_by_cell_as_the_csv_module_reads_it(tmp_path, separator) -> None:
    rows = [
        response(1, "2025-11-03 10:00:00", "P; a,b", 'says "no"', "", "two\nlines", "=1+1"),
        response(2, "", "Q", "Y", "N", "", "'quoted"),
    ]
    content = written(rows, separator)
    table = landed(tmp_path, content)
    theirs = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))
    assert table.columns == tuple(theirs[0])
    expected = [
        [cell.removeprefix("'") if cell.startswith("'=") else cell for cell in row] for row in theirs[1:-1]
    ]
    assert theirs[-1] == []
    assert [[cell or "" for cell in row] for row in table.cells.collect().rows()] == expected
    assert list(table.lines) == [2, 4] and not table.ragged
    print(f"\n{separator}: {len(expected)} rows, {len(theirs[0])} columns, 0 refused")


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), max_size=12
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from([";", ","]))
def test_whatever_was_answered_comes_back(tmp_path_factory, answers, separator) -> None:
    rows = [(str(place), "2025-11-03 10:00:00", *pair) for place, pair in enumerate(answers, start=1)]
    columns = ("id", "submitdate", "a", "b")
    table = landed(tmp_path_factory.mktemp("wild"), written(rows, separator, columns))

    def kept(value: str) -> str | None:
        for each in NEW_LINES:
            value = value.replace(each, "\n")
        # an answer of '= is not told apart from an escaped formula: the writer does not mark it
        return (value.removeprefix("'") if value.startswith("'=") else value) or None

    assert table.cells.collect().rows() == [tuple(kept(cell) for cell in row) for row in rows]


def test_a_response_that_was_not_sent_is_not_complete(one_source) -> None:
    content = written([response(1), response(2, ""), response(3, "1980-01-01 00:00:00")])
    accept = {"complete_only": True}
    source = one_source("limesurvey", {"a.csv": content}, unit="id", site="place", accept=accept)
    receipt = source.pull()
    assert (receipt.state, receipt.rows_not_accepted) == ("landed", 1), receipt.message
    table = source.table().sort("_sw_record_id")
    assert table["_sw_record_id"].to_list() == ["1", "3"]
    assert table["_sw_submitted_at"].to_list() == ["2025-11-03T10:00:00.000"] * 2


def test_a_survey_that_keeps_no_dates_has_no_times(one_source) -> None:
    row = ("1", "1980-01-01 00:00:00", "4", "en", "1", "", "", "P", "Y", "", "", "12")
    source = one_source("limesurvey", {"a.csv": written([row])}, unit="id", site="place")
    assert source.pull().rows_kept == 1
    assert source.table()["_sw_submitted_at"].to_list() == [None]


def test_the_phantom_row_of_an_empty_survey_is_no_response(one_source) -> None:
    phantom = ("",) * len(COLUMNS + QUESTIONS)
    source = one_source("limesurvey", {"a.csv": written([phantom])}, unit="id", site="place")
    receipt = source.pull()
    assert receipt.state == "empty"
    assert receipt.rows_quarantined == 0


def test_the_later_of_two_exports_wins_for_a_response(one_source) -> None:
    first = written([response(1, "", "P", "", "", "", "3"), response(2)])
    later = written([response(1, "2025-11-04 10:00:00", "P", "Y", "", "", "9")], ",")
    source = one_source(
        "limesurvey",
        {"results_2025-11-03_1200.csv": first, "results_2025-11-04_1200.csv": later},
        unit="id",
        site="place",
        pull={"drop": "exports/*", "mode": "delta"},
    )
    assert source.pull().rows_kept == 2
    assert source.table().sort("_sw_record_id")["Q3"].to_list() == ["9", "12"]


def test_a_missing_blank_line_at_the_end_is_told(one_source) -> None:
    content = written([response(1), response(2)])
    shorter = content[: content.index(b'"2";')]
    source = one_source("limesurvey", {"a.csv": shorter}, unit="id", site="place")
    receipt = source.pull()
    assert receipt.rows_kept == 1
    assert "rows may be missing at its end" in receipt.message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (written([response(1)])[:-9], "cut off"),
        (written([response(1)]).replace(b'"id"', b'"Response ID"'), "no column id"),
    ],
)
def test_a_damaged_file_is_refused_with_its_remedy(tmp_path, content, word) -> None:
    with pytest.raises(ExportFault, match=word) as told:
        landed(tmp_path, content)
    assert told.value.remedy


def test_a_ragged_row_is_named_by_its_line(tmp_path) -> None:
    content = written([response(1), response(2)[:4], response(3)])
    table = landed(tmp_path, content)
    assert [(row.line, row.cell_count, row.expected_count) for row in table.ragged] == [(3, 4, 12)]
    assert list(table.lines) == [2, 4]
