"""REDCap's dictionary: types by validation, a field per checkbox choice, identifiers as they are marked."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.definitions.field import Definition
from ingestion.definitions.reader import read_definition
from ingestion.definitions.redcap_dictionary import read_redcap_dictionary
from ingestion.export_fault import ExportFault

API = {
    "name": "field_name",
    "kind": "field_type",
    "label": "field_label",
    "choices": "select_choices_or_calculations",
    "validation": "text_validation_type_or_show_slider_number",
    "low": "text_validation_min",
    "high": "text_validation_max",
    "identifier": "identifier",
    "logic": "branching_logic",
    "required": "required_field",
}
GUI = {
    "name": "Variable / Field Name",
    "kind": "Field Type",
    "label": "Field Label",
    "choices": "Choices, Calculations, OR Slider Labels",
    "validation": "Text Validation Type OR Show Slider Number",
    "low": "Text Validation Min",
    "high": "Text Validation Max",
    "identifier": "Identifier?",
    "logic": "Branching Logic (Show field only if...)",
    "required": "Required Field?",
}
Dictionary = Callable[..., Definition]


@pytest.fixture(params=[API, GUI], ids=["api", "gui"])
def dictionary(request: pytest.FixtureRequest, tmp_path: Path) -> Dictionary:
    """Reads a dictionary of these rows, in either spelling of its header."""

    def read(*rows: dict[str, str], blank: str = "") -> Definition:
        path = tmp_path / "dictionary.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(request.param.values())
            writer.writerows([row.get(key, blank) for key in request.param] for row in rows)
        return read_definition(path)

    return read


@pytest.mark.parametrize(
    ("kind", "validation", "expected"),
    [
        ("text", "", "text"),
        ("text", "integer", "integer"),
        ("text", "number", "number"),
        ("text", "number_2dp_comma_decimal", "number"),
        ("text", "date_dmy", "date"),
        ("text", "datetime_seconds_ymd", "datetime"),
        ("text", "time", "time"),
        ("text", "email", "text"),
        ("notes", "", "text"),
        ("yesno", "", "boolean"),
        ("truefalse", "", "boolean"),
        ("calc", "", "number"),
        ("slider", "number", "number"),
        ("file", "", "attachment"),
        ("file", "signature", "attachment"),
        ("descriptive", "", "none"),
    ],
)
def test_types_follow_type_and_validation(
    dictionary: Dictionary, kind: str, validation: str, expected: str
) -> None:
    definition = dictionary({"name": "q", "kind": kind, "validation": validation})
    assert definition.fields[0].type == expected and not definition.notes


def test_a_checkbox_is_a_yes_or_no_per_choice_under_its_export_name(dictionary: Dictionary) -> None:
    row = {
        "name": "race",
        "kind": "checkbox",
        "label": "Race",
        "choices": "1, A, or B | -99, Unknown|NASK, Not asked",
    }
    definition = dictionary(row | {"required": "y", "logic": "[age] > 5"})
    assert [field.name for field in definition.fields] == ["race___1", "race____99", "race___nask"]
    assert {field.type for field in definition.fields} == {"boolean"}
    assert {field.relevance for field in definition.fields} == {"[age] > 5"}
    assert not any(field.is_required for field in definition.fields)
    assert definition.fields[0].labels == {"": "Race: A, or B"}


def test_choices_and_limits_are_read_as_written(dictionary: Dictionary) -> None:
    definition = dictionary(
        {"name": "sex", "kind": "radio", "choices": "0, Female | 1, Male"},
        {"name": "height", "kind": "text", "validation": "number_comma_decimal", "low": "0,5", "high": "3"},
        {"name": "pain", "kind": "slider"},
        {"name": "born", "kind": "text", "validation": "date_mdy", "low": "1900-01-01", "high": "2029-12-31"},
        {"name": "seen", "kind": "text", "validation": "date_ymd", "high": "today"},
    )
    sex, height, pain, born, seen = definition.fields
    assert [(choice.code, choice.labels[""]) for choice in definition.choices] == [
        ("0", "Female"),
        ("1", "Male"),
    ]
    assert (sex.choice_list, height.low, height.high, pain.low, pain.high) == ("sex", 0.5, 3, 0, 100)
    assert born.constraint == '[born] >= "1900-01-01" and [born] <= "2029-12-31"'
    assert seen.constraint is None
    assert definition.notes == ("line 6: the range of seen is not of numbers or days, so it is not judged",)


def test_identifiers_are_those_marked_and_those_of_an_identifying_kind(dictionary: Dictionary) -> None:
    definition = dictionary(
        {"name": "first_name", "kind": "text", "identifier": "y"},
        {"name": "mobile", "kind": "text", "validation": "phone"},
        {"name": "mail", "kind": "text", "validation": "email"},
        {"name": "photo", "kind": "file"},
        {"name": "age", "kind": "text", "validation": "integer"},
    )
    assert [field.is_identifier for field in definition.fields] == [True, True, True, True, False]


def test_the_na_that_r_writes_is_a_blank(dictionary: Dictionary) -> None:
    definition = dictionary({"name": "age", "kind": "text", "label": "Age"}, blank="NA")
    assert (definition.fields[0].relevance, definition.fields[0].is_required) == (None, False)


def test_another_csv_is_no_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("record_id,age\n1,5\n")
    with pytest.raises(ExportFault, match="no REDCap data dictionary"):
        read_redcap_dictionary(path)
