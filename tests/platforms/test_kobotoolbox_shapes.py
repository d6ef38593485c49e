"""The shapes in which KoboToolbox hands over repeats, reviews and files, and what is no export of it."""

import io
import json
from typing import Any

import openpyxl
import pytest

from ingestion.platforms import kobotoolbox
from ingestion.platforms.protocol import Original
from ingestion.programme.load import load_programme

LONG = "members_of_the_household_who_are_away"


def _workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _nested(first: int = 1) -> bytes:
    """Two submissions, whose exporter counts from anywhere; the inner repeat's sheet comes first."""
    cut = f"{LONG[:28]}..."
    return _workbook(
        {
            "toy": [
                ["kind", "_index", "_parent_table_name", "_parent_index"],
                ["#item", None, None, None],
                ["kite", first, LONG, first + 2],
                ["ball", first + 1, LONG, first + 2],
                ["drum", first + 2, LONG, first],
            ],
            "The form, whose title is cut...": [
                ["child", "site", "_uuid", "_index"],
                ["c1", "here", "u1", first],
                ["c2", "here", "u2", first + 1],
            ],
            cut: [
                ["age", "_index", "_parent_table_name", "_parent_index"],
                [4, first, "The form, whose title is cut short", first],
                [7, first + 1, "The form, whose title is cut short", first + 1],
                [9, first + 2, "The form, whose title is cut short", first + 1],
            ],
        }
    )


@pytest.mark.parametrize("first", [1, 500])
def test_repeats_within_repeats_of_a_workbook_are_tied_whatever_numbers_the_export_gave(
    one_source, first
) -> None:
    source = one_source("kobotoolbox", {"k.xlsx": _nested(first)}, unit="child", site="site")
    receipt = source.pull()
    # The row of tags in the inner sheet is no row of a repeat.
    assert (receipt.state, receipt.rows_kept, receipt.rows_quarantined) == ("landed", 8, 0), receipt.message
    table = f"{LONG[:28]}..."
    members = source.table(table).select("_sw_record_id", "_sw_parent_record_id", "age").rows()
    assert members == [
        (f"u1/{table}[1]", "u1", "4"),
        (f"u2/{table}[1]", "u2", "7"),
        (f"u2/{table}[2]", "u2", "9"),
    ]
    toys = source.table("toy").select("_sw_record_id", "_sw_parent_record_id", "kind").rows()
    assert toys == [
        (f"u1/{table}[1]/toy[1]", f"u1/{table}[1]", "drum"),
        (f"u2/{table}[2]/toy[1]", f"u2/{table}[2]", "kite"),
        (f"u2/{table}[2]/toy[2]", f"u2/{table}[2]", "ball"),
    ]


def test_a_row_of_a_repeat_whose_parent_is_not_in_the_workbook_is_set_aside(one_source) -> None:
    form = [["child", "site", "_uuid", "_index"], ["c1", "here", "u1", 1]]
    kids = [["age", "_index", "_parent_table_name", "_parent_index"], [4, 1, "form", 1], [5, 2, "form", 9]]
    source = one_source(
        "kobotoolbox", {"k.xlsx": _workbook({"form": form, "kid": kids})}, unit="child", site="site"
    )
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (2, 1)


def test_a_workbook_that_holds_no_form_of_its_own_is_refused(one_source) -> None:
    kids = [["age", "_index", "_parent_table_name", "_parent_index"], [4, 1, "form", 1]]
    source = one_source("kobotoolbox", {"k.xlsx": _workbook({"kid": kids})}, unit="child", site="site")
    receipt = source.pull()
    assert receipt.state == "failed" and "none of its sheets holds" in receipt.message


def test_repeats_side_by_side_become_rows_where_any_cell_is_filled(one_source) -> None:
    head = "child,site,_uuid,g/kid[1]/age,g/kid[1]/toy[1]/kind,g/kid[1]/toy[2]/kind,g/kid[2]/age\n"
    text = head + "c1,here,u1,4,kite,n/a,7\nc2,here,u2,n/a,n/a,drum,n/a\nc3,here,u3,n/a,n/a,n/a,n/a\n"
    source = one_source("kobotoolbox", {"k.csv": text}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 8), receipt.message
    assert source.table().columns[-1] == "site" and "g/kid[1]/age" not in source.table().columns
    kids = source.table("kid").select("_sw_record_id", "_sw_parent_record_id", "g/kid/age").rows()
    assert kids == [("u1/kid[1]", "u1", "4"), ("u1/kid[2]", "u1", "7"), ("u2/kid[1]", "u2", None)]
    toys = source.table("toy").select("_sw_record_id", "_sw_parent_record_id", "g/kid/toy/kind").rows()
    assert toys == [("u1/kid[1]/toy[1]", "u1/kid[1]", "kite"), ("u2/kid[1]/toy[2]", "u2/kid[1]", "drum")]


def _body(*submissions: dict[str, Any]) -> str:
    rows = [{"child": "c1", "site": "here"} | row for row in submissions]
    return json.dumps({"count": len(rows), "next": None, "results": rows})


