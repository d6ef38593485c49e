"""Plain CSV: its dialect, its records' ids, and columns that drift."""

import pytest


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_the_delimiter_is_told_from_the_header_alone(one_source, sign) -> None:
    text = f'child{sign}site{sign}said\nc1{sign}here{sign}"a,b;c\td"\n'
    source = one_source("csv", {"f.csv": text}, unit="child", site="site")
    assert source.pull().state == "landed"
    assert source.table()["said"].to_list() == ["a,b;c\td"]


def test_without_a_record_key_the_row_itself_is_the_record(one_source) -> None:
    text = "child,site,said\nc1,here,x\nc1,here,x\nc1,here,y\n"
    source = one_source("csv", {"f.csv": text}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_replaced) == (2, 1)


def test_columns_that_drift_between_files_are_joined_by_name(one_source) -> None:
    files = {"1.csv": "child,site,said\nc1,here,x\n", "2.csv": "said,more,site,child\ny,m,here,c2\n"}
    source = one_source("csv", files, unit="child", site="site", keys={"record": "child"})
    assert source.pull().rows_kept == 2
    assert source.table().select("child", "said", "more").rows() == [("c1", "x", None), ("c2", "y", "m")]


def test_a_file_of_another_encoding_is_read_when_it_is_declared(one_source) -> None:
    data = "child,site,said\nc1,here,été\n"
    source = one_source(
        "csv", {"f.csv": data.encode("windows-1252")}, unit="child", site="site", encoding="windows-1252"
    )
    assert source.pull().state == "landed"
    assert source.table()["said"].to_list() == ["été"]


def test_a_last_line_without_its_end_is_told_in_the_receipt(one_source) -> None:
    source = one_source("csv", {"f.csv": "child,site\nc1,here\nc2,here"}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 2)
    assert "f.csv" in receipt.message and "no end" in receipt.message


def test_the_first_row_of_a_unit_by_a_number_is_kept_and_the_others_counted(one_source) -> None:
    text = "child,site,grade,arm\nc1,here,10,b\nc1,here,9,a\nc1,here,8,\nc2,here,11,b\n"
    source = one_source(
        "csv",
        {"f.csv": text},
        unit="child",
        site="site",
        keys={"arm": {"column": "arm", "map": {"a": "control", "b": "treatment"}}},
        first_per_unit="grade",
        role="assignment",
        instrument=None,
        wave=None,
    )
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_not_accepted) == (2, 2), receipt.message
    kept = source.table().sort("_sw_unit_id").select("_sw_unit_id", "_sw_arm")
    assert kept.rows() == [("C1", "control"), ("C2", "treatment")]
