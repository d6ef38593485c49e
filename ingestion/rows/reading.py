"""From a source's originals to the tables of its lake: the whole way of a row, in one readable order.

In: landed originals in the order of their export, and a folder. Out: tables of text as Parquet in that
folder, the quarantine among them, and `Reading`: what is in them, with counts that add up. Nothing is fetched
here, and nothing is written elsewhere; the result depends on the input alone.

Two passes: the first reads the few columns that tell rows apart and settles the fate of every row; the second
streams the rows that are kept from the originals to the lake, so that they are never all in memory. Where all
rows of a large table will likely be kept, the second begins beside the first, as a draft.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingestion.corrections.applying import CORRECTIONS, Corrected, correct
from ingestion.corrections.log_rows import write_log
from ingestion.corrections.logs import Logs
from ingestion.door.attachments import ATTACHMENTS, attachments
from ingestion.door.privacy import kept_columns, pseudonymises, question_columns
from ingestion.door.pseudonyms import pseudonym_key
from ingestion.door.unclassified import refuse_unclassified
from ingestion.export_fault import ExportFault, closest
from ingestion.lake import QUARANTINE, stage
from ingestion.platforms.protocol import MAIN, Original
from ingestion.programme import aggregates
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Counts, LakeTable, LandedOriginal
from ingestion.rows.aggregate_reading import read_aggregates
from ingestion.rows.drafting import drafting
from ingestion.rows.found import Found, found_in
from ingestion.rows.keeping import kept
from ingestion.rows.setting_aside import aside, counted, quarantine, ragged, set_aside
from ingestion.rows.settling import settled
from ingestion.rows.stamps import lost_places


@dataclass(frozen=True)
class Reading:
    """What a source's originals hold; small, so that it can come from another process.

    Attributes:
        tables: The tables that were written, without the quarantine; none if the originals hold no row.
        counts: What became of the rows.
        columns_dropped: Columns that did not pass the door; those of a repeat as `repeat/column`.
        filled: The originals that hold at least one row.
        blank: The originals that hold none.
        notes: What whoever pulled them should know.
        tells_withdrawals: Rows in them say that someone withdrew, and those of that unit were not yet taken
            out of every original.
        files: Fetched files that kept records name.
    """

    tables: list[LakeTable] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    columns_dropped: list[str] = field(default_factory=list)
    filled: list[Original] = field(default_factory=list)
    blank: list[Original] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tells_withdrawals: bool = False
    files: list[LandedOriginal] = field(default_factory=list)


def read_originals(
    programme: Programme,
    source: Source,
    originals: Sequence[Original],
    into: Path,
    logs: Logs = (),
) -> Reading:
    """Reads originals into the lake's tables, and writes these as `<table>.parquet`.

    Args:
        programme: The programme.
        source: The source.
        originals: Its originals, oldest export first.
        into: An empty folder.
        logs: Sources of corrections to it, each with its originals, oldest export first.

    Raises:
        ExportFault: An original cannot be read, a key's column is missing, or no row is usable.
    """
    found = found_in(source, originals)
    if not found.filled:
        return Reading(filled=found.filled, blank=found.blank, notes=found.notes)
    if source.role == "corrections":
        written, counts = write_log(source, found, into)
        reading = Reading([written], counts)
    elif source.sends_no_people:
        reading = _aggregates(source, found, into)
    else:
        _check_instrument(programme, source, found)
        _check_repeats(programme, source, found)
        refuse_unclassified(programme, source, found)
        found.notes += lost_places(programme, source, found)
        reading = _rows(programme, source, found, into, logs)
    return replace(reading, filled=found.filled, blank=found.blank, notes=found.notes)


def _check_instrument(programme: Programme, source: Source, found: Found) -> None:
    file = found.filled[0].name
    if MAIN not in found.tables:
        raise ExportFault(
            file, "no file holds the form's own rows, only its repeats", "drop the form's own CSV too"
        )
    questions = question_columns(programme, source)
    columns = set().union(*map(found.columns, found.tables))
    if questions and columns.isdisjoint(questions):
        raise ExportFault(
            file,
            f"none of the questions of instrument {source.instrument} is in the export, e.g. not "
            f"'{questions[0]}'{closest(questions[0], sorted(columns))}",
            "drop this form's export, or correct `question` in the instrument's items",
        )


def _check_repeats(programme: Programme, source: Source, found: Found) -> None:
    """Where an indicator counts the rows of a repeat, an export that leaves them out would count as none."""
    lacking = [export for export in found.exports if export.lacks_repeats and MAIN in export.tables]
    repeats = sorted(found.tables.keys() - {MAIN})
    counting = [
        indicator.indicator
        for indicator in programme.indicators
        if indicator.over_repeat and source.instrument in indicator.instruments
    ]
    if lacking and repeats and counting:
        raise ExportFault(
            lacking[0].tables[MAIN].file,
            f"this kind of export leaves repeats out, while others of the source hold {repeats[0]}, and "
            f"{counting[0]} is counted over a repeat",
            "export these submissions again in a format that holds repeats, or pull them by API",
        )


def _rows(programme: Programme, source: Source, found: Found, into: Path, logs: Logs) -> Reading:
    """Settles and writes the tables of a source that sends rows of people."""
    key = pseudonym_key(programme) if pseudonymises(programme, source) else b""
    columns = {name: kept_columns(programme, source, found.columns(name)) for name in found.tables}
    for passed in columns.values():
        _check_case(found.filled[0].name, passed)
    with drafting(source, found, columns[MAIN], into) as draft:
        # Nothing is drafted where a log may change what is written.
        tables = settled(programme, source, found, key, None if logs else draft.begin)
        corrected = correct(programme, source, found, tables, columns, key, logs) if logs else Corrected()
        tables = corrected.tables or tables
        gone = found.withdrawn_count
        counts = counted((table.marked for table in tables.values()), found.ragged_count, gone)
        left_out = [ragged(found.of(name)) for name in tables]
        out = quarantine(left_out + [set_aside(table) for table in tables.values()], counts)
        passing = set().union(*columns.values())
        files = attachments(programme, source, found, tables[MAIN], passing, key)
        if files is not None:
            stage(files.lazy(), into, ATTACHMENTS, files.height)
        written = []
        for name in sorted(tables):
            table = tables.pop(name)
            whole = draft.finished(table) if name == MAIN else None
            if whole is None:
                rows, count = kept(source, name, table, columns[name])
                rows = corrected.patched(name, rows)
                whole = stage(rows, into, name, count, found.parent(name))
            written.append(whole)
    stage(out.lazy(), into, QUARANTINE, out.height)
    if logs:
        stage(corrected.audit.lazy(), into, CORRECTIONS, corrected.audit.height)
        counts = counts.model_copy(update=corrected.counts)
        found.notes.append(corrected.note)
    dropped = [
        column if name == MAIN else f"{name}/{column}"
        for name in columns
        for column in sorted(found.columns(name) - set(columns[name]))
    ]
    return Reading(written, counts, dropped, tells_withdrawals=counts.rows_withdrawn > gone)


def _aggregates(source: Source, found: Found, into: Path) -> Reading:
    """Writes the one table of a source that sends no rows of people."""
    tables = found.of(MAIN)
    read = read_aggregates(source, tables)
    counts = counted([read.marked], found.ragged_count)
    out = quarantine([ragged(tables), aside(read.marked)], counts)
    written = stage(read.kept.lazy(), into, MAIN, read.kept.height)
    stage(out.lazy(), into, QUARANTINE, out.height)
    known = {column.column for column in source.columns.values()} | {*aggregates.COLUMNS[source.kind]}
    return Reading([written], counts, sorted(found.columns(MAIN) - known))


def _check_case(file: str, columns: Sequence[str]) -> None:
    """SQL does not tell `Age` from `age`: of two such columns one would silently be read for the other."""
    by_lower: dict[str, str] = {}
    for column in columns:
        other = by_lower.setdefault(column.lower(), column)
        if other != column:
            raise ExportFault(
                file,
                f"the columns '{other}' and '{column}' differ in upper and lower case only",
                "keep one of them: leave the other out of items and privacy.keep, or rename it",
            )
