"""REDCap: the flat raw CSV, longitudinal or not, by file and by API.

Facts the reader rests on: the first column is the record's id; a row is one record, event, repeating
instrument and instance; the columns of an instrument stand together and end with its `<instrument>_complete`;
checkboxes read 0 also where nothing was asked; an export of no rows is a single line end; labels as headers
repeat and cannot be used. `<form>_timestamp` says when a survey was submitted, and `[not completed]` is no
time. Missing codes (-99, NASK), decimal commas and calculated decimal points stay as they are. Rows carry no
form version, and no time that moves with an edit: the newest export wins.

Rows of the record itself, one for each event, are `main`. Rows of a repeating instrument become a table named
after it, keyed `record|event|instrument|instance`, with the record's row of that event as parent; where the
export has no such row, one is made of the keys alone. But where the source's own keys or filters read a
column of the instrument, or `redcap_repeat_instrument` or `redcap_repeat_instance`, its rows are submissions
of their own and stay in `main`: such a source says that an instance is a visit or a person.

In: one landed file. Out: its tables, or the ids that exist. The API is `redcap_api`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.door.privacy import key_columns
from ingestion.export_fault import ExportFault, closest
from ingestion.formats.delimited import TextTable, read_delimited, text_table
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    RawTable,
    column_or_null,
    raw_table,
)
from ingestion.platforms.redcap_api import LIVING
from ingestion.platforms.redcap_api import ask as ask
from ingestion.platforms.redcap_files import refuse_other_files
from ingestion.programme.model import Source

EVENT, INSTRUMENT, INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
GROUP = "redcap_data_access_group"
_PARTS = (EVENT, INSTRUMENT, INSTANCE)
_COMPLETE, _NOT_YET = "2", "[not completed]"


def read(original: Original, source: Source) -> RawExport:
    """Reads one flat CSV; `keys.record` names the record's column where it is not the first."""
    if original.name == LIVING:
        return RawExport(living=frozenset(json.loads(original.path.read_bytes())["living"]))
    refuse_other_files(original)
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
    repeats = _repeats(text, source)
    if not repeats:
        return RawExport({MAIN: raw_table(original, text, _identity(columns, record))})
    return RawExport(_tables(original, text, record, repeats))


def define(path: Path) -> Definition:
    """Reads a data dictionary, as the project designer or the API exports it."""
    from ingestion.definitions.redcap_dictionary import read_redcap_dictionary

    return read_redcap_dictionary(path)


def _identity(columns: Sequence[str], record: str) -> Identity:
    forms = [name.removesuffix("_complete") for name in columns if name.endswith("_complete")]
    whole = [pl.col(f"{form}_complete").eq(_COMPLETE).fill_null(True) for form in forms]
    times = [pl.col(f"{form}_timestamp") for form in forms if f"{form}_timestamp" in columns]
    submitted = [pl.when(time != _NOT_YET).then(time) for time in times]
    return Identity(
        record_id=_row_id(columns, record, *_PARTS),
        submitted_at=pl.max_horizontal(submitted) if submitted else None,
        version_order=pl.lit(""),
        is_complete=pl.all_horizontal(whole) if whole else None,
    )


def _row_id(columns: Sequence[str], record: str, *parts: str) -> pl.Expr:
    """`record|event|instrument|instance`, blank where a part is not given or not in the export."""
    told = [column_or_null(columns, part).fill_null("") if part in parts else pl.lit("") for part in _PARTS]
    return pl.concat_str([pl.col(record), *told], separator="|")


def _repeats(text: TextTable, source: Source) -> dict[str, list[str]]:
    """The repeating instruments that become tables, with their own columns in the export's order."""
    keys = set(key_columns(source).values())
    if INSTRUMENT not in text.columns or keys & {INSTRUMENT, INSTANCE}:
        return {}
    found = text.cells.select(pl.col(INSTRUMENT).drop_nulls().unique().sort()).collect()[INSTRUMENT].to_list()
    blocks = {name: _block(text.columns, name) for name in found if re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    return {name: block for name, block in blocks.items() if block and keys.isdisjoint(block)}


def _block(columns: Sequence[str], instrument: str) -> list[str]:
    """The columns of an instrument: those since the end of the one before, up to its own status."""
    status = f"{instrument}_complete"
    if status not in columns:
        return []
    end = columns.index(status)
    start = next((place for place in range(end - 1, -1, -1) if columns[place].endswith("_complete")), -1)
    shared = {columns[0], *_PARTS, GROUP, "redcap_survey_identifier"}
    return [name for name in columns[start + 1 : end + 1] if name not in shared]


def _tables(
    original: Original, text: TextTable, record: str, repeats: dict[str, list[str]]
) -> dict[str, RawTable]:
    """`main` and a table for every repeating instrument; every cell that says something stands in one."""
    rows = text.cells.collect().with_columns(text.lines.alias("_sw_row_line"))
    shared = [name for name in (record, *_PARTS, GROUP) if name in text.columns]
    is_repeat = pl.col(INSTRUMENT).is_in(list(repeats)).fill_null(False)
    main = _with_parents(rows, is_repeat, record, shared)
    tables: dict[str, RawTable] = {}
    for name, block in repeats.items():
        cells = rows.filter(pl.col(INSTRUMENT) == name)
        strays = [
            column for column in text.columns if column not in (*shared, *block) and _says(cells[column])
        ]
        kept = [column for column in text.columns if column in {*shared, *block, *strays}]
        parent = _row_id(kept, record, EVENT)
        identity = replace(_identity(kept, record), parent_record_id=parent, root_record_id=parent)
        table = f"{name}_repeat" if name == MAIN else name
        tables[table] = raw_table(original, _part(cells, kept), identity)
    blocks = {column for block in repeats.values() for column in block}
    kept = [column for column in text.columns if column not in blocks or _says(main[column])]
    whole = replace(_part(main, kept), ragged=text.ragged)
    return {MAIN: raw_table(original, whole, _identity(kept, record))} | tables


def _with_parents(rows: pl.DataFrame, is_repeat: pl.Expr, record: str, shared: list[str]) -> pl.DataFrame:
    """The rows that are no instances, and a row of the keys alone for instances that have none to hang on."""
    main, instances = rows.filter(~is_repeat), rows.filter(is_repeat)
    base = [name for name in (record, EVENT) if name in shared]
    own = main.filter(pl.col(INSTRUMENT).is_null()) if INSTANCE in shared else main
    orphans = instances.join(own, on=base, how="anti", nulls_equal=True, maintain_order="left")
    made = orphans.unique(base, keep="first", maintain_order=True)
    kept = {*base, GROUP, "_sw_row_line"}
    made = made.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in rows.columns if name not in kept
    )
    return pl.concat([main, made])


def _says(column: pl.Series) -> bool:
    """Whether any cell says something; a checkbox that is nowhere ticked does not."""
    silent = ["0"] if "___" in column.name else []
    return bool((column.is_not_null() & ~column.is_in(silent)).any())


def _part(rows: pl.DataFrame, columns: list[str]) -> TextTable:
    return text_table(rows.select(columns), rows["_sw_row_line"])
