"""CommCare's files: a page of its API and the exports its site makes, which give the same columns and ids.

The page is real. No export made by hand on the site is held, so those here are made up in the shape that its
documentation and its exporter's source describe.
"""

import csv
import io
import json
import zipfile

import openpyxl
import pytest

COMMCARE = "real_exports/commcare"
IDS = ("_sw_record_id", "_sw_parent_record_id")
KIDS = [("f1/home.kid[1]", "f1", "3"), ("f1/home.kid[2]", "f1", "5"), ("f2/home.kid[1]", "f2", "9")]
XMLNS = "http://openrosa.org/formdesigner/4281EB62"


def form(number: int, kids: list[dict] | dict | None = None, **more: object) -> dict:
    answers = {
        "@xmlns": XMLNS,
        "@version": "7",
        "site": "here",
        "child": f"c{number}",
        "home": {"score": "5"},
    }
    answers |= {"meta": {"timeEnd": "2026-09-01T10:00:00.000000Z", "username": "ana"}}
    if kids is not None:
        answers["home"]["kid"] = kids
    head = {"id": f"f{number}", "archived": False, "received_on": f"2026-09-{number:02d}T10:00:00.000000Z"}
    return head | {"edited_on": None, "form": answers} | more


def page(*forms: dict) -> str:
    return json.dumps({"meta": {"next": None, "total_count": len(forms)}, "objects": list(forms)})


@pytest.fixture
def source(one_source):
    def make(files, **more):
        return one_source("commcare", files, unit="form.child", site="form.site", **more)

    return make


def leaves(value, path: str = ""):
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    else:
        yield path, value


def test_the_real_page_is_read_to_the_last_cell(one_source, shared) -> None:
    export = shared / COMMCARE / "form_v1_list_example.json"
    source = one_source(
        "commcare", {export.name: export}, unit="form.case.@case_id", site="domain", keep=("*", "*/*")
    )
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 1), receipt.message
    (row,) = source.table().rows(named=True)
    (raw,) = json.loads(export.read_text())["objects"]
    named = {"id": "formid", "form.@version": "@version", "form.@xmlns": "@xmlns", "form.@name": "@name"}
    named |= {"form.meta.timeEnd": "completed_time", "form.meta.timeStart": "started_time"}
    named |= {"form.meta.username": "username", "form.meta.userID": "userID"}
    named |= {"form.meta.deviceID": "deviceID", "form.meta.appVersion": "App Version"}
    cells = [(path, value) for path, value in leaves(raw) if not path.startswith("attachments")]
    for path, value in cells:
        text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
        assert (row[named.get(path, path)] or "") == text, path
    assert len(cells) == len([name for name in row if not name.startswith("_sw_")])
    filled = sum(value not in (None, "") for _, value in cells)
    print(f"\n{export.name}: 1 row, {len(cells)} columns, {filled} cells")


@pytest.mark.parametrize(
    "name",
    [
        "009_expected_form_data.csv",
        "009b_expected_form_1_data.csv",
        "009b_expected_form_2_data.csv",
        "009_integration.xlsx",
        "generic-form-metadata.xlsx",
    ],
)
def test_files_of_another_program_are_refused_with_what_to_export(source, shared, name) -> None:
    receipt = source({name: shared / COMMCARE / name}).pull()
    assert receipt.state == "failed" and name in receipt.message
    assert "formid" in receipt.message, receipt.message
    print(f"\n{name}: {receipt.message}")


def test_a_repeat_with_one_entry_is_a_repeat_where_another_form_has_two(source) -> None:
    body = page(form(1, [{"age": "3"}, {"age": "5"}]), form(2, {"age": "9"}), form(3))
    answers = source({"page.json": body})
    assert answers.pull().rows_quarantined == 0
    found = (
        answers.table("home.kid").select("_sw_record_id", "_sw_parent_record_id", "form.home.kid.age").rows()
    )
    assert found == [
        ("f1/home.kid[1]", "f1", "3"),
        ("f1/home.kid[2]", "f1", "5"),
        ("f2/home.kid[1]", "f2", "9"),
    ]
    assert answers.table()["form.home.score"].to_list() == ["5", "5", "5"]


def test_repeats_within_repeats_hang_on_their_own_parents(source) -> None:
    kids = [{"age": "3", "visit": [{"day": "1"}, {"day": "2"}]}, {"age": "5", "visit": {"day": "7"}}]
    answers = source({"page.json": page(form(1, kids))})
    answers.pull()
    visits = answers.table("home.kid.visit")
    assert visits.select("_sw_record_id", "_sw_parent_record_id", "form.home.kid.visit.day").rows() == [
        ("f1/home.kid[1]/visit[1]", "f1/home.kid[1]", "1"),
        ("f1/home.kid[1]/visit[2]", "f1/home.kid[1]", "2"),
        ("f1/home.kid[2]/visit[1]", "f1/home.kid[2]", "7"),
    ]


