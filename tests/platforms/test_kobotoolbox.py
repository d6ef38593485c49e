"""KoboToolbox's own exports, and what edits and legacy duplicates do to them."""

import polars as pl
import pytest

EXPORTS = "real_exports/kobo/exports"
HEAD = '"child";"site";"reads";"_uuid";"_submission_time";"__version__";"meta/rootUuid"\r\n'


def _row(*cells: str) -> str:
    return ";".join(f'"{cell}"' for cell in cells) + "\r\n"


def test_an_export_of_all_versions_lands_with_every_cell_as_text(one_source, shared) -> None:
    export = shared / EXPORTS / "site_inspection - all_versions - xml.csv"
    source = one_source(
        "kobotoolbox", {export.name: export}, unit="_id", site="inspector", questions=("ping",)
    )
    receipt = source.pull()
    assert (receipt.state, receipt.rows_read, receipt.rows_kept) == ("landed", 10, 10)
    main = source.table()
    assert all(column.dtype == pl.String or column.null_count() == len(column) for column in main)
    assert main["_sw_record_id"].to_list() == [f"0000-000{place}" for place in range(10)]
    assert main["_sw_submitted_at"][0] == "2026-01-01T08:00:00.000"
    assert main["_sw_form_version"][0] == "siv1"
    assert main["was_there_damage_to_the_site"].null_count() > 0


def test_a_row_of_hxl_tags_is_no_submission(one_source, shared) -> None:
    export = shared / EXPORTS / "hxl_grouped_repeatable - all_versions - xml.csv"
    source = one_source("kobotoolbox", {"hxl.csv": export}, unit="_id", site="household_location")
    assert source.pull().rows_read == 6
    assert "#LOC+NAME" not in source.table()["_sw_site_code"].to_list()


def test_every_export_with_xml_names_is_read(one_source, shared) -> None:
    files = {path.name: path for path in sorted((shared / EXPORTS).glob("*- xml.csv"))}
    for place, (name, path) in enumerate(files.items()):
        for old in one_source("kobotoolbox", {}, unit="_id", site="_id").folder.glob("exports/*"):
            old.unlink()
        source = one_source("kobotoolbox", {name: path}, unit="_id", site="_id")
        receipt = source.pull()
        assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), (place, name, receipt.message)


def test_an_export_with_labels_as_headers_is_refused_with_the_remedy(one_source, shared) -> None:
    export = shared / EXPORTS / "site_inspection - all_versions - labels.csv"
    receipt = one_source("kobotoolbox", {export.name: export}, unit="_id", site="_id").pull()
    assert receipt.state == "failed"
    assert export.name in receipt.message and "not labels" in receipt.message


def test_the_legacy_shape_is_read_and_its_n_a_is_blank(one_source, shared) -> None:
    export = shared / "real_exports/kobo/legacy/libs_good.csv"
    source = one_source("kobotoolbox", {export.name: export}, unit="_uuid", site="gender")
    assert source.pull().rows_read == 9
    assert "n/a" not in source.table()["pizza_type"].to_list()


def test_an_edit_keeps_the_record_and_the_newest_export_wins(one_source) -> None:
    first = HEAD + _row("c1", "here", "0", "aaa", "2026-02-01T08:00:00", "v1", "")
    second = HEAD + _row("c1", "here", "1", "bbb", "2026-02-01T08:00:00", "v2", "uuid:aaa")
    # By name alone the older export would come last.
    files = {
        "z - all versions - xml - 2026-02-01-10-00-00.csv": first,
        "a - all versions - xml - 2026-02-02-10-00-00.csv": second,
    }
    source = one_source("kobotoolbox", files, unit="child", site="site", questions=("reads",))
    receipt = source.pull()
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_replaced) == (2, 1, 1)
    assert receipt.export_time == "2026-02-02T10:00:00"
    assert source.table().select("_sw_record_id", "reads").rows() == [("aaa", "1")]


def test_legacy_duplicates_of_a_uuid_are_counted_as_replaced(one_source) -> None:
    row = _row("c1", "here", "1", "aaa", "2026-02-01T08:00:00", "v1", "")
    later = _row("c1", "here", "0", "aaa", "2026-02-01T09:00:00", "v1", "")
    source = one_source("kobotoolbox", {"k.csv": HEAD + later + row + row}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_replaced) == (1, 2)
    assert source.table()["reads"].to_list() == ["0"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ('"child";"site"\r\n"c1";"here"\r\n', "_uuid"),
        ('"child";"site";"_uuid";"_parent_table_name"\r\n"c1";"here";"";"t"\r\n', "repeat"),
    ],
)
def test_a_table_without_ids_of_submissions_is_refused(one_source, header, words) -> None:
    receipt = one_source("kobotoolbox", {"k.csv": header}, unit="child", site="site").pull()
    assert receipt.state == "failed" and words in receipt.message and "k.csv" in receipt.message
