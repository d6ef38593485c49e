"""KoboToolbox's real files, each compared cell by cell with an independent reading, or refused by reason."""

import csv
import json
from datetime import datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest

KOBO = "real_exports/kobo"
Rows = list[dict[str, str]]

EXPORTS = (
    "grouped_translated",
    "hxl_grouped_repeatable",
    "literacy_test",
    "or_other",
    "restaurant_profile",
    "site_inspection",
)
LATEST = ("restaurant_profile", "site_inspection")
LEGACY = ("libs_good.csv", "main_csv_export_tutorial_w_repeats.csv", "viewer_transportation.csv")
FORMS = ("edited_deprecatedID_selmult", "multilang_ar_en_fr", "three_form_versions_groups")
REFUSED = {
    "exports/grouped_translated - all_versions - labels.csv": "have labels for names",
    "exports/hxl_grouped_repeatable - all_versions - labels.csv": "have labels for names",
    "exports/literacy_test - all_versions - labels.csv": "not labels",
    "exports/or_other - all_versions - labels.csv": "have labels for names",
    "exports/site_inspection - all_versions - labels.csv": "not labels",
    "legacy/logger_csvs_children.csv": "rows of a repeat",
    "api_v2/zero_submissions__asset.json": "holds no submissions but a form",
    "api_v2/three_form_versions_groups__versions.json": "is no submission",
    "api_v2/three_form_versions_groups__version_vLRmZbNfdg3ccREn3GBrhz.json": "no submissions but a form",
    "impact_household/choices.csv": "cannot be told apart",
    "impact_household/survey.csv": "cannot be told apart",
    "impact_household/raw_data.csv": "cannot be told apart",
    "impact_household/clean_data.csv": "cannot be told apart",
    "impact_household/cleaning_log.csv": "cannot be told apart",
    "impact_household/sample_frame.csv": "cannot be told apart",
}


def _csv(path: Path, delimiter: str = ";", blank: str = "") -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    kept = [row for row in rows if not all(cell == "" or cell.startswith("#") for cell in row.values())]
    return [{name: cell for name, cell in row.items() if cell not in ("", blank)} for row in kept]


def _sheets(path: Path) -> dict[str, Rows]:
    found = {}
    for sheet in openpyxl.load_workbook(path):
        header, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [
            {str(name): _cell(cell) for name, cell in zip(header, row, strict=True) if cell not in (None, "")}
            for row in rows
        ]
    return found


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _same(table: pl.DataFrame, rows: Rows, added: tuple[str, ...] = ()) -> int:
    """Compares a lake table with rows read otherwise; returns the cells compared."""
    shown = (
        table.select(pl.exclude("^_sw_.*$").exclude(*added))
        if added
        else table.select(pl.exclude("^_sw_.*$"))
    )
    found = [{name: cell for name, cell in row.items() if cell is not None} for row in shown.rows(named=True)]

    def order(row: dict[str, str]) -> list[tuple[str, str]]:
        return sorted(row.items())

    assert sorted(found, key=order) == sorted(rows, key=order)
    assert set(shown.columns) >= {name for row in rows for name in row}
    return sum(map(len, rows))


@pytest.mark.parametrize(
    "name",
    [f"{form} - all_versions - xml.csv" for form in EXPORTS]
    + [f"{form} - latest_version - xml.csv" for form in LATEST]
    + ["restaurant_profile - all_versions - labels.csv"],
)
def test_every_csv_export_holds_what_the_csv_module_reads(one_source, shared, name) -> None:
    path = shared / KOBO / "exports" / name
    source = one_source("kobotoolbox", {name: path}, unit="_id", site="_id")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    with path.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file, delimiter=";"))
    table = source.table()
    assert {column for column in table.columns if not column.startswith("_sw_")} == set(header)
    assert _same(table, _csv(path)) > 10


@pytest.mark.parametrize("form", EXPORTS)
def test_every_workbook_holds_what_openpyxl_reads(one_source, shared, form) -> None:
    path = shared / KOBO / "exports" / f"{form} - all_versions - xml.xlsx"
    source = one_source("kobotoolbox", {path.name: path}, unit="_id", site="_id")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    main, *repeats = _sheets(path).items()
    _same(source.table(), main[1])
    for name, rows in repeats:
        _same(source.table(name), rows, ("_submission", "_row", "_parent_row"))
    assert receipt.rows_kept == len(main[1]) + sum(len(rows) for _, rows in repeats)


def test_a_workbooks_repeats_bear_the_ids_that_the_same_forms_json_gives_them(one_source, shared) -> None:
    folder = shared / KOBO / "exports"
    tables = []
    for name in ("hxl_grouped_repeatable - all_versions - xml.xlsx", "hxl_grouped_repeatable.source.json"):
        source = one_source("kobotoolbox", {name: folder / name}, unit="_id", site="_id")
        assert source.pull().state == "landed"
        tables.append(source.table("houshold_member_repeat"))
        (source.folder / "exports" / name).unlink()
    book, body = (table.select("_sw_record_id", "_sw_parent_record_id", pl.last()) for table in tables)
    assert book["_sw_record_id"].to_list() == body["_sw_record_id"].to_list()
    assert book["_sw_parent_record_id"].to_list() == body["_sw_parent_record_id"].to_list()
    member = "household_visit/houshold_member_repeat/household_member_name"
    assert tables[0]["household_member_name"].to_list() == tables[1][member].to_list()
    assert book["_sw_record_id"][1] == "0000-0001/houshold_member_repeat[1]"


