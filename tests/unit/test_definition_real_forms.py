"""Every real form definition is read, and holds as many questions, choices and rules as its file.

The counts come from an independent reading: openpyxl, csv, json and ElementTree, row by row, without the
project's readers. Old .xls files, which openpyxl cannot open, are counted from the workbook's plain cells.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from ingestion.definitions.reader import read_definition
from ingestion.export_fault import ExportFault

STRUCTURE = re.compile(r"(begin|end)[ _](group|repeat)")
REDCAP_TITLES = ("Variable / Field Name", "Field Type", "Choices, Calculations, OR Slider Labels")
Sheet = list[dict[str, str]]


def read_sheets(path: Path) -> dict[str, Sheet]:
    """The sheets of an XLSForm as rows by header, by other means than the project's."""
    if path.suffix == ".csv":
        names = {"survey": path, "choices": path.with_name("choices.csv")}
        return {name: list(csv.DictReader(file.open(encoding="utf-8-sig"))) for name, file in names.items()}
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path, read_only=False)
        grids = {
            name: [list(row) for row in book[name].iter_rows(values_only=True)] for name in book.sheetnames
        }
    else:
        import fastexcel

        old = fastexcel.read_excel(path)
        grids = {
            name: [list(row) for row in old.load_sheet(name, header_row=None).to_polars().rows()]
            for name in old.sheet_names
        }
    sheets = {}
    for name in ("survey", "choices"):
        header, *rows = grids[name]
        cells = [["" if cell is None else str(cell).strip() for cell in row] for row in rows]
        sheets[name] = [dict(zip(map(str, header), row, strict=True)) for row in cells]
    return sheets


def named(row: dict[str, Any], *headers: str) -> str:
    return next((str(row[header]).strip() for header in headers if row.get(header) not in (None, "")), "")


def count_sheets(sheets: dict[str, list[dict[str, Any]]]) -> Counter[str]:
    """Questions, choices and constraints of an XLSForm's rows."""
    counts: Counter[str] = Counter()
    for row in sheets["survey"]:
        kind = named(row, "type")
        if not kind or STRUCTURE.match(kind.lower()) or named(row, "disabled").lower() == "yes":
            continue
        or_other = "or_other" in kind or "or other" in kind or row.get("_or_other") is True
        counts["fields"] += 2 if or_other else 1
        counts["constraints"] += bool(named(row, "constraint", "bind:constraint"))
        counts["required"] += named(row, "required", "bind:required").lower() in ("yes", "true", "true()")
        if or_other:
            listed = named(row, "select_from_list_name") or kind.removeprefix("select one from ").split()[-2]
            counts[f"other of {listed}"] = 1
    codes = {
        (named(row, "list_name", "list name"), named(row, "name", "value"))
        for row in sheets["choices"]
        if any(row.values())
    }
    counts["choices"] = sum(1 for key in codes if all(key))
    counts["choices"] += sum(count for name, count in counts.items() if name.startswith("other of"))
    return counts


def xlsforms(real: Path) -> Iterator[Path]:
    yield from sorted((real / "xlsform").iterdir())
    yield from sorted((real / "surveycto" / "hfc_training").glob("Household_*Survey.xlsx"))
    yield real / "kobo" / "impact_household" / "survey.csv"


def told(label: str, definition: Any) -> str:
    notes = f", {len(definition.notes)} passed over" if definition.notes else ""
    rules = sum(bool(field.constraint) + bool(field.relevance) for field in definition.fields)
    return (
        f"{label:<62} {definition.language:<9} {len(definition.fields):>4} fields "
        f"{len(definition.choices):>4} choices {rules:>4} rules{notes}"
    )


@pytest.mark.filterwarnings("ignore:Unknown extension")
def test_xlsforms_hold_as_much_as_their_sheets(shared: Path) -> None:
    real = shared / "real_exports"
    for path in xlsforms(real):
        definition = read_definition(path)
        counted = count_sheets(read_sheets(path))
        print(told(str(path.relative_to(real)), definition))
        assert len(definition.fields) == counted["fields"], path
        assert len(definition.choices) == counted["choices"], path
        assert sum(field.constraint is not None for field in definition.fields) == counted["constraints"], (
            path
        )
        assert sum(field.is_required for field in definition.fields) == counted["required"], path


def test_kobo_s_forms_hold_as_much_as_their_json(shared: Path) -> None:
    real = shared / "real_exports" / "kobo"
    paths = [*sorted(real.glob("api_v2/*asset.json")), *sorted(real.glob("api_v2/*__version_*.json"))]
    paths += sorted(real.glob("exports/*.source.json"))
    assert len(paths) == 15
    for path in paths:
        asset = json.loads(path.read_text(encoding="utf-8"))
        contents = (
            [part["content"] for part in asset.get("versions", [])]
            if "content" not in asset
            else [asset["content"]]
        )
        last = contents[-1]
        definition = read_definition(path)
        print(told(str(path.relative_to(real)), definition))
        retired = [note for note in definition.notes if "no longer in the last" in note]
        codes = sum("code " in note for note in retired)
        rows = [
            row
            | {
                "type": row["type"]
                + (f" {row['select_from_list_name']}" if "select_from_list_name" in row else "")
            }
            for row in last["survey"]
        ]
        counted = count_sheets({"survey": rows, "choices": last.get("choices", [])})
        assert len(definition.fields) == counted["fields"] + len(retired) - codes, path
        assert len(definition.choices) == counted["choices"] + codes, path
        listed = {choice.choice_list for choice in definition.choices}
        assert all(
            field.choice_list in listed for field in definition.fields if field.type.startswith("select_")
        )


