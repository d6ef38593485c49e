"""What REDCap exports beside its raw records, refused by what it is: dictionaries, events, labels, projects.

In: one landed file. Out: nothing, or the fault that names the file's kind and what to drop instead. Records
are read elsewhere.
"""

import csv
import re

from ingestion.export_fault import ExportFault
from ingestion.platforms.protocol import Original

_RAW = "export the records as CSV / Microsoft Excel (raw data), and drop that"
_KINDS = {
    "field_name": "data dictionary",
    "Variable / Field Name": "data dictionary",
    "arm_num": "list of arms",
    "event_name": "list of events",
    "form_name": "list of repeating instruments",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*(___-?[A-Za-z0-9_.]+)?")


def refuse_other_files(original: Original) -> None:
    """Raises ExportFault where the file is no raw CSV of records; an empty one is."""
    with original.path.open("rb") as file:
        head = file.read(1 << 20)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise ExportFault(original.name, "it is a project in XML, not a table of records", _RAW)
    line = head.decode("utf-8", errors="replace").removeprefix("\ufeff").partition("\n")[0]
    names = next(csv.reader([line.rstrip("\r")]), [])
    if not names:
        return
    if names[0] in _KINDS and "redcap_repeat_instance" not in names:
        definition = "dictionary" in _KINDS[names[0]]
        remedy = "name it under `definition:` of the instrument; " if definition else ""
        raise ExportFault(
            original.name, f"it is the project's {_KINDS[names[0]]}, not its records", remedy + _RAW
        )
    if "_DATA_LABELS_" in original.name:
        raise ExportFault(original.name, "by its name it was exported with labels in place of codes", _RAW)
    strange = [name for name in names if not _NAME.fullmatch(name)]
    if len(strange) * 2 > len(names):
        raise ExportFault(original.name, "its columns bear labels, not the names of variables", _RAW)
