"""Plain files of every kind: pulled as they are, from a folder or an archive, or refused with a remedy."""

import io
import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pandas as pd
import polars as pl
import pyreadstat
import pytest

ROWS = [("01", "here", "3"), ("02", "here", "4.5"), ("03", "here", None)]
CSV = "child,site,score\n01,here,3\n02,here,4.5\n03,here,\n"


def _workbook(rows=ROWS, sheets=("Answers",), hidden=(), header=("child", "site", "score")) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in (*sheets, *hidden):
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        sheet.append(header)
        for child, site, score in rows:
            sheet.append((child, site, None if score is None else float(score)))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _parquet() -> bytes:
    stream = io.BytesIO()
    columns = {"child": [row[0] for row in ROWS], "site": ["here"] * 3, "score": [3.0, 4.5, None]}
    pl.DataFrame(columns).write_parquet(stream)
    return stream.getvalue()


def _json_lines() -> bytes:
    rows = [{"child": child, "site": site, "score": score} for child, site, score in ROWS]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _labelled(kind: str) -> bytes:
    frame = pd.DataFrame({"child": [row[0] for row in ROWS], "site": ["here"] * 3, "score": [3.0, 4.5, None]})
    with TemporaryDirectory() as folder:
        path = Path(folder, "answers")
        (pyreadstat.write_sav if kind == "spss" else pyreadstat.write_dta)(frame, path)
        return path.read_bytes()


def _zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


FILES = {
    "csv": ("answers.csv", CSV.encode),
    "excel": ("answers.xlsx", _workbook),
    "parquet": ("answers.parquet", _parquet),
    "json_lines": ("answers.jsonl", _json_lines),
    "spss": ("answers.sav", lambda: _labelled("spss")),
    "stata": ("answers.dta", lambda: _labelled("stata")),
}


def _answers(one_source, platform: str, files: dict[str, bytes], **source):
    return one_source(platform, files, unit="child", site="site", questions=("score",), **source)


@pytest.mark.parametrize("platform", FILES)
def test_the_same_rows_are_the_same_lake_whatever_the_format(one_source, platform) -> None:
    name, content = FILES[platform]
    source = _answers(one_source, platform, {name: content()})
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept, receipt.message) == ("landed", 3, "")
    assert set(source.table().select("child", "site", "score").rows()) == set(ROWS)
    assert source.pull().state == "unchanged"


@pytest.mark.parametrize("platform", FILES)
def test_several_files_may_come_in_one_archive(one_source, platform) -> None:
    name, content = FILES[platform]
    archive = _zipped({f"one/{name}": content(), f"two/{name}": content(), "notes.docx": b"x"})
    source = _answers(one_source, platform, {"all.zip": archive})
    receipt = source.pull()
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_replaced) == (6, 3, 3)
    assert "notes.docx" in receipt.message
    assert set(source.table().select("child", "site", "score").rows()) == set(ROWS)


@pytest.mark.parametrize("platform", FILES)
def test_a_file_of_another_kind_is_refused_with_a_remedy(one_source, platform) -> None:
    name, _ = FILES[platform]
    source = _answers(one_source, platform, {name: b"\x00\x01\x02 neither this nor that"})
    receipt = source.pull()
    assert receipt.state == "failed"
    assert name in receipt.message and "Remedy" in receipt.message
    assert "neither" not in receipt.message


@pytest.mark.parametrize("platform", sorted(set(FILES) - {"csv"}))
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_is_never_read_in_part(one_source, platform, keep) -> None:
    name, content = FILES[platform]
    whole = content()
    source = _answers(one_source, platform, {name: whole[: int(len(whole) * keep)]})
    receipt = source.pull()
    assert receipt.state == "failed" and "Remedy" in receipt.message


def test_a_row_out_of_shape_in_an_archive_is_told_by_its_line(one_source) -> None:
    files = {"a.csv": CSV.encode(), "b.csv": b"child,site,score\n04,here\n05,here,1\n"}
    source = _answers(one_source, "csv", {"all.zip": _zipped(files)})
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (4, 1)
    assert "b.csv from 4" in receipt.message
    assert source.table("_quarantine")["line"].to_list() == ["6"]


@pytest.mark.parametrize(
    "name", ["/etc/answers.csv", "../answers.csv", "a\\..\\..\\answers.csv", "C:\\answers.csv"]
)
def test_a_path_that_leads_out_of_the_archive_is_refused(one_source, name) -> None:
    source = _answers(one_source, "csv", {"all.zip": _zipped({name: CSV.encode()})})
    receipt = source.pull()
    assert receipt.state == "failed" and "leads out of the archive" in receipt.message


