"""The fate of every row of a source, table by table: the form's own first, a repeat after its parents'.

In: what the originals hold. Out: for every table its parts, not yet read, and beside them the marks of their
rows. Only the columns that tell rows apart are in memory here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Programme, Source
from ingestion.rows import fates, keys
from ingestion.rows.accept import accept_marks, date_marks, mark_later_rows_of_units
from ingestion.rows.fates import ORDER, PARENT, RECORD_ID, ROOT, Deletions
from ingestion.rows.found import Found
from ingestion.rows.stamps import TIME_IS_UNREADABLE, WHY_UNUSABLE, Part, mark_column, stamped


@dataclass(frozen=True)
class Settled:
    """One table, settled.

    Attributes:
        parts: Its rows by original, oldest export first.
        marked: One row for every row of the parts, in their order: ids, time of submission, fate.
    """

    parts: Sequence[Part]
    marked: pl.DataFrame


def settled(
    programme: Programme,
    source: Source,
    found: Found,
    key: bytes,
    begin: Callable[[Part], None] | None = None,
) -> dict[str, Settled]:
    """Settles every row of a source that sends rows of people.

    Args:
        programme: The programme.
        source: The source.
        found: What its originals hold.
        key: Key of the pseudonyms, empty where there are none.
        begin: Told of the form's own rows before they are settled: see `stamped`.
    """
    exports: dict[str, int] = {}
    tables: dict[str, Settled] = {}
    for name in found.parents_first():
        parts, narrow = [], []
        for table, order in found.tables[name]:
            export = exports.setdefault(table.export or f"#{order}", len(exports))
            part, told = stamped(
                programme, source, name, table, order, export, key, begin if name == MAIN else None
            )
            parts.append(part)
            narrow.append(told)
        rows = _with_ids(pl.concat(narrow, how="diagonal"))
        parent = found.parent(name)
        if parent is None:
            marked = _main(programme, source, rows, found)
        else:
            # Repeats of the form itself hang on the submission's id, which every platform's export has.
            hangs_on = ROOT if parent == MAIN else PARENT
            marked = fates.mark_replaced(fates.follow_parents(rows, tables[parent].marked, hangs_on))
        tables[name] = Settled(parts, marked.select(_needed(marked)))
    return tables


def _needed(marked: pl.DataFrame) -> list[str]:
    """What the next steps read; the rest would only take room."""
    needed = {RECORD_ID, PARENT, keys.SUBMITTED_AT, fates.EXPORT, fates.FATE, fates.REASON, fates.FIELD}
    return [column for column in marked.columns if column in needed]


def _main(programme: Programme, source: Source, main: pl.DataFrame, found: Found) -> pl.DataFrame:
    """The form's own rows with their fates; the newest version is settled before any is left out."""
    if WHY_UNUSABLE in main.columns:
        unusable = pl.col(WHY_UNUSABLE)
        main = fates.mark(main, unusable.is_not_null(), fates.QUARANTINED, unusable, RECORD_ID)
    if TIME_IS_UNREADABLE in main.columns:
        untimed = "its time of submission cannot be read; export it as ISO 8601, e.g. 2024-11-03T09:15:00"
        main = fates.mark(main, pl.col(TIME_IS_UNREADABLE), fates.QUARANTINED, untimed, keys.SUBMITTED_AT)
    moment = main[ORDER].replace_strict(dict(enumerate(found.at)), return_dtype=pl.Int64)
    main = fates.mark_gone(main, Deletions(found.gone, found.living), moment)
    main = fates.mark_replaced(main)
    key_marks = list(keys.key_marks(source))
    marks = [*key_marks, *accept_marks(source)]
    told = [replace(mark, where=pl.col(mark_column(place))) for place, mark in enumerate(marks)]
    for mark in (*told[: len(key_marks)], *date_marks(source), *told[len(key_marks) :]):
        main = fates.mark(main, mark.where, mark.fate, mark.reason, mark.field)
    if source.first_per_unit:
        main = mark_later_rows_of_units(main, source.first_per_unit, programme.units.unique_in == "site")
    return main


def _with_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows without a record id are quarantined: nothing tells them apart."""
    no_id = pl.col(RECORD_ID).str.strip_chars().fill_null("") == ""
    return fates.mark(fates.unmarked(frame), no_id, fates.QUARANTINED, "it has no record id", RECORD_ID)
