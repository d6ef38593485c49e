"""Which rows are of people who withdrew, and originals rewritten without them.

In: landed originals, and the withdrawals that stand. Out: what the originals tell of withdrawals, and, in a
folder, those of them that held such people, as files of one shape whatever the platform (`redacted_file`).
A row goes where its unit or its record has withdrawn; where the newest version of a record goes, so do its
older ones, and a repeat goes with the row it belongs to. A unit that replaces one who withdrew stays, and
names the withdrawal's hash in place of the id. Nothing is read from or written to the landing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.consent.redacted_file import Redacted, write_redacted
from ingestion.consent.withdrawal import Sites, Withdrawals
from ingestion.door.privacy import pseudonym_columns, pseudonymises
from ingestion.door.pseudonyms import pseudonym_key
from ingestion.platforms.protocol import MAIN, Original
from ingestion.programme.model import Programme, Source
from ingestion.rows import fates
from ingestion.rows.fates import EXPORT, FATE, ORDER, PARENT, PLAIN_ID, RECORD_ID, ROOT, Deletions
from ingestion.rows.found import Found, found_in
from ingestion.rows.keys import REPLACES, SITE_CODE, UNIT_ID
from ingestion.rows.stamps import Part, stamped

_HIT, _KEY = "_sw_hit", "_sw_key"


@dataclass(frozen=True)
class Rewritten:
    """An original that was rewritten.

    Attributes:
        rows: Rows taken out, over all tables.
        withdrawals: Hashes of the withdrawals for which that was done.
    """

    rows: int
    withdrawals: list[str]


@dataclass(frozen=True)
class Redaction:
    """What became of originals; small, so that it can come from another process.

    Attributes:
        told: Withdrawals that the originals tell: site and kind by hash.
        rewritten: By place among the originals; each lies in the folder under that number.
        nameless_count: Withdrawals told that name no unit, or no site that is known where ids need one.
    """

    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    rewritten: dict[int, Rewritten] = field(default_factory=dict)
    nameless_count: int = 0


@dataclass
class _Rows:
    """One table's rows over all originals."""

    parts: Sequence[Part]
    frame: pl.DataFrame
    hit: pl.Series

    def of(self, place: int) -> tuple[Part, pl.Series] | None:
        """The table as one original has it, and its rows that go."""
        first = 0
        for part in self.parts:
            if part.order == place:
                return part, self.hit.slice(first, len(part.table.lines))
            first += len(part.table.lines)
        return None


def redact(
    programme: Programme,
    source: Source,
    originals: Sequence[Original],
    known: Withdrawals,
    may_tell: bool,
    into: Path,
) -> Redaction:
    """Rewrites those of a source's originals that hold people who withdrew.

    Args:
        programme: The programme.
        source: A source that sends rows of people.
        originals: Its originals, oldest export first.
        known: The withdrawals that stand.
        may_tell: Whether the originals are those that count today, so that what they tell is true.
        into: An empty folder.

    Raises:
        ExportFault: An original cannot be read.
    """
    found = found_in(source, originals)
    if MAIN not in found.tables:
        return Redaction()
    key = pseudonym_key(programme) if pseudonymises(programme, source) else b""
    matched = _Matched(programme, source, known, may_tell)
    tables: dict[str, _Rows] = {}
    exports: dict[str, int] = {}
    for name in found.parents_first():
        stamps = []
        for table, order in found.tables[name]:
            export = exports.setdefault(table.export or f"#{order}", len(exports))
            stamps.append(stamped(programme, source, name, table, order, export, key))
        parts = [part for part, _ in stamps]
        frame = pl.concat([narrow for _, narrow in stamps], how="diagonal")
        parent = found.parent(name)
        if parent is None:
            own = [UNIT_ID, SITE_CODE, REPLACES]
            keys = [part.rows.select(own).collect(engine="streaming") for part in parts]
            frame = pl.concat([frame, pl.concat(keys)], how="horizontal")
            hit = matched.rows(frame, found)
        else:
            hit = _follow(frame, tables[parent], tables[MAIN], ROOT if parent == MAIN else PARENT)
        tables[name] = _Rows(parts, frame, hit)
    return _rewritten(programme, source, found, tables, matched, into)


