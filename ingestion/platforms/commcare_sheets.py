"""CommCare's exports by hand: a workbook, a zip of CSVs or one CSV; a sheet for forms and for each repeat.

Facts this rests on: the forms' sheet has `formid` and `number`; a repeat's sheet has `number` (`0.2`) and
`number__0`, `number__1` ..., which count from 0 within this file; columns bear the whole path of a question.
A repeat's path is what its columns have in common, shortened to the name that the sheet bears (`Repeat-
child`) where that is a part of it. `---` is the blank of a path that a form did not have [M].

In: one landed file. Out: the tables by path of the repeat, with the part of the file and the parent's path.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.commcare_json import FORM_ID, PARENT_ROW, ROW, parent_path
from ingestion.platforms.protocol import Original

_NUMBERS = re.compile(r"number__\d+")
_BLANK = "---"
_FORMS_SHEET = (
    "in the export's settings keep formid and number, and export the forms with their repeats as one file"
)


def read_sheets(original: Original, encoding: str) -> dict[str, tuple[str, str, TextTable]]:
    """Reads an export: path of the repeat, blank for the forms -> part of the file, parent's path, table.

    Raises:
        ExportFault: It is no export of forms, or its repeats cannot be tied to their forms.
    """
    parts = {name: _blanked(text) for name, text in _parts(original, encoding).items()}
    parts = {name: text for name, text in parts.items() if text.columns}
    if not parts:
        return {"": ("", "", TextTable(pl.LazyFrame(), (), pl.Series("line", [], dtype=pl.Int64), ()))}
    forms = {name: text for name, text in parts.items() if FORM_ID in text.columns and not _numbers(text)}
    if len(forms) != 1:
        raise ExportFault(
            original.name,
            f"{len(forms)} of its sheets hold forms by their formid, where one is expected",
            _FORMS_SHEET if not forms else "export one form at a time",
        )
    ((part, text),) = forms.items()
    repeats = {name: table for name, table in parts.items() if name != part}
    if not repeats:
        return {"": (part, "", text)}
    if "number" not in text.columns:
        raise ExportFault(original.name, "the forms' sheet has no column number", _FORMS_SHEET)
    ids = text.cells.select(pl.col("number").alias("number__0"), pl.col(FORM_ID)).collect()
    tied = {"": (part, "", text)}
    paths = {_path(name, table, original.name): name for name, table in repeats.items()}
    for path, name in paths.items():
        chain = sorted((each for each in paths if f"{path}.".startswith(f"{each}.")), key=len)
        table = _tied(repeats[name], ids, chain, f"{original.name}, sheet {name}")
        tied[path] = (name, parent_path(path, paths), table)
    return tied


def _parts(original: Original, encoding: str) -> Mapping[str, TextTable]:
    from ingestion.formats.archive import read_members
    from ingestion.formats.excel import read_workbook

    with original.path.open("rb") as file:
        head = file.read(4)
    if original.name.lower().endswith(".zip"):
        members = read_members(original.path.read_bytes(), original.name)
        return {
            PurePath(name).stem: read_delimited(content, f"{original.name}/{name}", encoding=encoding)
            for name, content in members.items()
        }
    if head.startswith(b"PK") or head.startswith(b"\xd0\xcf"):
        return read_workbook(original.path, original.name)
    return {"": read_delimited(original.path, original.name, encoding=encoding, delimiters=(",",))}


def _blanked(text: TextTable) -> TextTable:
    return replace(text, cells=text.cells.select(pl.when(pl.all() != _BLANK).then(pl.all())))


def _numbers(text: TextTable) -> list[str]:
    return sorted(filter(_NUMBERS.fullmatch, text.columns), key=lambda name: int(name[8:]))


def _path(sheet: str, text: TextTable, file: str) -> str:
    """A repeat's path, such as `form.home.child`."""
    asked = [name.split(".") for name in text.columns if name.startswith("form.")]
    if not asked or not _numbers(text):
        raise ExportFault(
            f"{file}, sheet {sheet}",
            "it is neither the forms' sheet nor that of a repeat, with number__0 and columns form.*",
            _FORMS_SHEET,
        )
    common = asked[0][:-1]
    for parts in asked:
        while common != parts[: len(common)] or len(common) == len(parts):
            common = common[:-1]
    named = re.sub(r"^.*?[-:]\s*", "", sheet).strip()
    if named in common:
        common = common[: common.index(named) + 1]
    return ".".join(common)


def _tied(text: TextTable, ids: pl.DataFrame, chain: list[str], place: str) -> TextTable:
    """A repeat's rows with their form's id, their own place in the form and their parent's."""
    numbers = _numbers(text)[1:]
    if len(numbers) != len(chain):
        raise ExportFault(
            place,
            f"its rows lie {len(numbers)} repeats deep, but sheets of only {len(chain)} of these are there",
            "export the form with the sheets of all its repeats",
        )
    steps = []
    for above, path, number in zip(["", *chain], chain, numbers, strict=False):
        within = path.removeprefix(f"{above}." if above else "form.")
        turn = (pl.col(number).cast(pl.Int64, strict=False) + 1).cast(pl.String)
        steps.append(pl.concat_str([pl.lit(f"/{within}["), turn, pl.lit("]")]))
    at = {ROW: pl.concat_str(steps), PARENT_ROW: pl.concat_str(steps[:-1]) if steps[1:] else pl.lit(None)}
    rows = text.cells.collect().drop(FORM_ID, strict=False)
    rows = rows.join(ids, on="number__0", how="left", maintain_order="left")
    rows = rows.with_columns(cell.cast(pl.String).alias(name) for name, cell in at.items())
    return replace(text, cells=rows.lazy(), columns=tuple(rows.columns))
