"""Workbooks as text: the value that is stored, compared with openpyxl, and nothing hostile let in."""

import datetime as dt
import io
import random
import zipfile
from pathlib import Path

import hypothesis
import openpyxl
import pytest
from hypothesis import strategies as st

from ingestion.export_fault import ExportFault
from ingestion.formats.excel import read_grids, read_workbook


def _saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _column(*values: object) -> list[str | None]:
    """What a column of these values is read as; a filled one beside it keeps blank rows."""
    book = openpyxl.Workbook()
    book.active.append(["key", "value"])
    for value in values:
        book.active.append(["x", value])
    return read_workbook(_saved(book), "a.xlsx")["Sheet"].cells.collect()["value"].to_list()


def _with_part(change: dict[str, bytes], content: bytes | None = None) -> bytes:
    """A workbook with some of its parts replaced or added."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["=1+1", 2])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content or _saved(book))) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name])
    return stream.getvalue()


def _as_told(value: object) -> str | None:
    """What openpyxl's value is as text, by rules of the test's own."""
    match value:
        case None | "":
            return None
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case dt.datetime():
            if value.time() == dt.time():
                return value.date().isoformat()
            return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
        case dt.date() | dt.time():
            return value.isoformat()
    return str(value)


def test_every_cell_of_every_real_workbook_is_what_openpyxl_reads(shared) -> None:
    files = sorted((shared / "real_exports").rglob("*.xlsx"))
    assert len(files) == 14
    for file in files:
        grids = read_grids(file, file.name)
        book = openpyxl.load_workbook(file, data_only=True)
        assert list(grids) == book.sheetnames
        for sheet in book.worksheets:
            grid = grids[sheet.title]
            seen = {
                row: [cell for cell in cells if cell is not None]
                for row, cells in zip(grid.rows, grid.cells.iter_rows(), strict=True)
            }
            expected: dict[int, list[str]] = {}
            for cells in sheet.iter_rows():
                for cell in cells:
                    if (text := _as_told(cell.value)) is not None:
                        expected.setdefault(cell.row, []).append(text)
            assert seen == expected, (file.name, sheet.title)


def test_numbers_keep_their_stored_value_and_no_decimal_point() -> None:
    values = (1, 1.0, 1.5, 0.1 + 0.2, 2.5e-10, 12345678.9, 620010371629660, 0.12345678901234)
    assert _column(*values) == [
        "1", "1", "1.5", "0.3", "2.5e-10", "12345678.9", "620010371629660", "0.12345678901234",
    ]  # fmt: skip


@hypothesis.given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_number_is_read_back_exactly_as_the_file_holds_it(numbers: list[float]) -> None:
    # The writer keeps 16 digits, so what the file holds is found by openpyxl.
    book = openpyxl.Workbook()
    for number in (1.0, *numbers):
        book.active.append([number])
    content = _saved(book)
    held = [row[0] for row in openpyxl.load_workbook(io.BytesIO(content)).active.values]
    seen = read_grids(content, "a.xlsx")["Sheet"].cells.to_series().to_list()
    assert [float(text) for text in seen] == held


@hypothesis.given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
)
def test_text_that_looks_like_a_number_or_a_date_stays_as_it_is_written(texts: list[str]) -> None:
    fixed = ["007", "1.0", "1e5", "TRUE", "true", "2024-01-02 00:00:00", "-0", "0.10", "nan", "#N/A", " x "]
    kept = [text for text in texts if text.strip()]
    expected = [*fixed, *kept]
    book = openpyxl.Workbook()
    book.active.append(["text"])
    for text in expected:
        book.active.append([text])
        book.active.cell(book.active.max_row, 1).data_type = "s"
    assert read_workbook(_saved(book), "a.xlsx")["Sheet"].cells.collect()["text"].to_list() == expected


def test_dates_and_times_are_iso() -> None:
    stamp = dt.datetime(2024, 11, 3, 9, 15, 30)  # noqa: DTZ001  Excel has no zones
    midnight = stamp.replace(hour=0, minute=0, second=0)
    values = (stamp, stamp.replace(microsecond=250_000), stamp.date(), dt.time(7, 5), midnight)
    assert _column(*values) == [
        "2024-11-03T09:15:30",
        "2024-11-03T09:15:30.250",
        "2024-11-03",
        "07:05:00",
        "2024-11-03",
    ]


def test_truth_errors_and_blanks() -> None:
    book = openpyxl.Workbook()
    for row in (
        ["key", "value"],
        ["x", True],
        ["x", False],
        ["x", "#DIV/0!"],
        ["x", None],
        [None, None],
        ["x", 1],
    ):
        book.active.append(row)
    sheet = read_workbook(_saved(book), "a.xlsx")["Sheet"]
    assert sheet.cells.collect()["value"].to_list() == ["TRUE", "FALSE", "#DIV/0!", None, "1"]
    assert sheet.lines.to_list() == [2, 3, 4, 5, 7]
    assert "1 cells hold an error, the first #DIV/0! in row 4" in sheet.note


def test_a_formula_without_a_value_is_blank_and_told_and_never_evaluated() -> None:
    sheet = read_workbook(_with_part({}), "a.xlsx")["Sheet"]
    assert sheet.cells.collect().row(0) == (None, "2")
    assert "1 cells from A2 hold formulas without a value" in sheet.note


def test_a_formula_with_its_value_is_that_value_even_where_it_is_no_text() -> None:
    book = openpyxl.load_workbook(io.BytesIO(_with_part({})))
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(_saved(book))) as archive:
        xml = archive.read(name)
    assert b"<f>1+1</f><v />" in xml or b"<f>1+1</f><v/>" in xml
    for written, read in ((b"<v>2</v>", "2"), (b"<v></v>", None)):
        valued = xml.replace(b"<v />", written).replace(b"<v/>", written)
        if read is None:
            valued = valued.replace(b'<c r="A2">', b'<c r="A2" t="str">')
        sheet = read_workbook(_with_part({name: valued}), "a.xlsx")["Sheet"]
        assert (sheet.cells.collect()["a"].to_list(), sheet.note) == ([read], "")


def test_hidden_sheets_are_read_and_marked_and_merges_are_told() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["one", None])
    book.active.merge_cells("A2:B2")
    book.create_sheet("Lists").append(["code"])
    book["Lists"].sheet_state = "hidden"
    book.create_sheet("Blank")
    sheets = read_workbook(_saved(book), "a.xlsx")
    assert [(name, sheet.is_hidden) for name, sheet in sheets.items()] == [("Sheet", False), ("Lists", True)]
    assert "A2:B2 are merged" in sheets["Sheet"].note
    assert sheets["Sheet"].cells.collect().row(0) == ("one", None)


def test_the_first_filled_row_is_the_header_and_rows_keep_their_place() -> None:
    book = openpyxl.Workbook()
    book.active["C4"], book.active["E4"], book.active["C6"], book.active["D6"] = "a", "b", 1, 2
    sheet = read_workbook(_saved(book), "a.xlsx")["Sheet"]
    assert sheet.columns == ("a", "(column 2)", "b")
    assert (sheet.cells.collect().rows(), sheet.lines.to_list()) == ([("1", "2", None)], [6])


@pytest.mark.parametrize(("header", "said"), [(["a", "a"], "twice: a"), (["a", "_sw_x"], "reserved prefix")])
def test_a_header_that_cannot_be_columns_is_refused(header: list[str], said: str) -> None:
    book = openpyxl.Workbook()
    book.active.append(header)
    with pytest.raises(ExportFault, match=said) as told:
        read_workbook(_saved(book), "a.xlsx")
    assert told.value.file == "a.xlsx, sheet Sheet"


def test_the_old_format_is_read_like_the_new(shared) -> None:
    sheets = read_workbook(shared / "real_exports/xlsform/kpi_MCH_v1.xls", "old.xls")
    survey = sheets["survey"].cells.collect()
    assert (list(sheets), survey.shape) == (["survey", "choices"], (32, 6))
    assert survey.row(1, named=True)["type"] == "select one from beneficiaries"
    assert survey.row(2, named=True)["bind:relevant"] == "${beneficiary}='1'"


ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "docProps/custom.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_or_entity_in_any_part_is_refused(part: str, encoding: str) -> None:
    with pytest.raises(ExportFault, match="document type or an entity"):
        read_workbook(_with_part({part: ENTITY.decode().encode(encoding)}), "a.xlsx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"child,site\n1,here\n", "no Excel workbook"),
        (b"", "no Excel workbook"),
        (b"<html><table></table></html>", "no Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "cut off or is damaged"),
    ],
)
def test_what_is_no_workbook_is_told_so(content: bytes, said: str) -> None:
    with pytest.raises(ExportFault, match=said):
        read_workbook(content, "a.xlsx")


def test_an_archive_of_other_things_and_a_binary_workbook_are_told_apart() -> None:
    for name, said in (("data.csv", "not a workbook"), ("xl/workbook.bin", "xlsb")):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(ExportFault, match=said):
            read_workbook(stream.getvalue(), "a.xlsx")


@pytest.mark.parametrize("name", ["xlsform/kpi_MCH_v1.xls", "xlsform/ruodk_I8n_label_lang.xls"])
def test_no_damage_to_an_old_workbook_raises_anything_but_a_fault(shared, name) -> None:
    whole, chance = (shared / "real_exports" / name).read_bytes(), random.Random(7)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(20):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        try:
            read_workbook(bytes(damaged), name)
        except ExportFault as fault:
            refused += "Remedy" in str(fault)
    assert refused > 30


def test_a_path_reads_as_its_bytes_do(tmp_path: Path) -> None:
    content = _with_part({})
    (tmp_path / "a.xlsx").write_bytes(content)
    by_path = read_grids(tmp_path / "a.xlsx", "a.xlsx")["Sheet"]
    assert by_path.cells.equals(read_grids(content, "a.xlsx")["Sheet"].cells)