def _flat(submission: dict[str, object]) -> dict[str, str]:
    """A submission's own cells by the words of the documentation, repeats and files left out."""
    cells = {}
    for key, value in submission.items():
        if key == "_validation_status" and isinstance(value, dict):
            value = value.get("uid")
        if not isinstance(value, list) and value not in (None, ""):
            cells[key] = str(value)
    return cells


@pytest.mark.parametrize(
    "name",
    [f"exports/{form}.source.json" for form in EXPORTS]
    + [f"api_v2/{form}__data.json" for form in FORMS]
    + ["api_v2/multilang_ar_en_fr__data_fields_subset.json", "api_v2/multilang_ar_en_fr__data_query.json"]
    + ["api_v2/multilang_ar_en_fr__data_query_limit1_next.json"],
)
def test_every_body_of_submissions_holds_what_the_json_module_reads(one_source, shared, name) -> None:
    path = shared / KOBO / name
    source = one_source("kobotoolbox", {path.name: path}, unit="_id", site="_id")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    document = json.loads(path.read_text())
    rows = [_flat(row) for row in document.get("results") or document["submissions"]]
    assert _same(source.table(), rows) >= 5 * len(rows)


@pytest.mark.parametrize("name", LEGACY)
def test_the_legacy_shape_holds_what_the_csv_module_reads(one_source, shared, name) -> None:
    path = shared / KOBO / "legacy" / name
    source = one_source("kobotoolbox", {name: path}, unit="_uuid", site="_uuid")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    rows = _csv(path, ",", blank="n/a")
    wide = [{key: cell for key, cell in row.items() if key.startswith("children[")} for row in rows]
    _same(
        source.table(),
        [{key: row[key] for key in row.keys() - wide[at].keys()} for at, row in enumerate(rows)],
    )
    if "w_repeats" in name:
        children = source.table("children")
        assert sum(map(len, wide)) == 4
        names = children.select("_sw_record_id", "children/childs_name", "children/childs_age").rows()
        root = "b31c6ac2-b8ca-4180-914f-c844fa10ed3b"
        assert names == [(f"{root}/children[1]", "Tom", "12"), (f"{root}/children[2]", "Dick", "5")]


def test_rows_of_a_legacy_export_whose_time_cannot_be_read_are_set_aside(one_source, shared) -> None:
    path = shared / KOBO / "legacy/libs_bad.csv"
    source = one_source("kobotoolbox", {path.name: path}, unit="_uuid", site="gender")
    receipt = source.pull()
    assert receipt.rows_read == 9
    # A second of 61 and more is no time: those rows are set aside, the others stay.
    assert (receipt.rows_kept, receipt.rows_quarantined) == (5, 4)


def test_a_legacy_workbook_whose_own_rows_name_a_parent_is_read(one_source, shared) -> None:
    path = shared / KOBO / "legacy/main_transportation_transportation_export.xlsx"
    source = one_source("kobotoolbox", {path.name: path}, unit="_uuid", site="_uuid")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 4), receipt.message
    (rows,) = _sheets(path).values()
    _same(source.table(), rows)


def test_a_table_of_kobos_whose_header_something_renamed_is_read_by_the_id_named(one_source, shared) -> None:
    path = shared / KOBO / "impact_household/raw_data.csv"
    source = one_source(
        "csv", {path.name: path}, unit="X_uuid", site="neighbourhood", keys={"record": "X_uuid"}
    )
    receipt = source.pull()
    assert (receipt.state, receipt.rows_read) == ("landed", 632), receipt.message
    rows = [{key: cell for key, cell in row.items() if key} for row in _csv(path, ",")]
    assert len(rows[0]) > 40
    assert receipt.rows_kept + receipt.rows_replaced == 632
    if receipt.rows_kept == 632:
        _same(source.table(), rows)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_export_of_submissions_is_refused_by_name_with_the_reason(
    one_source, shared, name
) -> None:
    path = shared / KOBO / name
    receipt = one_source("kobotoolbox", {path.name: path}, unit="_id", site="_id").pull()
    assert receipt.state == "failed"
    assert path.name in receipt.message and REFUSED[name] in receipt.message and "Remedy" in receipt.message


def test_no_real_file_is_left_out_of_these_tests(shared) -> None:
    tried = {f"exports/{form} - all_versions - xml.{kind}" for form in EXPORTS for kind in ("csv", "xlsx")}
    tried |= {f"exports/{form} - latest_version - xml.csv" for form in LATEST}
    tried |= {f"exports/{form}.source.json" for form in EXPORTS}
    tried |= {"exports/restaurant_profile - all_versions - labels.csv"}
    tried |= {f"api_v2/{form}__data.json" for form in FORMS} | {f"legacy/{name}" for name in LEGACY}
    tried |= {"legacy/libs_bad.csv", "legacy/main_transportation_transportation_export.xlsx"} | set(REFUSED)
    present = {str(path.relative_to(shared / KOBO)) for path in (shared / KOBO).rglob("*") if path.is_file()}
    forms = {name for name in present if "__asset" in name or "__version" in name or "__data_" in name}
    assert present == tried | forms