def test_a_link_in_an_archive_is_refused(one_source) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("answers.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    receipt = _answers(one_source, "csv", {"all.zip": stream.getvalue()}).pull()
    assert receipt.state == "failed" and "a link" in receipt.message


def test_an_encrypted_member_is_refused(one_source) -> None:
    plain = _zipped({"answers.csv": CSV.encode()})
    # the flag in the local header and in the directory
    locked = bytearray(plain)
    locked[6] |= 1
    locked[plain.index(b"PK\x01\x02") + 8] |= 1
    receipt = _answers(one_source, "csv", {"all.zip": bytes(locked)}).pull()
    assert receipt.state == "failed" and "encrypted" in receipt.message


def test_an_archive_of_archives_is_refused(one_source) -> None:
    inner = _zipped({"answers.csv": CSV.encode()})
    receipt = _answers(one_source, "csv", {"all.zip": _zipped({"inner.zip": inner})}).pull()
    assert receipt.state == "failed" and "inner.zip" in receipt.message


@pytest.mark.parametrize("platform", ["csv", "excel"])
def test_a_bomb_is_refused_before_it_unpacks(one_source, platform) -> None:
    bomb = _zipped({"answers.csv": b"0" * (60 * 1024**2), "xl/worksheets/sheet1.xml": b"0" * (60 * 1024**2)})
    name = "all.zip" if platform == "csv" else "answers.xlsx"
    receipt = _answers(one_source, platform, {name: bomb}).pull()
    assert receipt.state == "failed" and "implausible" in receipt.message


def test_the_only_sheet_shown_is_taken_and_a_hidden_one_is_not(one_source) -> None:
    book = _workbook(hidden=("Lists",))
    receipt = _answers(one_source, "excel", {"answers.xlsx": book}).pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 3)


def test_of_several_sheets_one_must_be_named(one_source) -> None:
    book = _workbook(sheets=("Answers", "Notes"), hidden=("Lists",))
    receipt = _answers(one_source, "excel", {"answers.xlsx": book}).pull()
    assert receipt.state == "failed"
    assert "Answers, Notes, Lists (hidden)" in receipt.message and "sheet: NAME" in receipt.message


def test_the_sheet_named_is_taken(one_source) -> None:
    book = _workbook(sheets=("Notes", "Answers"))
    pull = {"drop": "exports/*", "sheet": "Answers"}
    source = _answers(one_source, "excel", {"answers.xlsx": book}, pull=pull)
    assert source.pull().rows_kept == 3


def test_a_sheet_that_is_not_there_is_told_with_the_closest(one_source) -> None:
    pull = {"drop": "exports/*", "sheet": "Answer"}
    receipt = _answers(one_source, "excel", {"answers.xlsx": _workbook()}, pull=pull).pull()
    assert receipt.state == "failed" and "closest: 'Answers'" in receipt.message


def test_a_workbook_of_blank_sheets_is_empty(one_source) -> None:
    book = openpyxl.Workbook()
    stream = io.BytesIO()
    book.save(stream)
    receipt = _answers(one_source, "excel", {"answers.xlsx": stream.getvalue()}).pull()
    assert receipt.state == "empty"


def test_repeats_in_json_are_tables_tied_by_a_key_that_survives_re_export(one_source) -> None:
    record = {
        "child": "01",
        "site": "here",
        "score": 1.50,
        "visits": [{"day": "2024-01-02", "tests": [{"x": 1}, {"x": 2}]}, {"day": "2024-02-02"}],
    }
    other = {"child": "02", "site": "here", "score": 2, "visits": [{"day": "2024-03-02"}]}
    first = json.dumps([record, other]).encode()
    source = _answers(one_source, "json_lines", {"a.json": first}, keys={"record": "child"})
    assert source.pull().state == "landed"
    before = source.table("visits")
    assert before.select("_sw_record_id", "_sw_parent_record_id", "visits/day").rows() == [
        ("01/visits[1]", "01", "2024-01-02"),
        ("01/visits[2]", "01", "2024-02-02"),
        ("02/visits[1]", "02", "2024-03-02"),
    ]
    assert source.table("visits-tests").select(
        "_sw_record_id", "_sw_parent_record_id", "visits/tests/x"
    ).rows() == [
        ("01/visits[1]/tests[1]", "01/visits[1]", "1"),
        ("01/visits[1]/tests[2]", "01/visits[1]", "2"),
    ]
    source.drop("a.json", json.dumps([other, record]).encode())
    source.pull()
    assert source.table("visits").equals(before)


def test_repeats_without_a_record_key_are_refused_with_the_remedy(one_source) -> None:
    row = {"child": "01", "site": "here", "visits": [{"day": "2024-01-02"}]}
    receipt = _answers(one_source, "json_lines", {"a.json": json.dumps([row]).encode()}).pull()
    assert receipt.state == "failed" and "keys.record" in receipt.message


def test_a_line_that_is_no_json_is_set_aside_with_its_number(one_source) -> None:
    content = _json_lines() + b'{"child": "04", "child": "05"}\nnot json\n[1]\n'
    source = _answers(one_source, "json_lines", {"a.jsonl": content})
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (3, 3)
    quarantine = source.table("_quarantine").select("line", "reason").rows()
    assert quarantine == [
        ("4", "a key stands twice in one of its objects"),
        ("5", "it is not JSON"),
        ("6", "it is no JSON object"),
    ]


@pytest.mark.parametrize("platform", FILES)
def test_complete_rows_cannot_be_asked_of_files_that_do_not_mark_them(one_source, platform) -> None:
    name, content = FILES[platform]
    receipt = _answers(one_source, platform, {name: content()}, accept={"complete_only": True}).pull()
    assert receipt.state == "failed" and "keys.disposition" in receipt.message


def test_a_parquet_column_of_lists_is_refused_by_name(one_source) -> None:
    stream = io.BytesIO()
    pl.DataFrame({"child": ["1"], "site": ["here"], "visits": [[1, 2]]}).write_parquet(stream)
    receipt = _answers(one_source, "parquet", {"a.parquet": stream.getvalue()}).pull()
    assert receipt.state == "failed" and "visits" in receipt.message
