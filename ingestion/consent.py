"""Keeps what has landed free of people who withdrew, and knows whether the lake is yet.

Every original of a source is looked through once for every set of withdrawals: those that count today, which
may tell new ones, and those of former snapshots. One that holds such people is rewritten under a new address,
which is logged, and its old content is removed. What landed but was never served is removed as well: nothing
was read from it, and whoever delivered it will deliver it again. In: a source and its originals. Out: the
originals that take their places. The rows themselves are looked at elsewhere, in the process that reads.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ingestion.encryption import LandingKey
from ingestion.export_fault import ExportFault
from ingestion.export_order import in_export_order
from ingestion.keys import SITE_CODE, UNIT_ID
from ingestion.lake import forget_former, lake_path
from ingestion.landing import (
    SERVED,
    address,
    each_once,
    file_hash,
    flush,
    landed_path,
    read_receipts,
    settle,
)
from ingestion.opening import opened
from ingestion.platforms.protocol import MAIN, Original
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.redaction import Rewritten
from ingestion.redaction_log import Line, now_at, put_whole
from ingestion.sandbox import ReadingBroke, reader
from ingestion.withdrawal import FILE, Sites, Withdrawals, told, withdrawals

_STATE = ".withdrawals.json"
_Key = tuple[str, str]


@dataclass
class _State:
    """What was looked through, for which withdrawals; and whether the lake was made anew since."""

    fingerprint: str = ""
    originals: frozenset[_Key] = frozenset()
    is_lake_clean: bool = True

    @classmethod
    def of(cls, home: Path, source: str) -> "_State":
        file = home / "landing" / source / _STATE
        if not file.exists():
            return cls()
        known = json.loads(file.read_bytes())
        originals = frozenset((address, name) for address, name in known["originals"])
        return cls(known["fingerprint"], originals, known["is_lake_clean"])

    def save(self, home: Path, source: str) -> None:
        content = vars(self) | {"originals": sorted(self.originals)}
        put_whole(home / "landing" / source / _STATE, json.dumps(content) + "\n")


@dataclass(frozen=True)
class _Served:
    """An original that was served: from when, and until when where a later snapshot came without it."""

    original: LandedOriginal
    since: datetime
    until: datetime | None


def anyone_withdrew(home: Path) -> bool:
    """Whether there is anything to keep the landing free of."""
    return (home / "landing" / FILE).exists() or Line.file(home).exists()


def without_withdrawn(
    programme: Programme,
    source: Source,
    home: Path,
    originals: Sequence[LandedOriginal],
    key: LandingKey | None,
    tells: bool = False,
) -> tuple[list[LandedOriginal], str]:
    """Rewrites what a source has landed wherever it holds people who withdrew.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        originals: Those that count today, whatever they hold.
        key: The landing's key, if it has one.
        tells: They are known to tell withdrawals.

    Returns:
        The originals, or what takes their places; and what whoever pulled them should know, or nothing.

    Raises:
        ExportFault: An original that counts today cannot be read, or the list of who withdrew cannot be used.
        ReadingBroke: An error that nobody foresaw.
    """
    if source.is_aggregate or not (tells or anyone_withdrew(home)):
        return list(originals), ""
    known = withdrawals(home, programme)
    state, here = _State.of(home, source.source), _here(home, source.source)
    if not tells and state.fingerprint == _fingerprint(programme, source, known) and here <= state.originals:
        return [now_at(home, source.source, each) for each in originals], ""
    served = _served(home, source.source)
    work = _Work(programme, source, home, key, served, state)
    known = work.through([each for each in originals if each.kind == "data"], known, may_tell=True)
    checked = state.originals if state.fingerprint == _fingerprint(programme, source, known) else frozenset()
    now = {each.sha256 for each in originals}
    now |= {now_at(home, source.source, each).sha256 for each in originals}
    counted = {name for name in here if name[0] in now}
    for group in _former(served, here - counted - checked):
        known = work.through_former(group, known)
    for gone in here - counted - {_key(each.original) for each in served.values()}:
        work.remove(LandedOriginal(name=gone[1], sha256=gone[0], bytes=0))
    state.fingerprint = _fingerprint(programme, source, known)
    state.originals = frozenset(_here(home, source.source))
    state.save(home, source.source)
    return [now_at(home, source.source, each) for each in originals], work.note


def is_lake_clean(home: Path, source: str) -> bool:
    """Whether the lake was made anew since the originals that it is made of were redacted."""
    return _State.of(home, source).is_lake_clean


def lake_was_made(home: Path, source: str) -> None:
    """Notes that the lake was made of redacted originals; former versions of it must go, too."""
    state = _State.of(home, source)
    if state.fingerprint:
        forget_former(home, source)
    if not state.is_lake_clean:
        state.is_lake_clean = True
        state.save(home, source)


def lake_holds_withdrawn(programme: Programme, source: Source, home: Path) -> bool:
    """Whether a source's lake holds units that withdrew; for when its originals cannot be read any more."""
    folder = lake_path(home, source.source)
    if folder is None or source.is_aggregate:
        return False
    known, sites = withdrawals(home, programme), Sites(programme, source)
    units = pl.read_parquet(folder / f"{MAIN}.parquet", columns=[UNIT_ID, SITE_CODE]).unique()
    return any(
        known.unit(sites.site(code) if sites.is_in_key else "", unit) in known.by_key
        for unit, code in units.drop_nulls(UNIT_ID).iter_rows()
    )