def test_an_edited_form_replaces_itself_and_an_archived_one_is_gone(source) -> None:
    first = page(form(1), form(2), form(3))
    edited = form(2, edited_on="2026-09-20T08:00:00.000000Z")
    edited["form"]["child"] = "c2 again"
    second = page(edited, form(3, archived=True))
    answers = source({"a.json": first}, pull={"drop": "exports/*", "mode": "delta"})
    answers.pull()
    answers.drop("b.json", second)
    answers.pull()
    found = answers.table().select("_sw_record_id", "form.child").rows()
    assert found == [("f1", "c1"), ("f2", "c2 again")]


GUI_FORMS = [
    [
        "number",
        "formid",
        "form.child",
        "form.site",
        "form.home.score",
        "@version",
        "received_on",
        "form_link",
    ],
    ["0", "f1", "c1", "here", "5", "7", "2026-09-01 10:00:00", "https://x"],
    ["1", "f2", "c2", "here", "---", "7", "2026-09-02 10:00:00", "https://x"],
]
GUI_KIDS = [
    ["number", "number__0", "number__1", "form.home.kid.age", "form.home.kid.name.first"],
    ["0.0", "0", "0", "3", "a"],
    ["0.1", "0", "1", "5", "---"],
    ["1.0", "1", "0", "9", "b"],
]
GUI_VISITS = [
    ["number", "number__0", "number__1", "number__2", "form.home.kid.visit.day"],
    ["0.1.0", "0", "1", "0", "1"],
]


def workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def zipped(sheets: dict[str, list[list[str]]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, rows in sheets.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            archive.writestr(f"{name}.csv", text.getvalue())
    return data.getvalue()


@pytest.mark.parametrize(("write", "name"), [(workbook, "export.xlsx"), (zipped, "export.zip")])
def test_an_export_by_hand_gives_the_names_and_ids_of_the_api(source, write, name) -> None:
    sheets = {"Forms": GUI_FORMS, "Repeat- kid": GUI_KIDS, "Repeat- visit": GUI_VISITS}
    answers = source({name: write(sheets)})
    receipt = answers.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    main = answers.table()
    assert main.select("_sw_record_id", "form.home.score", "_sw_form_version").rows() == [
        ("f1", "5", "7"),
        ("f2", None, "7"),
    ]
    assert main["_sw_submitted_at"].to_list()[0] == "2026-09-01T10:00:00.000"
    kids = answers.table("home.kid").select("_sw_record_id", "_sw_parent_record_id", "form.home.kid.age")
    assert kids.rows() == [
        ("f1/home.kid[1]", "f1", "3"),
        ("f1/home.kid[2]", "f1", "5"),
        ("f2/home.kid[1]", "f2", "9"),
    ]
    assert answers.table("home.kid")["form.home.kid.name.first"].to_list() == ["a", None, "b"]
    visits = answers.table("home.kid.visit").select("_sw_record_id", "_sw_parent_record_id")
    assert visits.rows() == [("f1/home.kid[2]/visit[1]", "f1/home.kid[2]")]


def test_a_csv_of_the_forms_alone_is_read(source) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(GUI_FORMS)
    answers = source({"forms.csv": text.getvalue()})
    assert answers.pull().rows_kept == 2


@pytest.mark.parametrize(
    ("sheets", "told"),
    [
        ({"Repeat- kid": GUI_KIDS}, "0 of its sheets hold forms"),
        ({"Forms": GUI_FORMS, "Other": GUI_FORMS}, "export one form at a time"),
        ({"Forms": GUI_FORMS, "Repeat- visit": GUI_VISITS}, "sheets of all its repeats"),
        ({"Forms": [row[1:] for row in GUI_FORMS], "Repeat- kid": GUI_KIDS}, "no column number"),
        ({"Forms": GUI_FORMS, "Notes": [["a", "b"], ["1", "2"]]}, "sheet Notes"),
    ],
)
def test_sheets_that_cannot_be_tied_are_refused_by_name(source, sheets, told) -> None:
    receipt = source({"export.xlsx": workbook(sheets)}).pull()
    assert receipt.state == "failed" and told in receipt.message, receipt.message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"meta": {}, "objects": [{"form"', "not whole JSON"),
        ('[{"id": 1}]', "no list of CommCare forms"),
        ('{"objects": [{"id": "f1", "form": ' + '{"a":' * 200 + "1" + "}" * 200 + "}]}", "nests deeper"),
    ],
)
def test_json_that_is_no_page_of_forms_is_refused(source, body, told) -> None:
    receipt = source({"page.json": body}).pull()
    assert receipt.state == "failed" and told in receipt.message, receipt.message
