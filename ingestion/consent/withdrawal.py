"""Who withdrew their consent: units and records by keyed hash, kept until someone revokes it.

`landing/withdrawals.json`, for the owner's eyes only, says of each withdrawal since when it stands, at which
site and which source told it. Nobody's id is in it: the key is an HMAC, under a random salt of this home, of
the unit's id as the lake has it, which is itself a pseudonym where units have one. Where they have none,
whoever holds both this file and a list of ids can find out which of them withdrew.

In: ids, from the process that reads. Out: the same, recognised again. Nothing is redacted here.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ingestion.consent.redaction_log import Line, lines, put_whole
from ingestion.door.privacy import pseudonym_columns, units_are_pseudonymous
from ingestion.door.pseudonyms import key_id, normalised, pseudonym_key
from ingestion.export_fault import ExportFault
from ingestion.programme.model import Programme, Source
from ingestion.programme.words import normal_code

FILE = "withdrawals.json"
_SALT_BYTES = 32


@dataclass(frozen=True)
class Withdrawal:
    """One withdrawal.

    Attributes:
        site: The site; empty where none is told, or none that is known.
        since: When it was first told, ISO 8601 UTC.
        source: The source that told it.
        kind: `unit`, or `record` where a row names no unit, or several rows of a record name different ones.
    """

    site: str
    since: str
    source: str
    kind: str = "unit"


@dataclass(frozen=True)
class Withdrawals:
    """Everyone who withdrew.

    Attributes:
        salt: The home's own, random.
        key_id: Which pseudonyms the ids are; empty where they are none.
        by_key: Withdrawals by their hash.
    """

    salt: bytes
    key_id: str = ""
    by_key: Mapping[str, Withdrawal] = field(default_factory=dict)

    def unit(self, site: str, unit_id: str) -> str:
        """The hash of a unit; `site` is empty where ids are unique in the whole programme."""
        return self._hash("unit", site, unit_id)

    def record(self, source: str, record_id: str) -> str:
        """The hash of a source's record."""
        return self._hash("record", source, record_id)

    @property
    def fingerprint(self) -> str:
        """Tells two sets of withdrawals apart."""
        return hashlib.sha256("\n".join((self.key_id, *sorted(self.by_key))).encode()).hexdigest()

    def _hash(self, *words: str) -> str:
        return hmac.digest(self.salt, "\0".join(words).encode(), "sha256").hex()


class Sites:
    """Which site a row is of, as the warehouse has it."""

    def __init__(self, programme: Programme, source: Source | None = None) -> None:
        self._by_code = {
            normal_code(code): site.site for site in programme.sites for code in (site.site, *site.codes)
        }
        self._seen: dict[str | None, str] = {}
        only = programme.source_sites(source) if source else []
        self._only = only[0] if len(only) == 1 else ""
        self.is_in_key = programme.units.unique_in == "site"

    def site(self, code: str | None) -> str:
        """The site of a code; a blank code means the source's only site; else the code as it is."""
        if code not in self._seen:
            plain = normal_code(code or "")
            self._seen[code] = self._by_code.get(plain, plain) if plain else self._only
        return self._seen[code]

    def knows(self, site: str) -> bool:
        """Whether it is a site, and no code that none has."""
        return site in self._by_code.values()


