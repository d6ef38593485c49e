"""SurveyCTO's WIDE exports, whose dates follow the machine that exported."""

import csv
import json

import pytest

from ingestion.platforms import surveycto
from ingestion.platforms.protocol import Original
from ingestion.programme.model import Source

SOURCE = Source.model_validate(
    {
        "source": "answers",
        "role": "register",
        "platform": "surveycto",
        "pull": {"drop": "exports/*"},
        "keys": {"unit": "name", "site": "deviceid"},
    }
)


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("media_2018/data_1/sctomedia_testdata_1_WIDE.csv", "2019-09-11T15:01:44.000"),
        ("text_audit/data_1/test_data_form_WIDE.csv", "2018-09-18T12:12:37.000"),
    ],
)
def test_both_written_forms_of_a_date_become_one(one_source, shared, path, first) -> None:
    export = shared / "real_exports/surveycto" / path
    source = one_source("surveycto", {export.name: export}, unit="name", site="deviceid")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    main = source.table()
    assert first in main["_sw_submitted_at"].to_list()
    assert main["_sw_record_id"].str.starts_with("uuid:").all()
    assert main["_sw_form_version"].null_count() == 0


def test_ids_of_twenty_digits_keep_every_digit(one_source, shared) -> None:
    export = shared / "real_exports/surveycto/text_audit/data_1/test_data_form_WIDE.csv"
    source = one_source("surveycto", {export.name: export}, unit="name", site="deviceid")
    source.pull()
    assert "89462046111319665524" in source.table()["simid"].to_list()


def test_a_date_in_another_language_is_quarantined_never_guessed(one_source) -> None:
    text = "SubmissionDate,child,site,KEY\n2026-03-01 08:00:00,c1,here,k1\n01.03.2026 08:00:00,c2,here,k2\n"
    source = one_source("surveycto", {"f_WIDE.csv": text}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (1, 1)
    (row,) = source.table("_quarantine").rows(named=True)
    assert (row["line"], row["field"], row["record_id"]) == ("3", "submitted_at", "k2")
    assert "01.03.2026" not in str(row)


def test_a_text_audit_dropped_among_the_exports_is_refused_by_name(one_source, shared) -> None:
    folder = shared / "real_exports/surveycto/media_2018/data_1/media"
    audit = min(folder.glob("TA_*.csv"))
    receipt = one_source("surveycto", {audit.name: audit}, unit="name", site="name").pull()
    assert receipt.state == "failed"
    assert audit.name in receipt.message and "KEY" in receipt.message


MEDIA = "it is no export of a form"


def test_every_real_file_is_read_to_the_last_cell_or_refused_with_its_reason(one_source, shared) -> None:
    print(f"\n{'file':60}{'rows':>6}{'columns':>9}{'cells':>7}  or why refused")
    source = one_source("surveycto", {}, unit="name", site="deviceid")
    for number, path in enumerate(sorted((shared / "real_exports/surveycto").rglob("*.*"))):
        each = type(source)(source.folder, source.home.with_name(f"home{number}"))
        for old in (source.folder / "exports").iterdir():
            old.unlink()
        each.drop(path.name, path)
        receipt = each.pull()
        name = str(path.relative_to(shared / "real_exports/surveycto"))
        if path.suffix != ".csv" or path.parent.name == "media":
            reason = {".dta": "platform: stata", ".xlsx": "Excel workbook"}.get(path.suffix, MEDIA)
            assert receipt.state == "failed" and reason in receipt.message, (name, receipt.message)
            print(f"{name:60}{'':22}  {receipt.message.partition(': ')[2].partition('. Remedy')[0][:60]}")
            continue
        header, *rows = csv.reader(path.open(newline=""))
        assert (receipt.state, receipt.rows_kept) == ("landed", len(rows)), receipt.message
        lake = {row["KEY"]: row for row in each.table().rows(named=True)}
        for row in rows:
            written = dict(zip(header, row, strict=True))
            assert {column: lake[written["KEY"]][column] or "" for column in header} == written
        print(f"{name:60}{len(rows):6}{len(header):9}{sum(cell != '' for row in rows for cell in row):7}")


def test_media_that_cells_name_are_listed_not_fetched(shared) -> None:
    path = shared / "real_exports/surveycto/media_2018/data_1/sctomedia_testdata_1_WIDE.csv"
    found = surveycto.read(Original(path.name, path), SOURCE).attachments
    rows = list(csv.DictReader(path.open(newline="")))
    assert sorted(found.rows()) == sorted(
        (row["KEY"], "text_audit", row["text_audit"].removeprefix("media\\"), None) for row in rows
    )


def test_media_of_the_api_bear_their_address(tmp_path) -> None:
    url = "https://x.surveycto.com/api/v2/forms/f/submissions/uuid:1/attachments/photo%201.jpg"
    path = tmp_path / "submissions.json"
    path.write_text(json.dumps([{"KEY": "uuid:1", "photo": url, "link": "https://example.org"}]))
    found = surveycto.read(Original(path.name, path), SOURCE).attachments
    assert found.rows() == [("uuid:1", "photo", "photo%201.jpg", url)]


def test_numbers_and_blanks_of_the_api_are_what_was_written(one_source) -> None:
    body = '[{"KEY": "k1", "child": 12345678901234567890, "site": "here", "score": 1.50, "note": null},'
    body += ' {"KEY": "k2", "child": "007", "site": "here", "score": "", "is_new": true}]'
    source = one_source("surveycto", {"submissions.json": body}, unit="child", site="site")
    assert source.pull().state == "landed"
    found = source.table().select("KEY", "child", "score", "note", "is_new").rows()
    assert found == [("k1", "12345678901234567890", "1.50", None, None), ("k2", "007", None, None, "true")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('[{"KEY": "k1"', "not whole JSON"),
        ('{"error": {"message": "no"}}', "no list of submissions"),
        ('[{"KEY": "k1", "child": [{"age": "3"}]}]', "not wide"),
        ('[{"id": "k1"}]', "no column KEY"),
    ],
)
def test_json_that_is_no_list_of_submissions_is_refused(one_source, body, told) -> None:
    receipt = one_source("surveycto", {"submissions.json": body}, unit="child", site="site").pull()
    assert receipt.state == "failed" and told in receipt.message, receipt.message


