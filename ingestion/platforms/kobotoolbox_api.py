"""KoboToolbox's API v2: what is new, edited, reviewed or gone since the last pull.

In: a question to the API. Out: the form, the pages of its answers as the server sent them, and, where
something changed below the newest submission, the list of all that still exist. How the bodies are read is
`kobotoolbox_json`'s business.

Why ids and not `_submission_time`: that time never moves, so a cursor on it misses every edit, review and
deletion. Each pull therefore lists every submission's `_id`, `_uuid` and review (small rows, a thousand a
page). What a list of the night before would tell is kept as one short hash for each of 256 groups of ids:
the cursor stays at 2 kB for a form of any size, and an edit makes its group be fetched again, a 256th of the
form. Ids only grow, so those above the last newest are new; one that was committed late changes its group.
Edits that keep `_uuid` (in bulk, by staff) show in neither; the weekly pull of everything catches them.

Pages are bounded by the newest id of the list, so that submissions that arrive meanwhile disturb no count.
If what came is not what was listed, everything is asked once more, then it is a fault.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ingestion.platforms.http import Api, secret
from ingestion.platforms.kobotoolbox_repeats import IDS
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

PAGE_ROWS = 1000
# A query by ids travels in the address, of which servers take about 8 kB.
IDS_AT_ONCE = 200
_GROUPS = 256
_HASH_DIGITS = 8
_LISTED = ("_id", "_uuid", "meta/rootUuid", "meta/instanceID", "_validation_status")
# The rest of an asset (counts, links, people) changes without the form.
_FORM = ("uid", "name", "asset_type", "settings", "version_id", "deployed_version_id", "deployed_versions")


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Yields the form, then what changed, or everything; raises ExportFault."""
    ask.api.explain = _told
    form = _Form(ask.api, ask.asset, secret(ask.api.name, "token", ask.connection.token))
    yield in_memory("form.json", form.definition(), "definition")
    found = _gathered(form, ask) or _gathered(form, ask)
    if found is None:
        raise ask.api.fault(
            form.path, "lists other submissions than it sends, twice", "pull again when nobody deletes any"
        )
    for name, page in found.pages:
        yield Body(name, _unpacked(page))
    if found.living is not None:
        # With its time, since the same list on two nights is one original, as of the first.
        listed = {"as_of": ask.now.isoformat(), "living": found.living}
        yield in_memory("living.json", json.dumps(listed).encode())
    return found.outcome


class _Form:
    """The form's addresses."""

    def __init__(self, api: Api, asset: str, token: str) -> None:
        self.api = api
        self.path = f"/api/v2/assets/{quote(asset, safe='')}/"
        self.headers = {"Authorization": f"Token {token}"}

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[bytes, dict[str, Any]]:
        """An answer's bytes, and what it says."""
        response = self.api.get(path, params=params, headers=self.headers)
        try:
            said = response.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise self.api.fault(
                path, "does not answer in JSON", "write the address under which the forms are designed"
            )
        return response.content, said

    def definition(self) -> bytes:
        """The form as it is deployed; what is being drafted is not what phones ask."""
        _, asset = self.get(self.path, {"format": "json"})
        kept = {key: asset[key] for key in _FORM if key in asset} | {"content": asset.get("content")}
        if (deployed := asset.get("deployed_version_id")) and deployed != asset.get("version_id"):
            _, version = self.get(f"{self.path}versions/{quote(str(deployed), safe='')}/", {"format": "json"})
            kept |= {"content": version.get("content")}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True, indent=1).encode()

    def pages(
        self, query: Mapping[str, Any] | None = None, fields: Iterable[str] = ()
    ) -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
        """The pages of a query to the last; raises `_Moved` where their count is not kept."""
        path = f"{self.path}data/"
        first = {"format": "json", "start": "0", "limit": str(PAGE_ROWS), "sort": '{"_id":1}'}
        first |= {"query": json.dumps(query, separators=(",", ":"))} if query else {}
        first |= {"fields": json.dumps(list(fields))} if fields else {}
        params: dict[str, str] | None = first
        expected, received, link = None, 0, path
        while True:
            content, page = self.get(link, params)
            rows, count = page.get("results"), page.get("count")
            if not isinstance(rows, list) or not isinstance(count, int) or not all(map(_has_id, rows)):
                raise self.api.fault(path, "does not answer with submissions", "check pull.asset")
            received += len(rows)
            if expected not in (None, count) or received > count:
                raise _Moved
            expected = count
            yield content, rows
            if not page.get("next") or not rows:
                break
            link, params = self.api.same_host(str(page["next"]), path), None
        if received != expected:
            raise _Moved


