"""Logs, applied to a source's rows on their way into the lake; its originals stay as they came.

In: settled tables, the columns that pass the door, and the logs that correct the source. Out: `Corrected`:
the tables without removed rows, the cells that are to change, and an audit of every row of the logs: where it
stands, what it asked for, what became of it and why; never a value. A key, a pseudonym or a place made coarse
is changed by no log: who and where somebody is, and in which arm, is corrected on the platform.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from ingestion.corrections.deciding import Decided, Place, Question, State, decide
from ingestion.corrections.log_rows import LogRow, log_rows
from ingestion.corrections.logs import Logs
from ingestion.door.privacy import coarse_columns, key_columns, pseudonym_columns
from ingestion.door.pseudonyms import pseudonymise
from ingestion.platforms.protocol import MAIN, Original, RawTable
from ingestion.programme.model import Programme, Source
from ingestion.rows import fates
from ingestion.rows.fates import FATE, NOT_ACCEPTED, PARENT, RECORD_ID
from ingestion.rows.found import Found, found_in
from ingestion.rows.keeping import kept
from ingestion.rows.settling import Settled

CORRECTIONS = "_corrections"
_AUDIT = ("log", "file", "line", "record_id", "question", "action", "state", "reason")
_REMOVED = "a log of corrections removes it"


@dataclass(frozen=True)
class Corrected:
    """What the logs make of a source's rows.

    Attributes:
        tables: The tables, removed rows marked as not accepted; none: no log corrects the source.
        cells: By table and column: record id -> new content, None for blank.
        audit: One row for every row of the logs, in the order in which they apply.
    """

    tables: dict[str, Settled] = field(default_factory=dict)
    cells: Mapping[tuple[str, str], Mapping[str, str | None]] = field(default_factory=dict)
    audit: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict.fromkeys(_AUDIT, pl.String)))

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of the logs were applied, and how many listed."""
        states = Counter(self.audit["state"])
        return {f"corrections_{state}": states[state] for state in ("applied", "listed")}

    @property
    def note(self) -> str:
        """What whoever pulled the source should know."""
        told = " and ".join(
            f"{count} {name.removeprefix('corrections_')}" for name, count in self.counts.items()
        )
        return f"corrections: {told}; {CORRECTIONS} of its lake tells of each"

    def patched(self, name: str, rows: pl.LazyFrame) -> pl.LazyFrame:
        """One table's kept rows with its corrected cells."""
        changed = []
        for (table, column), cells in sorted(self.cells.items()):
            if table == name and cells:
                ids = sorted(cells)
                new = pl.col(RECORD_ID).replace_strict(
                    ids, [cells[one] for one in ids], default=None, return_dtype=pl.String
                )
                changed.append(
                    pl.when(pl.col(RECORD_ID).is_in(ids)).then(new).otherwise(pl.col(column)).alias(column)
                )
        return rows.with_columns(changed) if changed else rows


def correct(
    programme: Programme,
    source: Source,
    found: Found,
    tables: Mapping[str, Settled],
    columns: Mapping[str, Sequence[str]],
    key: bytes,
    logs: Logs,
) -> Corrected:
    """Compares the logs with the rows that are kept.

    Args:
        programme: The programme.
        source: The source that is corrected.
        found: What its originals hold.
        tables: Its tables, settled.
        columns: By table: the columns that pass the door, in the lake's order.
        key: Key of the pseudonyms, empty where there are none.
        logs: Sources of corrections to it, each with its originals.

    Raises:
        ExportFault: A log cannot be read, or lacks a column.
    """
    rows = [row for log, originals in logs for row in log_rows(log, _main(log, originals))]
    rows.sort(key=lambda row: row.at)
    ids = _record_ids(programme, source, found, [row.record for row in rows], key)
    places = _places(tables, ids)
    asked = _asked(programme, source, columns)
    questions = [
        _question(asked[place[0]], row.question) if place else None
        for row, place in zip(rows, places, strict=True)
    ]
    cells = _cells(source, tables, columns, places, questions)
    missing = programme.instrument(source.instrument).missing if source.instrument else {}
    decided = decide(rows, places, questions, cells, missing)
    named = [
        replace(row, question=question.column) if question else row
        for row, question in zip(rows, questions, strict=True)
    ]
    # A key that nobody has here may be that of someone who withdrew, or no key at all.
    found_ids = [place[1] if place else None for place in places]
    told = list(zip(named, found_ids, decided.told, strict=True))
    return Corrected(_without_removed(found, tables, decided), dict(decided.cells), _audit(told))


def _main(log: Source, originals: Sequence[Original]) -> list[RawTable]:
    """A log's tables; those that hold no row are none."""
    found = found_in(log, originals)
    return found.of(MAIN) if MAIN in found.tables else []


