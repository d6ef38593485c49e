"""The XML parts inside an .xlsx, looked over before the workbook is read: what is hostile, what has no value.

In: the path or the bytes of one .xlsx. Out: a note per sheet on cells whose value the file does not carry.
No cell's content is taken from here.

A workbook never needs a document type or an entity, by which a small file can grow without end or name other
files: one that has any is refused.
"""

import re
import zipfile
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from ingestion.export_fault import ExportFault
from ingestion.formats.archive import checked_archive
from ingestion.formats.text import EXPORT_AGAIN

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_FORMULA_CELL = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_PLACE = re.compile(rb'\br="([A-Z]+\d+)"')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z0-9:]+)"')


def read_oddities(data: bytes | Path, file: str) -> dict[str, str]:
    """Looks a workbook over.

    Args:
        data: The workbook's path, or its bytes.
        file: The workbook's name, for messages.

    Returns:
        What whoever delivered it should know, by name of the sheet; sheets without oddities are left out.

    Raises:
        ExportFault: It is damaged, no .xlsx, or one of its parts declares a document type or an entity.
    """
    with checked_archive(data, file) as archive:
        names = set(archive.namelist())
        if not {_WORKBOOK, _RELATIONS} <= names:
            kind = "a binary workbook (.xlsb)" if "xl/workbook.bin" in names else "an archive, not a workbook"
            raise ExportFault(file, f"it is {kind}", "save it as .xlsx, or name its true platform")
        for name in sorted(names):
            if name.lower().endswith((".xml", ".rels", ".vml")):
                _refuse_declarations(archive, name, file)
        try:
            parts = _sheet_parts(archive)
        except (ElementTree.ParseError, KeyError) as error:
            raise ExportFault(file, "the workbook does not list its sheets", EXPORT_AGAIN) from error
        notes = {sheet: _note(archive.read(part)) for sheet, part in parts.items() if part in names}
    return {sheet: note for sheet, note in notes.items() if note}


def _refuse_declarations(archive: zipfile.ZipFile, name: str, file: str) -> None:
    # Without its NULs, text in UTF-16 shows the same marks.
    if _DECLARATION.search(archive.read(name).replace(b"\0", b"")):
        raise ExportFault(
            file,
            f"its part {name} declares a document type or an entity, which no workbook needs",
            "check where it comes from; open it in a spreadsheet program and save it as a new .xlsx",
        )


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The part of each sheet, by the sheet's name."""
    targets = {
        relation.attrib["Id"]: relation.attrib["Target"]
        for relation in ElementTree.fromstring(archive.read(_RELATIONS))
    }
    parts: dict[str, str] = {}
    for sheet in ElementTree.fromstring(archive.read(_WORKBOOK)).iter():
        if sheet.tag.rpartition("}")[2] == "sheet":
            relation = next(value for key, value in sheet.attrib.items() if key.endswith("}id"))
            target = targets[relation]
            parts[sheet.attrib["name"]] = (
                target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl", target))
            )
    return parts


def _note(xml: bytes) -> str:
    told = []
    # A formula that yields text may well yield none.
    unvalued = (
        [_place(cell) for cell in _FORMULA_CELL.findall(xml) if b't="str"' not in cell]
        if b"<f" in xml or b":f" in xml
        else []
    )
    if unvalued:
        told.append(
            f"{len(unvalued)} cells from {unvalued[0]} hold formulas without a value, so they are blank: "
            "open the file in a spreadsheet program and save it"
        )
    if merged := _MERGED.findall(xml):
        told.append(
            f"{len(merged)} ranges from {merged[0].decode()} are merged: only their first cells are filled"
        )
    return "; ".join(told)


def _place(attributes: bytes) -> str:
    found = _PLACE.search(attributes)
    return found.group(1).decode() if found else "an unnamed cell"