def test_redcap_s_dictionaries_hold_a_field_per_row_and_per_checkbox_choice(shared: Path) -> None:
    real = shared / "real_exports" / "redcap"
    paths = [*sorted(real.glob("*/dictiona*.csv")), real / "simple" / "metadata.csv"]
    assert len(paths) == 14
    for path in paths:
        rows = list(csv.DictReader(path.open(encoding="utf-8-sig")))
        name, kind, options = (
            REDCAP_TITLES
            if REDCAP_TITLES[0] in rows[0]
            else ("field_name", "field_type", "select_choices_or_calculations")
        )
        fields, choices = [], 0
        for row in rows:
            codes = [part.split(",")[0].strip() for part in row[options].split("|")]
            codes = codes if row[kind] in ("radio", "dropdown", "checkbox") else []
            choices += len(codes)
            is_checkbox = row[kind] == "checkbox"
            fields += [f"{row[name]}___{code.lower()}" for code in codes] if is_checkbox else [row[name]]
        definition = read_definition(path)
        print(told(str(path.relative_to(real)), definition))
        assert [field.name for field in definition.fields] == fields, path
        assert len(definition.choices) == choices, path


def test_redcap_s_fields_are_the_columns_of_the_data_beside_them(shared: Path) -> None:
    real = shared / "real_exports" / "redcap"
    unknown: dict[str, list[str]] = {}
    for path in sorted(real.glob("*/dictionary.csv")):
        header = next(csv.reader((path.parent / "data.csv").open(encoding="utf-8-sig")))
        known = {field.name for field in read_definition(path).fields if field.type != "none"}
        system = re.compile(r"redcap_|.*_complete$|.*_timestamp$")
        unknown[path.parent.name] = [name for name in header if name not in known and not system.match(name)]
    print({name: columns for name, columns in unknown.items() if columns})
    assert not any(unknown.values())


def test_odk_s_forms_hold_the_leaves_of_their_instance(shared: Path) -> None:
    real = shared / "real_exports" / "odk"
    paths = sorted(real.glob("*/*.form.xml"))
    assert len(paths) == 2
    for path in paths:
        root = ElementTree.parse(path).getroot()
        names = [node.tag.rpartition("}")[2] for node in root.iter()]
        (data,) = next(node for node in root.iter() if node.tag.endswith("}instance"))
        leaves = [node for node in data.iter() if not len(node) and not node.tag.endswith("instanceID")]
        definition = read_definition(path)
        print(told(path.name, definition))
        assert [field.name for field in definition.fields] == [leaf.tag.rpartition("}")[2] for leaf in leaves]
        assert len(definition.choices) == names.count("item")
        assert {field.repeat for field in definition.fields} >= {None, "taxon_encounter"}
        assert all(field.labels for field in definition.fields if field.path.count("/"))


def test_odk_s_fields_bear_the_columns_of_the_exports_beside_them(shared: Path) -> None:
    folder = shared / "real_exports" / "odk" / "aggregate_2019"
    definition = read_definition(folder / "FloraQuadrat04.form.xml")
    columns = {column for field in definition.fields for column in field.columns}
    for file in folder.glob("*0-4*.csv"):
        header = next(csv.reader(file.open(encoding="utf-8-sig")))
        parts = re.compile(r"(Latitude|Longitude|Altitude|Accuracy)$")
        system = ("SubmissionDate", "meta-instanceID", "KEY", "PARENT_KEY", "SubmitterID", "SubmitterName")
        system += ("AttachmentsPresent", "AttachmentsExpected", "Status")
        rest = [
            name for name in header if name not in columns and name not in system and not parts.search(name)
        ]
        assert rest == [], file.name


def test_files_that_define_no_form_are_refused_with_a_remedy(shared: Path) -> None:
    real = shared / "real_exports"
    refused: Counter[str] = Counter()
    read = 0
    for path in sorted(path for path in real.rglob("*") if path.is_file()):
        try:
            read_definition(path)
            read += 1
        except ExportFault as fault:
            refused[fault.message] += 1
            assert fault.file == path.name and fault.remedy
    print(f"{read} files define a form; {refused.total()} do not:")
    for message, count in refused.most_common():
        print(f"  {count:>3} {message}")
    assert read >= 45


def test_the_household_form_s_questions_bear_the_names_of_its_export(shared: Path) -> None:
    folder = shared / "real_exports" / "kobo" / "impact_household"
    definition = read_definition(folder / "survey.csv")
    assert len(definition.fields) == 223
    assert sum(field.constraint is not None for field in definition.fields) == 81
    assert sum(field.relevance is not None for field in definition.fields) == 174
    header = set(next(csv.reader((folder / "raw_data.csv").open(encoding="utf-8-sig"))))
    asked = [field for field in definition.fields if header & set(field.columns)]
    print(f"{len(asked)} of {len(definition.fields)} fields have a column")
    assert sum(field.constraint is not None for field in asked) == 57
    assert sum(field.relevance is not None for field in asked) == 108