@dataclass
class _Work:
    """One source being looked through."""

    programme: Programme
    source: Source
    home: Path
    key: LandingKey | None
    served: Mapping[_Key, _Served]
    state: _State
    note: str = ""

    def through(self, originals: Sequence[LandedOriginal], known: Withdrawals, may_tell: bool) -> Withdrawals:
        """Looks through originals together, and rewrites those that must be; returns who withdrew by then."""
        if not originals:
            return known
        folder = self.home / "landing" / self.source.source
        with (
            opened(self.home, self.source.source, originals, self.key) as paths,
            reader() as child,
            TemporaryDirectory(prefix=".arriving-", dir=folder) as scratch,
        ):
            by_path = dict(zip(paths, originals, strict=True))
            ordered = in_export_order(
                [
                    Original(each.name, path, each.kind, each.exported_at, each.redacted_from is not None)
                    for path, each in by_path.items()
                ]
            )
            found = child.redact(self.programme, self.source, ordered, known, may_tell, Path(scratch))
            known = told(self.home, known, self.source.source, found.told)
            if found.nameless_count:
                self.note = (
                    f"{found.nameless_count} rows say that consent was withdrawn, but name no unit or no "
                    "known site, so that nothing but these rows was taken out: find out whose they are"
                )
            for place, rewritten in found.rewritten.items():
                self._replace(by_path[ordered[place].path], Path(scratch, str(place)), rewritten)
        return known

    def through_former(self, originals: Sequence[LandedOriginal], known: Withdrawals) -> Withdrawals:
        """Looks through the originals of a former snapshot; those that can no longer be read are removed."""
        try:
            return self.through(originals, known, may_tell=False)
        except (ExportFault, ReadingBroke):
            if len(originals) > 1:
                for original in originals:
                    known = self.through_former([original], known)
            else:
                self.remove(originals[0])
            return known

    def remove(self, original: LandedOriginal) -> None:
        """Removes an original that nothing is made of."""
        self._log(original, None, 0, 0, ())
        self._forget(original)

    def _replace(self, original: LandedOriginal, fresh: Path, rewritten: Rewritten) -> None:
        """Puts what was rewritten in the place of an original, under each name that its content came by."""
        new, size = address(file_hash(fresh), self.key), fresh.stat().st_size
        for path in sorted(landed_path(self.home, self.source.source, original).parent.iterdir()):
            named = original.model_copy(update={"name": path.name})
            served = self.served.get(_key(named))
            if served and served.until is None and self.state.is_lake_clean:
                # Before anything is changed, so that a process that dies from here on is caught up with.
                self.state.is_lake_clean = False
                self.state.save(self.home, self.source.source)
            target = landed_path(self.home, self.source.source, named.model_copy(update={"sha256": new}))
            if not target.exists():
                copy = fresh.with_name("copy")
                shutil.copyfile(fresh, copy)
                copy.chmod(0o600)
                settle(copy, target, self.key)
            self._log(named, new, size, rewritten.rows, tuple(rewritten.withdrawals))
            self._forget(named)

    def _log(
        self, original: LandedOriginal, new: str | None, size: int, rows: int, for_whom: tuple[str, ...]
    ) -> None:
        served, now = self.served.get(_key(original)), datetime.now(UTC)
        Line(
            source=self.source.source,
            name=original.name,
            old=original.sha256,
            new=new,
            bytes=size,
            rows=rows,
            at=_iso(now),
            withdrawals=for_whom,
            served_from=_iso(served.since) if served else None,
            served_until=_iso(served.until or now) if served else None,
            sealed=self.key.key_id if self.key else "",
        ).write(self.home)

    def _forget(self, original: LandedOriginal) -> None:
        path = landed_path(self.home, self.source.source, original)
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()
        flush(path.parent.parent)


def _served(home: Path, source: str) -> dict[_Key, _Served]:
    """Every original that was ever served, as it lies there now."""
    found: dict[_Key, _Served] = {}
    for receipt in reversed([each for each in read_receipts(home, source) if each.state in SERVED]):
        now = {_key(each): each for each in (now_at(home, source, each) for each in receipt.originals)}
        if receipt.mode == "snapshot":
            for name, before in found.items():
                if before.until is None and name not in now:
                    found[name] = _Served(before.original, before.since, receipt.pulled_at)
        for name, original in now.items():
            since = found[name].since if name in found else receipt.pulled_at
            found[name] = _Served(original, since, None)
    return found


def _former(served: Mapping[_Key, _Served], wanted: set[_Key]) -> list[list[LandedOriginal]]:
    """Originals that hold answers, together where they were served together."""
    groups: dict[tuple[datetime, datetime | None], list[LandedOriginal]] = {}
    for name, each in served.items():
        if name in wanted and each.original.kind == "data":
            groups.setdefault((each.since, each.until), []).append(each.original)
    return [each_once(group) for group in groups.values()]


def _here(home: Path, source: str) -> set[_Key]:
    """Every original that lies in a source's landing."""
    folder = home / "landing" / source
    return {
        (path.parent.name, path.name) for path in folder.glob("[!.]*/*") if path.parent.name != "receipts"
    }


def _fingerprint(programme: Programme, source: Source, known: Withdrawals) -> str:
    """Who withdrew, and by what in the YAML they are recognised."""
    config: Iterable[object] = (
        known.fingerprint,
        source.keys.model_dump(mode="json"),
        source.platform,
        programme.units.unique_in,
        [[site.site, *site.codes] for site in programme.sites],
        programme.source_sites(source),
    )
    return hashlib.sha256(json.dumps(list(config)).encode()).hexdigest()


def _key(original: LandedOriginal) -> _Key:
    return original.sha256, original.name


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
