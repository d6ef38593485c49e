"""XLSForm, read with tolerance: workbooks (.xlsx, .xls), their sheets as CSVs, and Kobo's JSON of a form.

In: a file. Out: `Definition`; what could not be understood is passed over and noted with its row, for real
forms hold choices twice, blank rows and words of one platform only, and are collected with all the same.
The rows' meaning is told in `xlsform_rows`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingestion.definitions.field import Definition
from ingestion.definitions.form_paths import with_own_columns
from ingestion.definitions.form_sheets import from_content, from_csv, from_workbook
from ingestion.definitions.xlsform_rows import definition_of
from ingestion.export_fault import ExportFault


def read_xlsform(path: Path) -> Definition:
    """Reads a workbook, or `survey.csv` with the `choices.csv` and `settings.csv` beside it.

    Raises:
        ExportFault: It cannot be read, or is no XLSForm.
    """
    is_text = path.suffix.lower() in (".csv", ".tsv", ".txt")
    return definition_of(from_csv(path) if is_text else from_workbook(path), path.stem)


def read_kobo_asset(path: Path) -> Definition:
    """Reads the JSON of a Kobo asset, of one of its versions, or of formpack's source with all versions.

    Where several versions are in the file, fields and choices of earlier ones that the last one lacks follow
    its own and are noted: data collected with them are still in the exports.

    Raises:
        ExportFault: It is not JSON, or holds no form.
    """
    try:
        asset = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ExportFault(path.name, "it is not valid JSON", "download the form's JSON again") from error
    found = kobo_contents(asset)
    if not found:
        raise ExportFault(
            path.name,
            "it holds no form: there is no content.survey",
            "save the answer of /api/v2/assets/{uid}/",
        )
    title = str(asset.get("name") or asset.get("title") or path.stem)
    versions = [
        replace(definition_of(from_content(content, path.name), title), version=version)
        for version, content in found
    ]
    return _together(versions)


def kobo_contents(asset: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The forms in Kobo's JSON, each with its version, the oldest first; none if there are none."""
    if not isinstance(asset, dict):
        return []
    versions = asset.get("versions")
    parts = [asset] if "content" in asset else versions if isinstance(versions, list) else []
    return [
        (str(part.get("version_id") or part.get("version") or part.get("uid") or ""), part["content"])
        for part in parts
        if isinstance(part, dict)
        and isinstance(part.get("content"), dict)
        and isinstance(part["content"].get("survey"), list)
    ]


def _together(versions: list[Definition]) -> Definition:
    whole = versions[-1]
    for earlier in reversed(versions[:-1]):
        paths = {field.path for field in whole.fields}
        codes = {(choice.choice_list, choice.code) for choice in whole.choices}
        fields = [field for field in earlier.fields if field.path not in paths]
        choices = [choice for choice in earlier.choices if (choice.choice_list, choice.code) not in codes]
        named = [field.path for field in fields]
        named += [f"code {choice.code} of {choice.choice_list}" for choice in choices]
        notes = [f"in version {earlier.version}, no longer in the last: {name}" for name in named]
        whole = replace(
            whole,
            fields=(*whole.fields, *fields),
            choices=(*whole.choices, *choices),
            notes=(*whole.notes, *notes),
        )
    return replace(whole, fields=with_own_columns(whole.fields))