class _Matched:
    """Which of the form's own rows go; collects what they tell."""

    def __init__(self, programme: Programme, source: Source, known: Withdrawals, may_tell: bool) -> None:
        self.source, self.known, self.may_tell = source.source, known, may_tell
        self.sites = Sites(programme, source)
        self.told: dict[str, tuple[str, str]] = {}
        self.nameless_count = 0
        self.keys: pl.DataFrame = pl.DataFrame()
        self.replaced: pl.Series = pl.Series(dtype=pl.String)

    def rows(self, main: pl.DataFrame, found: Found) -> pl.Series:
        """The rows that go, by the form's own table."""
        moment = main[ORDER].replace_strict(dict(enumerate(found.at)), return_dtype=pl.Int64)
        marked = fates.mark_gone(fates.unmarked(main), Deletions(found.gone, found.living), moment)
        newest = fates.newest(marked.filter(pl.col(FATE).ne_missing(fates.DELETED)))
        if self.may_tell:
            self._tell(newest.filter(pl.col(FATE) == fates.WITHDRAWN))
        unit_keys, record_keys = self._unit_keys(main, UNIT_ID), self._record_keys(main)
        if self.may_tell:
            self._tell_versions(main, unit_keys, newest)
            record_keys = self._record_keys(main)
        self.keys = pl.DataFrame([unit_keys.alias("unit"), record_keys.alias("record")])
        self.replaced = self._unit_keys(main, REPLACES)
        return unit_keys.is_not_null() | record_keys.is_not_null()

    def of(self, main: pl.Series) -> list[str]:
        """The withdrawals for which rows of the form's own table go, or are changed."""
        keys = [*self.keys.filter(main).iter_columns(), self.replaced.filter(main)]
        return sorted({key for column in keys for key in column.drop_nulls()})

    def _tell(self, rows: pl.DataFrame) -> None:
        for unit, code, record in rows.select(UNIT_ID, SITE_CODE, RECORD_ID).iter_rows():
            site = self.sites.site(code)
            is_named = unit is not None and (self.sites.knows(site) or not self.sites.is_in_key)
            self.nameless_count += not is_named
            if unit is not None:
                self._add(self._unit(unit, site), site, "unit")
            elif record is not None:
                self._add(self.known.record(self.source, record), site, "record")

    def _tell_versions(self, main: pl.DataFrame, unit_keys: pl.Series, newest: pl.DataFrame) -> None:
        """Of a record whose newest version goes, older ones may name another unit, or none."""
        records = main.select(RECORD_ID, unit_keys.alias(_KEY))
        goes = pl.col(_KEY).is_not_null()
        both = records.group_by(RECORD_ID).agg(goes.any().alias(_HIT), goes.all().alias(_KEY))
        mixed = both.filter(_HIT, ~pl.col(_KEY))[RECORD_ID].drop_nulls().implode()
        hits = newest.select(RECORD_ID, UNIT_ID, SITE_CODE).filter(pl.col(RECORD_ID).is_in(mixed))
        for record, unit, code in hits.iter_rows():
            site = self.sites.site(code)
            if unit is not None and self._stands(self._unit(unit, site)):
                self._add(self.known.record(self.source, record), site, "record")

    def _add(self, key: str, site: str, kind: str) -> None:
        # A code that no site has may be anything, also a name.
        self.told[key] = (site if self.sites.knows(site) else "", kind)

    def _unit_keys(self, main: pl.DataFrame, column: str) -> pl.Series:
        """The withdrawal of the unit that a column names, row by row; NULL where it has none."""
        units = main.select(column, SITE_CODE).unique().drop_nulls(column)
        keys = [self._unit(unit, self.sites.site(code)) for unit, code in units.iter_rows()]
        known = units.with_columns(
            pl.Series(_KEY, [key if self._stands(key) else None for key in keys], dtype=pl.String)
        ).drop_nulls(_KEY)
        joined = main.select(column, SITE_CODE).join(
            known, on=[column, SITE_CODE], how="left", nulls_equal=True, maintain_order="left"
        )
        return joined[_KEY]

    def _record_keys(self, main: pl.DataFrame) -> pl.Series:
        kinds = {each.kind for each in self.known.by_key.values() if each.source == self.source}
        if "record" not in kinds | {kind for _, kind in self.told.values()}:
            return pl.repeat(None, main.height, dtype=pl.String, eager=True)
        keys = [
            None if record is None else self.known.record(self.source, record) for record in main[RECORD_ID]
        ]
        stand = [key if key is not None and self._stands(key) else None for key in keys]
        return pl.Series(stand, dtype=pl.String)

    def _unit(self, unit: str, site: str) -> str:
        return self.known.unit(site if self.sites.is_in_key else "", unit)

    def _stands(self, key: str) -> bool:
        return key in self.known.by_key or key in self.told


def _follow(children: pl.DataFrame, parent: _Rows, main: _Rows, key: str) -> pl.Series:
    """The rows of a repeat whose row in the same export goes, or whose record goes altogether."""
    gone = parent.frame.filter(parent.hit).select(pl.col(RECORD_ID).alias(key), EXPORT).unique()
    flagged = children.select(key, EXPORT).join(
        gone.with_columns(pl.lit(True).alias(_HIT)), on=[key, EXPORT], how="left", maintain_order="left"
    )
    hit = flagged[_HIT].fill_null(False)
    return hit | children[ROOT].is_in(_whole(main).implode()).fill_null(False) if ROOT in children else hit


def _whole(main: _Rows, column: str = RECORD_ID) -> pl.Series:
    """The ids of the records all of whose rows go."""
    frame = main.frame.with_columns(main.hit.alias(_HIT))
    if column not in frame.columns:
        column = RECORD_ID
    stays = frame.filter(~pl.col(_HIT))[column].drop_nulls().implode()
    gone = frame.filter(_HIT)[column].drop_nulls()
    return gone.filter(~gone.is_in(stays)).unique()


def _rewritten(
    programme: Programme,
    source: Source,
    found: Found,
    tables: dict[str, _Rows],
    matched: _Matched,
    into: Path,
) -> Redaction:
    ids = frozenset(_whole(tables[MAIN], PLAIN_ID)) | frozenset(_whole(tables[MAIN]))
    rewritten: dict[int, Rewritten] = {}
    for place, export in enumerate(found.exports):
        here = [(name, of) for name, rows in tables.items() if (of := rows.of(place)) is not None]
        count = sum(int(hit.sum()) for _, (_, hit) in here)
        of_main = tables[MAIN].frame[ORDER] == place
        replaced = matched.replaced.filter(of_main)
        is_touched = count or replaced.count() or not ids.isdisjoint(export.gone)
        if not is_touched and ids.isdisjoint(export.living or ()):
            continue
        redacted = [
            Redacted(
                name,
                part,
                hit,
                pseudonym_columns(programme, source, part.table.columns),
                {source.keys.replaces.column: replaced} if name == MAIN and source.keys.replaces else {},
            )
            for name, (part, hit) in here
        ]
        write_redacted(into / str(place), export, redacted, ids)
        rewritten[place] = Rewritten(count, matched.of(of_main) or matched.of(tables[MAIN].hit))
    return Redaction(matched.told, rewritten, matched.nameless_count)
