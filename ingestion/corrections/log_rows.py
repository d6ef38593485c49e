"""The rows of a log, as it was written: which submission, which question, what stood there, what is right.

In: the text tables of a log. Out: `LogRow`, in the order in which they apply; and the log's own table of the
lake, which holds where a row stands and what it asks for, but neither values, nor keys, nor who wrote it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.export_fault import ExportFault, closest
from ingestion.lake import QUARANTINE, stage
from ingestion.platforms.protocol import MAIN, RawTable
from ingestion.programme.aggregates import COLUMNS, NEEDED
from ingestion.programme.model import Column, Source
from ingestion.receipt import Counts, LakeTable
from ingestion.rows.found import Found
from ingestion.rows.setting_aside import ragged

LOG = "_log"
ACTIONS = ("change", "blank", "remove", "keep")


@dataclass(frozen=True)
class LogRow:
    """One row of a log.

    Attributes:
        log: The source of corrections.
        file: Its file.
        line: The line there.
        record: The submission's key as written.
        question: The question as written.
        old: What stood there, by the log; blank: not told.
        new: What is right.
        action: One of `ACTIONS`; None where the log's word for it is in no map.
        at: When it was written, as text; blank: not told.
    """

    log: str
    file: str
    line: int
    record: str
    question: str
    old: str
    new: str
    action: str | None
    at: str


def log_rows(source: Source, tables: Iterable[RawTable]) -> Iterator[LogRow]:
    """The rows of one log, by export and line.

    Raises:
        ExportFault: A column that is needed, or that `columns` names, is missing.
    """
    for table in tables:
        columns = {word: source.columns.get(word, Column(column=word)) for word in COLUMNS["corrections"]}
        for word, column in columns.items():
            is_needed = word in NEEDED["corrections"] or word in source.columns
            if is_needed and column.column not in table.columns:
                raise ExportFault(
                    table.file,
                    f"it has no column '{column.column}' for the {word} of source {source.source}"
                    f"{closest(column.column, table.columns)}",
                    f"name the column that holds it in sources.yml: columns: {{{word}: NAME}}",
                )
        there = {word: column for word, column in columns.items() if column.column in table.columns}
        read = [word for word in there if word not in ("reason", "who")]
        none = pl.lit("")
        cells = table.cells.select(
            (pl.col(there[word].column).str.strip_chars().fill_null("") if word in read else none).alias(word)
            for word in ("record", "question", "old", "new", "action", "at")
        ).collect()
        for line, row in zip(table.lines, cells.iter_rows(named=True), strict=True):
            action = _action(columns["action"], row["action"], row["new"])
            yield LogRow(source.source, table.file, int(line), **{**row, "action": action})


def _action(column: Column, word: str, new: str) -> str | None:
    if word == "":
        return "change" if new else "blank"
    meant = word if column.map is None else column.map.get(word)
    return meant if meant in ACTIONS else None


def write_log(source: Source, found: Found, into: Path) -> tuple[LakeTable, Counts]:
    """Writes a log's own table; the rows that fit no header are its quarantine.

    Raises:
        ExportFault: As `log_rows`.
    """
    tables = found.of(MAIN)
    rows = list(log_rows(source, tables))
    told = {
        "file": [row.file for row in rows],
        "line": [str(row.line) for row in rows],
        "question": [row.question for row in rows],
        "action": [row.action for row in rows],
    }
    frame = pl.DataFrame(told, schema=dict.fromkeys(told, pl.String))
    aside = ragged(tables)
    stage(aside.lazy(), into, QUARANTINE, aside.height)
    counts = Counts(
        rows_read=frame.height + aside.height, rows_kept=frame.height, rows_quarantined=aside.height
    )
    return stage(frame.lazy(), into, LOG, frame.height), counts