def test_a_correction_on_the_server_wins_though_its_date_stays(one_source) -> None:
    head, old, new = "SubmissionDate,child,site,KEY,score\n", "c1,here,k1,3\n", "c1,here,k1,4\n"
    head += "2026-03-01 08:00:00,"
    files = {"a_WIDE.csv": head + old, "b_WIDE.csv": head + new}
    pull = {"drop": "exports/*", "mode": "delta"}
    source = one_source("surveycto", files, unit="child", site="site", pull=pull)
    source.pull()
    assert source.table()["score"].to_list() == ["4"]


def test_the_form_behind_a_source_is_an_xlsform(shared) -> None:
    form = surveycto.define(shared / "real_exports/surveycto/hfc_training/Household_Survey.xlsx")
    assert form.language == "xlsform" and len(form.fields) > 100


WIDE = (
    "SubmissionDate,child,site,KEY,member_count,age_1,age_2,age_3,visit_1_1,visit_1_2,visit_2_1,item_1\n"
    "2026-03-01 08:00:00,c1,here,k1,2,30,4,,a,b,c,7\n"
    "2026-03-01 09:00:00,c2,here,k2,0,,,,,,,8\n"
)


def test_repeats_side_by_side_become_rows_where_yaml_tells_of_them(one_source) -> None:
    repeats = {"member": ["age"], "trip": {"questions": ["visit"], "within": "member"}}
    source = one_source("surveycto", {"a_WIDE.csv": WIDE}, unit="child", site="site", repeats=repeats)
    assert source.pull().state == "landed"
    members, trips = source.table("member"), source.table("trip")
    key = ["_sw_record_id", "_sw_parent_record_id"]
    assert members.select(*key, "age").rows() == [
        ("k1/member[1]", "k1", "30"),
        ("k1/member[2]", "k1", "4"),
    ]
    assert trips.select(*key, "visit").rows() == [
        ("k1/member[1]/trip[1]", "k1/member[1]", "a"),
        ("k1/member[1]/trip[2]", "k1/member[1]", "b"),
        ("k1/member[2]/trip[1]", "k1/member[2]", "c"),
    ]
    assert {"item_1", "member_count"} <= set(source.table().columns)
    assert not {"age_1", "visit_1_1"} & set(source.table().columns)


def test_numbered_columns_stay_where_nothing_tells_of_repeats(one_source) -> None:
    source = one_source("surveycto", {"a_WIDE.csv": WIDE}, unit="child", site="site")
    source.pull()
    assert {"age_1", "age_3", "visit_1_2"} <= set(source.table().columns)