@pytest.mark.parametrize("keys", [None, {"record": "case"}])
def test_an_own_id_of_the_submission_ties_its_repeats_too(one_source, monkeypatch, keys) -> None:
    monkeypatch.setenv("SITEWISE_TEST_KEY", "k" * 32)
    body = _body({"_uuid": "u1", "case": "A-1", "kid": [{"kid/age": "4"}]})
    source = one_source(
        "kobotoolbox",
        {"k.json": body},
        unit="case",
        site="site",
        keys=keys,
        privacy={"privacy": {"pseudonym_key": {"env": "SITEWISE_TEST_KEY"}}},
    )
    form = source.folder / "instruments/form.yml"
    form.write_text(form.read_text() + "  pseudonym: [case]\n")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept, receipt.rows_quarantined) == ("landed", 2, 0), receipt.message
    (root,) = source.table()["_sw_record_id"]
    assert source.table("kid")["_sw_record_id"].to_list() == [f"{root}/kid[1]"]
    assert (root == "u1") == (keys is None) and "A-1" not in str(source.table("kid").rows())


def test_two_repeats_of_one_name_share_a_table_and_keep_their_columns(one_source) -> None:
    body = _body({"_uuid": "u1", "a/kid": [{"a/kid/age": "4"}], "b/kid": [{"b/kid/age": "9"}]})
    source = one_source("kobotoolbox", {"k.json": body}, unit="child", site="site")
    source.pull()
    rows = source.table("kid").select("_sw_record_id", "a/kid/age", "b/kid/age").rows()
    assert rows == [("u1/kid[1]", "4", None), ("u1/kid[2]", None, "9")]


def test_cells_of_json_are_kept_digit_by_digit(one_source) -> None:
    body = _body({"_uuid": "u1"}).replace(
        '"_uuid"', '"big": 12345678901234567890, "price": 1.10, "ok": true, "_uuid"'
    )
    source = one_source("kobotoolbox", {"k.json": body}, unit="child", site="site")
    source.pull()
    assert source.table().select("big", "price", "ok").row(0) == ("12345678901234567890", "1.10", "true")


def test_reviews_files_and_places_are_read_as_the_platform_says_them(one_source, tmp_path) -> None:
    photo = {
        "filename": "me/attachments/p.jpg",
        "question_xpath": "g/photo",
        "download_url": "https://k.example/1",
    }
    states = ("validation_status_approved", "validation_status_not_approved", "validation_status_on_hold")
    rows = [{"_uuid": f"u{at}", "_validation_status": {"uid": uid}} for at, uid in enumerate(states)]
    rows += [
        {"_uuid": "u9", "_validation_status": {}, "_attachments": [photo], "_geolocation": [-1.25, 36.8]}
    ]
    source = one_source("kobotoolbox", {"k.json": _body(*rows)}, unit="child", site="site")
    original = Original("k.json", source.folder / "exports/k.json")
    export = kobotoolbox.read(original, load_programme(source.folder).source("answers"))
    main = export.tables["main"]
    review = main.identity.review
    assert review is not None and export.attachments is not None
    found = main.cells.select(review.alias("review")).collect()["review"].to_list()
    assert found == ["approved", "rejected", "on_hold", None]
    assert export.attachments.rows() == [("u9", "g/photo", "p.jpg", "https://k.example/1")]
    places = main.cells.select("_geolocation_latitude", "_geolocation_longitude").collect().row(3)
    assert places == ("-1.25", "36.8") and "_attachments" not in main.columns


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"count": 1, "results": [{"_uuid": "u1"', "cut off"),
        ('{"count": 1, "results": {}}', "no submissions"),
        ('{"detail": "Invalid token."}', "no submissions"),
        ('{"results": [{"_uuid": "u1", "child": "c", "site": "s"}, {"child": "c2"}]}', "entry 2"),
        ('{"results": [{"_uuid": "u1", "_sw_file": "x"}]}', "reserved prefix"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": nonsense}', "no JSON"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_file_and_remedy(one_source, content, words) -> None:
    receipt = one_source("kobotoolbox", {"k.json": content}, unit="child", site="site").pull()
    assert receipt.state == "failed"
    assert words in receipt.message and "k.json" in receipt.message and "Remedy" in receipt.message


@pytest.mark.parametrize("name", ["multilang_ar_en_fr", "three_form_versions_groups", "zero_submissions"])
def test_an_asset_defines_its_form(shared, name) -> None:
    form = kobotoolbox.define(shared / f"real_exports/kobo/api_v2/{name}__asset.json")
    assert {"full_name"} <= {field.name for field in form.fields} and form.choices


def test_an_export_without_repeats_is_never_counted_as_a_record_without_rows(one_source) -> None:
    body = json.dumps(
        [{"_id": 1, "_uuid": "u1", "child": "c1", "site": "here", "plot": [{"plot/area": "2"}]}]
    )
    table = '"child";"site";"_uuid"\r\n"c2";"here";"u2"\r\n'
    pull = {"drop": "exports/*", "mode": "delta"}
    files = {"a.json": body, "b.csv": table}
    source = one_source("kobotoolbox", files, unit="child", site="site", questions=("plot/area",), pull=pull)
    assert source.pull().state == "landed", "nothing is counted over the repeat yet"
    indicator = source.folder / "indicators/seen.yml"
    indicator.write_text(indicator.read_text() + "over_repeat: count\n")
    source.drop("c.csv", table.replace("2", "3"))
    receipt = source.pull()
    assert receipt.state == "failed"
    assert "leaves repeats out" in receipt.message and "seen" in receipt.message
