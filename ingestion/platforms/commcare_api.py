"""CommCare's form API: pages in the order in which forms were indexed, from a cursor on that time.

Facts this rests on: `indexed_on` moves whenever a form is received, edited or archived; pages hold 1,000
forms at most; the filter on `appVersion` finds nothing and is never used; 429 comes with `Retry-After`.

Pages are not followed by their `next` link, whose offset skips forms that move to the end meanwhile: the next
page begins just before the last form's `indexed_on`, so that it does not matter whether the server takes that
time in or leaves it out [M], and forms that come twice are one by their id. Only where a whole page bears one
time is the offset used, within that time; what moves then comes again later. `next` tells only whether there
is more, so that no link leads to another server.

A repeat with one entry looks like a group, so the paths at which lists were ever met are written into every
body and kept in the cursor; when a new one turns up in a pull that is not full, everything is pulled again.

In: one `Ask`; `server` is https://www.commcarehq.org/a/<project>, `pull.asset` the form's XMLNS. Out: the
pages, as `{"repeats": [...], "page": <as it came>}`. What a form's cells are is `commcare`'s business.
"""

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ingestion.platforms.commcare_json import TooDeep, list_paths
from ingestion.platforms.http import secret
from ingestion.platforms.protocol import Ask, Body, Outcome

OVERLAP = timedelta(hours=1)
PAGE_FORMS = 1000
_STEP_BACK = timedelta(milliseconds=1)
_PATH = "/api/form/v1/"


@dataclass
class _Found:
    """What the pages of one pull held.

    Attributes:
        pages: Where each page lies.
        seen: The forms' ids, with the time at which each was indexed last.
        repeats: Paths at which forms have lists.
        promised: Count that the server told with the first page.
    """

    pages: list[Path] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    repeats: set[str] = field(default_factory=set)
    promised: int = 0


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Asks for every form of that XMLNS, or for those indexed lately."""
    cursor = dict(ask.cursor)
    known = set(filter(None, cursor.get("repeats", "").split("\n")))
    with TemporaryDirectory(prefix="sitewise-") as folder:
        since = datetime.fromisoformat(cursor["indexed_on"]) - OVERLAP if cursor else None
        found = _gathered(ask, Path(folder), since)
        is_full = since is None
        if not is_full and not found.repeats <= known:
            is_full, found = True, _gathered(ask, Path(folder), None)
        repeats = sorted(known | found.repeats)
        times = {form: _utc(time) for form, time in found.seen.items()}
        newest = max([cursor.get("indexed_on", ""), *times.values()])
        told = _digest(times, newest)
        if is_full or (found.seen and told != cursor.get("seen")):
            for number, page in enumerate(found.pages, start=1):
                yield Body(f"forms-{number:04d}.json", partial(_write, page, repeats))
    if not newest:
        return Outcome("snapshot", {})
    cursor = {"indexed_on": newest, "seen": told, "repeats": "\n".join(repeats)}
    return Outcome("snapshot" if is_full else "delta", cursor)


def _gathered(ask: Ask, folder: Path, since: datetime | None) -> _Found:
    found = _Found()
    for content, page in _pages(ask, since):
        forms = page["objects"]
        found.promised = found.promised or int(page["meta"].get("total_count") or 0)
        found.seen |= {str(form.get("id")): str(form.get("indexed_on")) for form in forms}
        try:
            found.repeats |= list_paths(forms)
        except (TooDeep, RecursionError) as error:
            raise ask.api.fault(_PATH, "sends a form that nests deeper than forms do", "report it") from error
        found.pages.append(folder / f"{'full' if since is None else 'new'}-{len(found.pages)}.json")
        found.pages[-1].write_bytes(content)
    if len(found.seen) < found.promised:
        raise ask.api.fault(
            _PATH,
            f"promised {found.promised} forms and sent {len(found.seen)}",
            "pull again; if it happens again, check the account's rights",
        )
    return found


def _pages(ask: Ask, since: datetime | None) -> Iterator[tuple[bytes, dict[str, Any]]]:
    start, offset = since, 0
    while True:
        content, page = _page(ask, start, offset)
        yield content, page
        forms = page["objects"]
        if not page["meta"].get("next") or not forms:
            return
        last = _utc(str(forms[-1].get("indexed_on")))
        if not last:
            raise ask.api.fault(_PATH, "sends forms without indexed_on", "ask for the API's current version")
        ahead = datetime.fromisoformat(last) - _STEP_BACK
        if start is None or ahead > start:
            start, offset = ahead, 0
        else:
            offset += len(forms)


def _page(ask: Ask, start: datetime | None, offset: int) -> tuple[bytes, dict[str, Any]]:
    name = ask.source.pull.connection or ""
    user = secret(name, "username", ask.connection.username)
    key = secret(name, "token", ask.connection.token)
    params = {"limit": str(PAGE_FORMS), "order_by": "indexed_on", "include_archived": "true"}
    params |= {"xmlns": ask.asset} if ask.asset else {}
    params |= {"indexed_on_start": f"{start:%Y-%m-%dT%H:%M:%S.%f}"} if start else {}
    params |= {"offset": str(offset)} if offset else {}
    content = ask.api.get(_PATH, params=params, headers={"Authorization": f"ApiKey {user}:{key}"}).content
    try:
        page = json.loads(content)
        if isinstance(page["objects"], list) and isinstance(page["meta"], dict):
            return content, page
    except (ValueError, LookupError, TypeError, RecursionError):
        page = None
    raise ask.api.fault(
        _PATH,
        "did not answer with a page of forms",
        "write server: https://www.commcarehq.org/a/<project> in connections.yml",
    )


def _digest(times: dict[str, str], newest: str) -> str:
    """Of the forms that the next pull will be sent again if nothing is new."""
    since = _utc((datetime.fromisoformat(newest) - OVERLAP).isoformat()) if newest else ""
    again = sorted((form, time) for form, time in times.items() if time >= since)
    return hashlib.sha256(json.dumps(again).encode()).hexdigest()


def _utc(told: str) -> str:
    """A time of the server's, which is UTC, as ISO 8601 that sorts; or blank."""
    try:
        time = datetime.fromisoformat(told)
    except ValueError:
        return ""
    return (
        (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    )


def _write(page: Path, repeats: list[str], target: Path) -> None:
    with target.open("wb") as file:
        file.write(b'{"repeats": ' + json.dumps(repeats).encode() + b', "page": ')
        file.write(page.read_bytes())
        file.write(b"}")