class _Moved(Exception):
    """What is paged through changed meanwhile."""


@dataclass(frozen=True)
class _Found:
    """A pull's bodies, pages packed, since all of them are held until their count is known to be right."""

    pages: list[tuple[str, bytes]]
    living: list[str] | None
    outcome: Outcome


def _gathered(form: _Form, ask: Ask) -> _Found | None:
    """One attempt at a pull; None if submissions came or went in a way that left a gap."""
    try:
        sweep = list(form.pages(fields=_LISTED))
        listed = [row for _, rows in sweep for row in rows]
        newest = max((row["_id"] for row in listed), default=0)
        # An id of the programme's own cannot be told from the list, so deletions need everything; and that a
        # form has lost all its submissions is for people to confirm.
        is_full = ask.is_full or ask.source.keys.record is not None or not listed
        last = 0 if is_full else int(ask.cursor["newest"])
        groups = set() if is_full else _changed_groups(listed, last, ask.cursor["groups"])
        changed = [row["_id"] for row in listed if row["_id"] <= last and row["_id"] % _GROUPS in groups]
        if 2 * len(changed) > len(listed):
            last, groups, changed, is_full = 0, set(), [], True
        pages = list(_wanted(form, listed, last, newest, changed))
        if not listed:
            pages = [("data-0001.json", zlib.compress(sweep[0][0]))]
    except _Moved:
        return None
    cursor = {"newest": str(newest), "groups": _groups(listed, newest)}
    living = sorted(filter(None, map(_record_id, listed))) if groups else None
    return _Found(pages, living, Outcome("snapshot" if is_full else "delta", cursor))


def _wanted(
    form: _Form, listed: list[dict[str, Any]], last: int, newest: int, changed: list[int]
) -> Iterator[tuple[str, bytes]]:
    """Pages of the submissions above `last`, then of those that changed; each listed one exactly once."""
    fresh = sorted(row["_id"] for row in listed if row["_id"] > last)
    asked: list[tuple[str, dict[str, Any], list[int]]] = []
    if fresh:
        asked.append(("data", {"_id": {"$gt": last, "$lte": newest}}, fresh))
    for start in range(0, len(changed), IDS_AT_ONCE):
        some = sorted(changed[start : start + IDS_AT_ONCE])
        asked.append(("edited", {"_id": {"$in": some}}, some))
    counts = {"data": 0, "edited": 0}
    for kind, query, ids in asked:
        received: list[int] = []
        for content, rows in form.pages(query):
            received += [row["_id"] for row in rows]
            counts[kind] += 1
            yield f"{kind}-{counts[kind]:04}.json", zlib.compress(content, 1)
        if sorted(received) != ids:
            raise _Moved


def _groups(listed: list[dict[str, Any]], newest: int) -> str:
    """A short hash of the versions and reviews in each group of ids up to the newest, side by side."""
    versions: list[list[str]] = [[] for _ in range(_GROUPS)]
    for row in sorted(listed, key=lambda row: int(row["_id"])):
        if row["_id"] <= newest:
            seen = [row["_id"], row.get("_uuid"), row.get("_validation_status") or None]
            versions[row["_id"] % _GROUPS].append(json.dumps(seen, sort_keys=True))
    return "".join(hashlib.sha256("\n".join(seen).encode()).hexdigest()[:_HASH_DIGITS] for seen in versions)


def _changed_groups(listed: list[dict[str, Any]], last: int, before: str) -> set[int]:
    now = _groups(listed, last)
    width = _HASH_DIGITS
    places = range(0, max(len(now), len(before)), width)
    return {place // width for place in places if now[place : place + width] != before[place : place + width]}


def _record_id(row: dict[str, Any]) -> str:
    return next((str(row[name]).removeprefix("uuid:") for name in IDS if row.get(name)), "")


def _has_id(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("_id"), int)


def _unpacked(page: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(zlib.decompress(page))

    return write


def _told(response: httpx.Response) -> str:
    """The server's own words on a refusal."""
    try:
        said = response.json()
    except ValueError:
        return ""
    detail = said.get("detail") if isinstance(said, dict) else None
    return detail[:200].rstrip(".") if isinstance(detail, str) else ""
