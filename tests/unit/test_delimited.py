"""The strict reader of delimited text: what goes in comes out, and what cannot be trusted is refused."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import read_delimited

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    sign=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_any_text_survives_the_round_trip(rows, sign, end, quoting) -> None:
    # Python's writer leaves a bare carriage return unquoted, which no reader can tell from the end of a line.
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL
    file = io.StringIO()
    writer = csv.writer(file, delimiter=sign, lineterminator=end, quoting=quoting)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    table = read_delimited(file.getvalue().encode(), "f.csv")
    assert table.ragged == ()
    assert table.cells.collect().rows() == [tuple(cell or None for cell in row) for row in rows]


def test_line_numbers_are_those_of_the_file_though_cells_hold_line_ends() -> None:
    table = read_delimited(b'a,b\n"x\ny\nz",1\nshort\n"p",2\n', "f.csv")
    assert table.lines.to_list() == [2, 6]
    assert [(row.line, row.cell_count, row.expected_count) for row in table.ragged] == [(5, 1, 2)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'a,b\n1,2\n3,"fo', "cut off"),
        (b"a,b\n1,2\n3", "cut off"),
        (b"a,b\n1,2\n3,4", "cut off"),
        (b"a,b,c\n1,2,3\n4,", "cut off"),
        ("a,b\n1,é".encode()[:-1], "cut off"),
        (b"a,b\n1,\xe9t\xe9\n", "byte 6 on line 2"),
        ("a,b\n1,2\n".encode("utf-16"), "byte 0 on line 1"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL"),
        (b"a,b\n1,x\0y\n", "NUL character on line 2"),
        (b"a,b,a\n1,x\0y,3\n", "NUL character on line 2"),
        (b"a,b,a\n1,2,3\n", "twice: a"),
        (b"a,_sw_record_id\n1,2\n", "reserved prefix"),
        (b"a,b\n1,2,3\n4,5,6\n", "no row has as many cells"),
        (b'a,b\n"x"y,2\n', "line 2"),
        (b"PK\x03\x04\x14\0", "Excel workbook"),
        (b"a,b;c\n1,2;3\n", "equally well"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_file_and_remedy(data, words) -> None:
    with pytest.raises(ExportFault) as fault:
        read_delimited(data, "f.csv")
    assert words in str(fault.value)
    assert str(fault.value).startswith("f.csv: ") and "Remedy" in str(fault.value)


def test_a_wrong_encoding_names_the_field_that_mends_it() -> None:
    with pytest.raises(ExportFault, match=r"`encoding:` in sources\.yml"):
        read_delimited(b"a\n\xff\n", "f.csv")
    with pytest.raises(ExportFault, match="encoding 'klingon' is unknown"):
        read_delimited(b"a\n1\n", "f.csv", encoding="klingon")


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read_delimited(b"\xef\xbb\xbfa,b\n1,2\n", "f.csv").columns == ("a", "b")
    assert read_delimited("a,b\n1,2\n".encode("utf-16"), "f.csv", encoding="utf-16").columns == ("a", "b")


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_a_blank_file_has_no_columns(data) -> None:
    assert read_delimited(data, "f.csv").columns == ()


def test_a_header_alone_has_columns_and_no_rows() -> None:
    table = read_delimited(b"a,b\n", "f.csv")
    assert (table.columns, len(table.lines)) == (("a", "b"), 0)


def test_blank_lines_are_no_rows_and_an_unnamed_column_keeps_its_place() -> None:
    table = read_delimited(b"\n,b\n\n1,2\n\n", "f.csv")
    assert table.cells.collect().rows(named=True) == [{"(column 1)": "1", "b": "2"}]


def test_no_message_quotes_a_cell() -> None:
    for data in (b'a,b\n1,"SECRET\n', b'a,b\n"SECRET"x,2\n', b"a,b\nSECRET,1,2\n", b"a,b\nSECRET,\xff\n"):
        with pytest.raises(ExportFault) as fault:
            read_delimited(data, "f.csv")
        assert "SECRET" not in str(fault.value)
