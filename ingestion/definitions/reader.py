"""Reads a form definition of whatever language, told by what the file holds, not by its name alone.

In: a file. Out: `Definition`. Each language is read by its own module; what instruments make of it is not
known here.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from ingestion.definitions import odk_xml, redcap_dictionary, xlsform
from ingestion.definitions.field import Definition
from ingestion.export_fault import ExportFault
from ingestion.formats.text import decode
from ingestion.formats.xml import parse_xml

KNOWN = (
    "an XLSForm (.xlsx, .xls, or survey.csv with choices.csv beside it), Kobo's asset JSON, ODK's form XML, "
    "a REDCap data dictionary (.csv), a Qualtrics .qsf, a LimeSurvey .lss, or an SPSS .sav or Stata .dta"
)
_BINARY = (b"$FL2", b"$FL3", b"<stata_dta>")
_OLD_STATA = range(104, 116)
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_definition(path: Path) -> Definition:
    """Reads a form definition.

    Raises:
        ExportFault: It is missing, unreadable, or in none of the known languages.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        reason = "it is not there" if isinstance(error, FileNotFoundError) else "it cannot be read"
        raise ExportFault(
            path.name, f"{reason} as a form definition", "put the file there, or correct the path"
        ) from error
    try:
        return _reader(path, start)(path)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, RecursionError) as error:
        # A shape that no reader foresaw; its own words may quote an answer or a label.
        raise _unknown(path, f"its contents are not as its kind has them ({type(error).__name__})") from error


def _reader(path: Path, start: bytes) -> Callable[[Path], Definition]:
    if start.startswith(_WORKBOOK):
        return xlsform.read_xlsform
    if start.startswith(_BINARY) or (start[:1] and start[0] in _OLD_STATA and path.suffix.lower() == ".dta"):
        from ingestion.definitions.value_labels import read_value_labels

        return read_value_labels
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return _xml_reader(path)
    if text.startswith(b"{"):
        return _json_reader(path)
    return _csv_reader(path)


def _xml_reader(path: Path) -> Callable[[Path], Definition]:
    root = parse_xml(path, path.name)
    name = odk_xml.local(root)
    if name == "html":
        return odk_xml.read_odk_xml
    if name == "document" and any(odk_xml.local(node) == "LimeSurveyDocType" for node in root):
        from ingestion.definitions.lss import read_lss

        return read_lss
    if name == "ODM":
        raise _unknown(path, "it is REDCap's project XML", "download the project's data dictionary as CSV")
    raise _unknown(path, f"it is XML of an unknown kind, <{name[:40]}>")


def _json_reader(path: Path) -> Callable[[Path], Definition]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ExportFault(path.name, "it is not valid JSON", "download the form again") from error
    if "SurveyElements" in content:
        from ingestion.definitions.qsf import read_qsf

        return read_qsf
    if xlsform.kobo_contents(content):
        return xlsform.read_kobo_asset
    raise _unknown(path, "it is JSON, but no form of Kobo or Qualtrics")


def _csv_reader(path: Path) -> Callable[[Path], Definition]:
    first = decode(path.read_bytes(), path.name, "utf-8").lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    header = redcap_dictionary.header_names(next(csv.reader(io.StringIO(first), delimiter=delimiter), []))
    if set(header) >= redcap_dictionary.NEEDED:
        return redcap_dictionary.read_redcap_dictionary
    if {"type", "name"} <= set(header):
        return xlsform.read_xlsform
    if "list_name" in header:
        raise _unknown(path, "it holds the choices of an XLSForm", "name the survey.csv beside it instead")
    raise _unknown(path, "it is text, but no form definition")


def _unknown(path: Path, message: str, remedy: str = "") -> ExportFault:
    return ExportFault(path.name, message, remedy or f"name {KNOWN}")