def withdrawals(home: Path, programme: Programme) -> Withdrawals:
    """Everyone who withdrew so far; without a file, nobody, under a fresh salt.

    Raises:
        ExportFault: The file is gone or damaged, or units have other pseudonyms than when it was written.
    """
    path = home / "landing" / FILE
    units = key_id(pseudonym_key(programme)) if units_are_pseudonymous(programme) else ""
    if not path.exists():
        if Line.file(home).exists():
            raise ExportFault(
                FILE,
                "originals were redacted, but the list of who withdrew is gone",
                f"restore landing/{FILE} from a backup",
            )
        return Withdrawals(secrets.token_bytes(_SALT_BYTES), units)
    try:
        written = json.loads(path.read_bytes())
        known = Withdrawals(
            bytes.fromhex(written["salt"]),
            written["key_id"],
            {key: Withdrawal(**entry) for key, entry in written["withdrawn"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportFault(
            FILE, "the list of who withdrew is damaged", f"restore landing/{FILE} from a backup"
        ) from error
    if not known.by_key:
        return replace(known, key_id=units)
    if known.key_id != units:
        raise ExportFault(
            FILE,
            f"people withdrew while units had {_named(known.key_id)}, but now they have {_named(units)}, so "
            "that nobody of them would be recognised",
            "go back to the former key and the former privacy.pseudonym",
        )
    return known


def told(home: Path, known: Withdrawals, source: str, new: Mapping[str, tuple[str, str]]) -> Withdrawals:
    """Adds withdrawals, and keeps them.

    Args:
        home: SITEWISE_HOME.
        known: Those that stand.
        source: The source that tells.
        new: Site and kind by hash.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fresh = {
        key: Withdrawal(site, now, source, kind)
        for key, (site, kind) in sorted(new.items())
        if key not in known.by_key
    }
    if not fresh:
        return known
    grown = replace(known, by_key={**known.by_key, **fresh})
    _keep(home, grown)
    return grown


def of_unit(programme: Programme, known: Withdrawals, unit_id: str, site: str) -> set[str]:
    """The withdrawals of one unit, by its id as in the exports and its site or that site's code."""
    sites = Sites(programme)
    place = sites.site(site) if sites.is_in_key else ""
    return {known.unit(place, name) for name in _spellings(programme, unit_id)} & known.by_key.keys()


def revoke(home: Path, programme: Programme, unit_id: str, site: str = "") -> int:
    """Ends a unit's withdrawal, which was told by mistake, and those of single records of it.

    Exports that are delivered again are landed as they are from then on, which brings the unit back; so the
    source that told the withdrawal must have been corrected first.

    Args:
        home: SITEWISE_HOME.
        programme: The programme.
        unit_id: The unit's id, as in the exports.
        site: Its site, or its code.

    Returns:
        How many withdrawals of units ended.

    Raises:
        ExportFault: As `withdrawals`.
    """
    known = withdrawals(home, programme)
    units = of_unit(programme, known, unit_id, site)
    # Versions of a record under another id went with the unit: they are told of in the same lines.
    with_it = {key for line in lines(home) if units & {*line.withdrawals} for key in line.withdrawals}
    records = {key for key in with_it & known.by_key.keys() if known.by_key[key].kind == "record"}
    ended = units | (records if units else set())
    if ended:
        # What is remembered of dropped files points to their redacted forms.
        for memory in (home / "lake" / ".seen").glob("*-drop.json"):
            memory.unlink()
        Line.stand_no_more(home, ended)
        _keep(
            home, replace(known, by_key={key: each for key, each in known.by_key.items() if key not in ended})
        )
    return len(units)


def _spellings(programme: Programme, unit_id: str) -> set[str]:
    """The unit's id as the lake may have it."""
    if not units_are_pseudonymous(programme):
        return {text for text in [normalised(unit_id, "id")] if text}
    key = pseudonym_key(programme)
    kinds = {
        pseudonym_columns(programme, source, [source.keys.unit.column])[source.keys.unit.column]
        for source in programme.sources
        if not source.sends_no_people
    }
    texts = {normalised(unit_id, kind) for kind in kinds}
    return {hmac.digest(key, text.encode(), "sha256").hex() for text in texts if text}


def _keep(home: Path, known: Withdrawals) -> None:
    content = {
        "salt": known.salt.hex(),
        "key_id": known.key_id,
        "withdrawn": {key: vars(each) for key, each in known.by_key.items()},
    }
    put_whole(home / "landing" / FILE, json.dumps(content, indent=1) + "\n")


def _named(key: str) -> str:
    return f"pseudonyms of the key {key}" if key else "no pseudonyms"