def _record_ids(
    programme: Programme, source: Source, found: Found, records: Sequence[str], key: bytes
) -> list[str | None]:
    """The keys of a log as the lake has them: pseudonyms where the submission's own id is one."""
    table = found.of(MAIN)[0]
    identity = table.identity.record_id
    roots = set() if identity is None else set(identity.meta.root_names())
    hidden = pseudonym_columns(programme, source, table.columns)
    if len(roots) != 1 or not roots <= hidden.keys():
        return [record or None for record in records]
    (column,) = roots
    as_written = "" if column == source.keys.unit.column else column
    texts = pl.LazyFrame({column: [record or None for record in records]}, schema={column: pl.String})
    return pseudonymise(texts, {column: hidden[column]}, key, as_written).collect()[column].to_list()


def _places(tables: Mapping[str, Settled], ids: Sequence[str | None]) -> list[Place | None]:
    """Where each key stands: in the form's own table, or in a repeat."""
    wanted = sorted({one for one in ids if one is not None})
    where: dict[str, str] = {}
    for name in (MAIN, *sorted(set(tables) - {MAIN})):
        marked = tables[name].marked
        here = marked.filter(pl.col(FATE).is_null() & pl.col(RECORD_ID).is_in(wanted))[RECORD_ID]
        for one in here:
            where.setdefault(one, name)
    return [(where[one], one) if one is not None and one in where else None for one in ids]


def _asked(
    programme: Programme, source: Source, columns: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Question]]:
    """By table: every column that a log may name."""
    items = programme.instrument(source.instrument).items if source.instrument else {}
    item_of = {column: item for item in items.values() for column in reversed(item.question)}
    keys = set(key_columns(source).values())
    asked: dict[str, dict[str, Question]] = {}
    for name, passed in columns.items():
        hidden = pseudonym_columns(programme, source, passed)
        coarse = coarse_columns(programme, source, passed)
        asked[name] = {}
        for column in passed:
            why_not = ""
            if column in keys:
                why_not = "it is a key of the source, which is corrected where it was exported"
            elif column in hidden or column in coarse:
                why_not = "the lake holds a pseudonym or a coarse place for it"
            asked[name][column] = Question(column, item_of.get(column), why_not)
    return asked


def _question(asked: Mapping[str, Question], name: str) -> Question | None:
    """The column of that name, or the only one whose path ends in it."""
    if name in asked:
        return asked[name]
    ends = [column for column in asked if name and column.endswith((f"/{name}", f":{name}"))]
    return asked[ends[0]] if len(ends) == 1 else None


def _cells(
    source: Source,
    tables: Mapping[str, Settled],
    columns: Mapping[str, Sequence[str]],
    places: Sequence[Place | None],
    questions: Sequence[Question | None],
) -> dict[Place, dict[str, str | None]]:
    """The cells that the logs name, and no others."""
    cells: dict[Place, dict[str, str | None]] = {place: {} for place in places if place}
    for name in {place[0] for place in cells}:
        wanted = sorted(
            {
                question.column
                for place, question in zip(places, questions, strict=True)
                if place and question and place[0] == name
            }
        )
        ids = sorted(one for table, one in cells if table == name)
        rows, _ = kept(source, name, tables[name], columns[name])
        read = rows.filter(pl.col(RECORD_ID).is_in(ids)).select(RECORD_ID, *wanted)
        for row in read.collect(engine="streaming").iter_rows(named=True):
            cells[name, row[RECORD_ID]] = {column: row[column] for column in wanted}
    return cells


def _without_removed(found: Found, tables: Mapping[str, Settled], decided: Decided) -> dict[str, Settled]:
    """Marks what is removed, and the rows of repeats that hang on it."""
    removed = {name: set(ids) for name, ids in decided.removed.items()}
    settled = dict(tables)
    for name in found.parents_first():
        marked, parent = tables[name].marked, found.parent(name)
        ids, above = removed.get(name, set()), removed.get(parent or "", set())
        where = pl.col(RECORD_ID).is_in(sorted(ids))
        if above:
            where |= pl.col(PARENT).is_in(sorted(above))
        if ids or above:
            hit = marked.filter(where & pl.col(FATE).is_null())
            removed[name] = {*ids, *hit[RECORD_ID].drop_nulls()}
            marked = fates.mark(marked, where, NOT_ACCEPTED, _REMOVED, RECORD_ID)
            settled[name] = replace(tables[name], marked=marked)
    return settled


def _audit(told: Sequence[tuple[LogRow, str | None, tuple[State, str]]]) -> pl.DataFrame:
    rows = [
        (row.log, row.file, str(row.line), one, row.question or None, row.action, state, reason or None)
        for row, one, (state, reason) in told
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(_AUDIT, pl.String), orient="row")
