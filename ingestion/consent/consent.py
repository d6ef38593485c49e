"""Keeps what has landed free of people who withdrew, and knows whether the lake is yet.

Every original of a source is looked through once for every set of withdrawals: those that count today, which
may tell new ones, and those of former snapshots. One that holds such people is rewritten under a new address,
which is logged, and its old content is removed. What landed but was never served is removed as well: nothing
was read from it, and whoever delivered it will deliver it again. In: a source and its originals. Out: the
originals that take their places. The rows themselves are looked at elsewhere, in the process that reads.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from ingestion.consent.looking_through import State, Work, former, key_of, landed_here, served_so_far
from ingestion.consent.redaction_log import Line, now_at
from ingestion.consent.withdrawal import FILE, Sites, Withdrawals, withdrawals
from ingestion.encryption import LandingKey
from ingestion.lake import forget_former, lake_path
from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.rows.keys import SITE_CODE, UNIT_ID


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
    if source.sends_no_people or not (tells or anyone_withdrew(home)):
        return list(originals), ""
    known = withdrawals(home, programme)
    state, here = State.of(home, source.source), landed_here(home, source.source)
    if not tells and state.fingerprint == _fingerprint(programme, source, known) and here <= state.originals:
        return [now_at(home, source.source, each) for each in originals], ""
    served = served_so_far(home, source.source)
    work = Work(programme, source, home, key, served, state)
    known = work.through([each for each in originals if each.kind == "data"], known, may_tell=True)
    checked = state.originals if state.fingerprint == _fingerprint(programme, source, known) else frozenset()
    now = {each.sha256 for each in originals}
    now |= {now_at(home, source.source, each).sha256 for each in originals}
    counted = {name for name in here if name[0] in now}
    for group in former(served, here - counted - checked):
        known = work.through_former(group, known)
    for gone in here - counted - {key_of(each.original) for each in served.values()}:
        work.remove(LandedOriginal(name=gone[1], sha256=gone[0], bytes=0))
    state.fingerprint = _fingerprint(programme, source, known)
    state.originals = frozenset(landed_here(home, source.source))
    state.save(home, source.source)
    return [now_at(home, source.source, each) for each in originals], work.note


def is_lake_clean(home: Path, source: str) -> bool:
    """Whether the lake was made anew since the originals that it is made of were redacted."""
    return State.of(home, source).is_lake_clean


def lake_was_made(home: Path, source: str) -> None:
    """Notes that the lake was made of redacted originals; former versions of it must go, too."""
    state = State.of(home, source)
    if state.fingerprint:
        forget_former(home, source)
    if not state.is_lake_clean:
        state.is_lake_clean = True
        state.save(home, source)


def lake_holds_withdrawn(programme: Programme, source: Source, home: Path) -> bool:
    """Whether a source's lake holds units that withdrew; for when its originals cannot be read any more."""
    folder = lake_path(home, source.source)
    if folder is None or source.sends_no_people:
        return False
    known, sites = withdrawals(home, programme), Sites(programme, source)
    units = pl.read_parquet(folder / f"{MAIN}.parquet", columns=[UNIT_ID, SITE_CODE]).unique()
    return any(
        known.unit(sites.site(code) if sites.is_in_key else "", unit) in known.by_key
        for unit, code in units.drop_nulls(UNIT_ID).iter_rows()
    )


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
