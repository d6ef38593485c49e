"""REDCap: the flat raw CSV, longitudinal or not, with repeating instruments as further sparse rows.

Facts the reader rests on: the first column is the record's id; a row is one record, event, repeating
instrument and instance; an export of no rows is a single line end; labels as headers repeat and cannot be
used; neither a time of submission nor a form version is written per row.
"""

import polars as pl

from ingestion.export_fault import ExportFault, closest
from ingestion.formats.delimited import read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    column_or_null,
    no_api,
    no_definition,
    raw_table,
)
from ingestion.programme.model import Source

_PARTS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_COMPLETE = "2"

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one flat CSV into `main`; `keys.record` names the record's column where it is not the first."""
    text = read_delimited(original.path, original.name, encoding=source.encoding)
    columns = text.columns
    if not columns:
        return RawExport({MAIN: raw_table(original, text, Identity())})
    record = source.keys.record.column if source.keys.record else columns[0]
    if record not in columns:
        raise ExportFault(
            original.name,
            f"keys.record names the column '{record}', which is not in the export{closest(record, columns)}",
            "correct keys.record in sources.yml, or export the records again with raw names",
        )
    forms = [pl.col(name) for name in columns if name.endswith("_complete")]
    parts = [column_or_null(text.columns, part).fill_null("") for part in _PARTS]
    identity = Identity(
        record_id=pl.concat_str([pl.col(record), *parts], separator="|"),
        is_complete=pl.all_horizontal([(form == _COMPLETE).fill_null(True) for form in forms])
        if forms
        else None,
    )
    return RawExport({MAIN: raw_table(original, text, identity)})
