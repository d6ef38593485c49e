"""What has landed of a source, and what of it was looked through for people who withdrew, and rewritten.

In: a source's landing, its receipts, and the process that reads. Out: originals rewritten in their place or
removed, each with a line in the log of redactions; and a file beside them that remembers what was looked
through. Which originals are to be looked through, and when, is `consent`'s business.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ingestion.consent.redaction import Rewritten
from ingestion.consent.redaction_log import Line, now_at, put_whole
from ingestion.consent.withdrawal import Withdrawals, told
from ingestion.encryption import LandingKey
from ingestion.export_fault import ExportFault
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
from ingestion.platforms.protocol import Original
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.rows.export_order import in_export_order
from ingestion.sandbox import ReadingBroke, reader

STATE = ".withdrawals.json"
Key = tuple[str, str]


@dataclass
class State:
    """What was looked through, for which withdrawals; and whether the lake was made anew since."""

    fingerprint: str = ""
    originals: frozenset[Key] = frozenset()
    is_lake_clean: bool = True

    @classmethod
    def of(cls, home: Path, source: str) -> "State":
        """What is known of a source."""
        file = home / "landing" / source / STATE
        if not file.exists():
            return cls()
        known = json.loads(file.read_bytes())
        originals = frozenset((address, name) for address, name in known["originals"])
        return cls(known["fingerprint"], originals, known["is_lake_clean"])

    def save(self, home: Path, source: str) -> None:
        """Keeps it."""
        content = vars(self) | {"originals": sorted(self.originals)}
        put_whole(home / "landing" / source / STATE, json.dumps(content) + "\n")


@dataclass(frozen=True)
class Served:
    """An original that was served: from when, and until when where a later snapshot came without it."""

    original: LandedOriginal
    since: datetime
    until: datetime | None


@dataclass
class Work:
    """One source being looked through."""

    programme: Programme
    source: Source
    home: Path
    key: LandingKey | None
    served: Mapping[Key, Served]
    state: State
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
            served = self.served.get(key_of(named))
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
        served, now = self.served.get(key_of(original)), datetime.now(UTC)
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


def served_so_far(home: Path, source: str) -> dict[Key, Served]:
    """Every original that was ever served, as it lies there now."""
    found: dict[Key, Served] = {}
    for receipt in reversed([each for each in read_receipts(home, source) if each.state in SERVED]):
        now = {key_of(each): each for each in (now_at(home, source, each) for each in receipt.originals)}
        if receipt.mode == "snapshot":
            for name, before in found.items():
                if before.until is None and name not in now:
                    found[name] = Served(before.original, before.since, receipt.pulled_at)
        for name, original in now.items():
            since = found[name].since if name in found else receipt.pulled_at
            found[name] = Served(original, since, None)
    return found


def former(served: Mapping[Key, Served], wanted: set[Key]) -> list[list[LandedOriginal]]:
    """Originals that hold answers, together where they were served together."""
    groups: dict[tuple[datetime, datetime | None], list[LandedOriginal]] = {}
    for name, each in served.items():
        if name in wanted and each.original.kind == "data":
            groups.setdefault((each.since, each.until), []).append(each.original)
    return [each_once(group) for group in groups.values()]


def landed_here(home: Path, source: str) -> set[Key]:
    """Every original that lies in a source's landing."""
    folder = home / "landing" / source
    return {
        (path.parent.name, path.name) for path in folder.glob("[!.]*/*") if path.parent.name != "receipts"
    }


def key_of(original: LandedOriginal) -> Key:
    """Address and name, by which an original lies in the landing."""
    return original.sha256, original.name


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
