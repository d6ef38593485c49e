"""XLSForms as people write them: spelled in many ways; what the reader does not know is noted by its row."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from ingestion.definitions.field import Definition, Field
from ingestion.definitions.reader import read_definition
from ingestion.definitions.xlsform import read_kobo_asset, read_xlsform
from ingestion.export_fault import ExportFault

Grid = list[list[str]]
CHOICES: Grid = [["list_name", "name", "label"], ["yn", "1", "Yes"], ["yn", "0", "No"]]
Form = Callable[..., Definition]


@pytest.fixture
def form(tmp_path: Path) -> Form:
    """Reads a form written as a workbook: `form(survey, choices, settings)`, each a list of rows."""

    def read(survey: Grid, choices: Grid = CHOICES, settings: Grid | None = None) -> Definition:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, grid in {"survey": survey, "choices": choices, "settings": settings or []}.items():
            sheet = book.create_sheet(name)
            for row in grid:
                sheet.append(row)
        book.save(tmp_path / "form.xlsx")
        return read_xlsform(tmp_path / "form.xlsx")

    return read


def by_path(definition: Definition) -> dict[str, Field]:
    return {field.path: field for field in definition.fields}


@pytest.mark.parametrize(
    ("header", "attribute"),
    [
        *[
            (name, "relevance")
            for name in ("relevant", "relevance", "bind:relevant", "bind::relevant", "Relevant ")
        ],
        *[
            (name, "constraint")
            for name in ("constraint", "bind:constraint", "bind::constraint", " CONSTRAINT")
        ],
    ],
)
def test_headers_are_known_in_every_spelling(form: Form, header: str, attribute: str) -> None:
    definition = form([["type", "name", "label", header], ["integer", "age", "Age", "${x} > 1"]])
    assert getattr(definition.fields[0], attribute) == "${x} > 1"


@pytest.mark.parametrize("list_header", ["list_name", "list name", "List_Name"])
@pytest.mark.parametrize("code_header", ["name", "value"])
@pytest.mark.parametrize("word", ["select_one yn", "select one yn", "select one from yn", "select1 yn"])
def test_choices_are_known_in_every_spelling(
    form: Form, list_header: str, code_header: str, word: str
) -> None:
    choices = [[list_header, code_header, "label"], ["yn", "1", "Yes"], ["yn", "0", "No"]]
    definition = form([["type", "name"], [word, "reads"]], choices)
    assert (definition.fields[0].type, definition.fields[0].choice_list) == ("select_one", "yn")
    assert [choice.code for choice in definition.choices] == ["1", "0"]


@pytest.mark.parametrize(
    ("word", "kind", "is_identifier"),
    [
        ("integer", "integer", False),
        ("decimal", "number", False),
        ("select_multiple yn", "select_multiple", False),
        ("select multiple from yn", "select_multiple", False),
        ("select all that apply from yn", "select_multiple", False),
        ("rank yn", "select_multiple", False),
        ("calculate", "text", False),
        ("note", "none", False),
        ("dateTime", "datetime", False),
        ("start", "datetime", False),
        ("today", "date", False),
        ("deviceid", "text", True),
        ("phonenumber", "text", True),
        ("username", "text", True),
        ("geopoint", "location", True),
        ("geotrace", "location", True),
        ("image", "attachment", True),
        ("audio audit", "attachment", True),
        ("file", "attachment", True),
    ],
)
def test_types_say_what_answers_are_and_whom_they_identify(
    form: Form, word: str, kind: str, is_identifier: bool
) -> None:
    definition = form([["type", "name"], [word, "q"]])
    field = definition.fields[0]
    assert (field.type, field.is_identifier) == (kind, is_identifier)
    assert not definition.notes


def test_a_group_s_condition_holds_for_all_in_it_and_paths_name_the_groups(form: Form) -> None:
    definition = form(
        [
            ["type", "name", "relevant", "constraint"],
            ["begin group", "house", "${x} = 1", None],
            ["begin_repeat", "child", None, None],
            ["integer", "age", "../sex = 2", ". < 18"],
            ["end_repeat", None, None, None],
            ["text", "roof", None, None],
            ["end group", "house", None, None],
            ["text", "last", None, None],
        ]
    )
    fields = by_path(definition)
    age = fields["house/child/age"]
    assert age.relevance == "(${x} = 1) and (../sex = 2)"
    assert (age.repeat, age.constraint) == ("house/child", ". < 18")
    assert age.columns == ("house/child/age", "house-child-age", "age", "house.child.age")
    assert (fields["house/roof"].relevance, fields["house/roof"].repeat) == ("${x} = 1", None)
    assert (fields["last"].relevance, fields["last"].columns) == (None, ("last",))


def test_a_group_s_relative_paths_still_name_what_they_named(form: Form) -> None:
    definition = form(
        [
            ["type", "name", "relevant"],
            ["begin_group", "a", "../consent = 1"],
            ["begin_group", "b", ""],
            ["text", "q", "../r = ../../s"],
            ["end_group", None, None],
            ["end_group", None, None],
        ]
    )
    assert definition.fields[0].relevance == "(../../../consent = 1) and (../r = ../../s)"


def test_a_name_used_in_two_groups_names_no_column_by_itself(form: Form) -> None:
    rows = [
        [kind, name]
        for group in ("a", "b")
        for kind, name in (("begin_group", group), ("text", "x"), ("end_group", ""))
    ]
    definition = form([["type", "name"], *rows])
    assert [field.columns for field in definition.fields] == [("a/x", "a-x", "a.x"), ("b/x", "b-x", "b.x")]


def test_required_is_always_never_or_a_condition(form: Form) -> None:
    words = ["yes", "TRUE", "true()", "no", "", "${age} > 5"]
    definition = form(
        [["type", "name", "required"], *[["text", f"q{n}", word] for n, word in enumerate(words)]]
    )
    assert [field.is_required for field in definition.fields] == [True, True, True, False, False, False]
    assert [field.required for field in definition.fields] == [None] * 5 + ["${age} > 5"]


def test_or_other_adds_the_choice_and_the_text(form: Form) -> None:
    definition = form(
        [["type", "name"], ["select_one yn or_other", "reads"], ["select_multiple yn or other", "more"]]
    )
    assert [choice.code for choice in definition.choices] == ["1", "0", "other"]
    other = by_path(definition)["reads_other"]
    assert (other.type, other.relevance) == ("text", "selected(${reads}, 'other')")
    assert "more_other" in by_path(definition)


def test_a_range_says_its_ends(form: Form) -> None:
    words = ["start=0 end=5 step=1", "start=0;end=1;step=0.1", "", "start=5, end=-5"]
    definition = form(
        [["type", "name", "parameters"], *[["range", f"q{n}", word] for n, word in enumerate(words)]]
    )
    told = [(field.type, field.low, field.high) for field in definition.fields]
    assert told == [("integer", 0, 5), ("number", 0, 1), ("integer", 1, 10), ("integer", -5, 5)]


def test_labels_are_kept_by_language_the_default_first(form: Form) -> None:
    definition = form(
        [["type", "name", "label::French (fr)", "label::English (en)"], ["text", "q", "Âge", "Age"]],
        settings=[["form_title", "version", "default_language"], ["Census", "7", "English (en)"]],
    )
    assert list(definition.fields[0].labels.items()) == [("English (en)", "Age"), ("French (fr)", "Âge")]
    assert (definition.title, definition.version) == ("Census", "7")


def test_what_is_not_understood_is_noted_with_its_row(form: Form) -> None:
    definition = form(
        [
            ["type", "name", "disabled", "appearance"],
            ["hologram", "q1", None, None],
            [None, None, None, None],
            ["text", None, None, None],
            ["text", "gone", "yes", None],
            ["select_one nowhere", "q2", None, None],
            ["select_one yn", "q3", None, "search('villages')"],
            ["select_one_from_file towns.csv", "q4", None, None],
            ["end_group", None, None, None],
            ["begin_group", "open", None, None],
            ["text", "q1", None, None],
            ["text", "q5", None, None],
            ["text", "q5", None, None],
        ],
        [*CHOICES, ["yn", "1", "Yes again"], ["yn", None, "no code"]],
    )
    notes = "\n".join(definition.notes)
    for told in (
        "row 2: the type hologram of q1 is unknown",
        "row 4: a row of type text has no name",
        "row 5: it is disabled",
        "row 6: the choices of q2 are not in the form: there is no list 'nowhere'",
        "row 7: the choices of q3 come from a file",
        "row 8: the choices of q4 are not in the form: there is no list 'towns.csv'",
        "row 9: a group is closed that was never opened",
        "row 10: the group open is never closed",
        "the name open/q5 is used twice",
        "the list yn names 1 codes more than once",
        "row 5: a choice lacks its list or its code",
    ):
        assert told in notes
    assert [field.path for field in definition.fields] == ["q1", "q2", "q3", "q4", "open/q1", "open/q5"]
    assert all(field.choice_list is None for field in definition.fields)
    assert [choice.labels[""] for choice in definition.choices] == ["Yes", "No"]


def test_a_form_without_choices_or_settings_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Survey"
    book.active.append(["type", "name"])
    book.active.append(["integer", "age"])
    book.save(tmp_path / "form.xlsx")
    assert [field.name for field in read_definition(tmp_path / "form.xlsx").fields] == ["age"]


def test_sheets_as_csv_are_found_beside_one_another(tmp_path: Path) -> None:
    for name, grid in {"survey": [["type", "name"], ["select_one yn", "reads"]], "choices": CHOICES}.items():
        with (tmp_path / f"endline_{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(grid)
    definition = read_definition(tmp_path / "endline_survey.csv")
    assert [choice.code for choice in definition.choices] == ["1", "0"]
    with pytest.raises(ExportFault, match=r"choices of an XLSForm.*survey\.csv"):
        read_definition(tmp_path / "endline_choices.csv")


def test_kobo_s_earlier_versions_keep_their_questions_and_codes(tmp_path: Path) -> None:
    def content(names: list[str], codes: list[str]) -> dict[str, object]:
        survey = [{"type": "select_one", "select_from_list_name": "l", "name": name} for name in names]
        return {"survey": survey, "choices": [{"list_name": "l", "name": code} for code in codes]}

    versions = [{"version": "v1", "content": content(["a", "b"], ["x", "y"])}]
    versions += [{"version": "v2", "content": content(["a"], ["x", "z"])}]
    path = tmp_path / "form.json"
    path.write_text(json.dumps({"title": "T", "versions": versions}))
    definition = read_kobo_asset(path)
    assert [field.name for field in definition.fields] == ["a", "b"]
    assert [choice.code for choice in definition.choices] == ["x", "z", "y"]
    assert definition.version == "v2" and len(definition.notes) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("form.xlsx", b"PK\x03\x04 broken", "form.xlsx"),
        ("form.json", b'{"a": 1}', "no form of Kobo or Qualtrics"),
        ("form.json", b'{"a": ', "not valid JSON"),
        ("form.json", b'{"content": {"survey": [1, 2]}}', "contents are not as its kind has them"),
        ("form.xml", b"<a/>", "unknown kind, <a>"),
        ("form.xml", b"<!DOCTYPE a><a/>", "document type"),
        ("form.csv", b"a,b\n1,2\n", "no form definition"),
        ("form.csv", b"\xff\xfe\x00", "form.csv"),
        ("form.bin", b"", "no form definition"),
    ],
)
def test_what_is_no_form_is_refused_and_never_crashes(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportFault) as caught:
        read_definition(tmp_path / name)
    assert message in str(caught.value) and caught.value.remedy


def test_a_form_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportFault, match=r"gone\.xlsx: it is not there"):
        read_definition(tmp_path / "gone.xlsx")
