"""ODK Central's API: everything in one archive, or what changed since the last pull by OData.

In: a question to the API; the asset is `<project>/<form>`. Out: the form's XML, then bodies as the server
sent them. How they are read is `odk_central`'s and `odk_central_odata`'s business.

Which of the two: Central prefers one bulk answer to many pages, and only a whole archive shows what was
purged or restored. So everything comes as `submissions.csv.zip`, and where that is small and has an ETag, it
is asked for again every night on the condition that it changed (304: it did not). Where it is bulky, the form
is asked, until the weekly archive, for the submissions made or updated since, and for those deleted since.
Where a server does not tell deletions (before v2024.3), or where answers are encrypted, which OData
leaves out, every pull is an archive.

Facts this rests on: `updatedAt` is null until the first edit or review, so both times are asked for; deleted
submissions are left out unless the filter speaks of `deletedAt`; a session lasts 24 hours; refusals say
`{code, message}`; managed encryption is undone by the server when it is sent the passphrase by key.

Times are the server's own (its `Date`), an hour early, since a row may become visible after a later one.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ingestion.export_fault import ExportFault
from ingestion.platforms.http import secret
from ingestion.platforms.odk_central_session import Session, said_json, told
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

# Archives up to this size are asked for every night.
BULKY_BYTES = 8 * 1024**2
PAGE_ROWS = 500
_OVERLAP = timedelta(hours=1)
_NOT_MODIFIED = 304
_ARCHIVE = {"attachments": "false", "groupPaths": "true", "deletedFields": "false"}
_ARCHIVE |= {"splitSelectMultiples": "false"}


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Yields the form, then an archive or what changed; raises ExportFault."""
    ask.api.explain = told
    form = _Form(ask)
    yield in_memory("form.xml", form.get(".xml").content, "definition")
    keys = form.json("/submissions/keys")
    if "since" in ask.cursor and not keys:
        return (yield from _changes(form, ask.cursor["since"]))
    return (yield from _everything(form, keys))


class _Form:
    """The form's addresses, asked within one session."""

    def __init__(self, ask: Ask) -> None:
        project, _, form = ask.asset.partition("/")
        if not project.isdecimal() or not form:
            raise ExportFault(
                "sources.yml",
                f"pull.asset of source {ask.source.source} is not a project's number and a form's id",
                "write asset: 7/household, as both stand in the address of the form's page",
            )
        self.ask, self.api = ask, ask.api
        self.path = f"/v1/projects/{project}/forms/{quote(form, safe='')}"
        self.session = Session(ask.api, ask.connection)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.api.get(self.path + path, auth=self.session, **options)

    def json(self, path: str, **params: str) -> list[dict[str, Any]]:
        """An answer that is a list."""
        said = said_json(self.get(path, params=params))
        if not isinstance(said, list):
            raise self.api.fault(
                self.path + path, "does not answer with a list", "check server and pull.asset"
            )
        return said

    def pages(self, **query: str) -> Iterator[tuple[dict[str, Any], str]]:
        """Pages of submissions with the time at which each was sent; raises `_Moved`."""
        path = f"{self.path}.svc/Submissions"
        params: Mapping[str, str] | None = {"$top": str(PAGE_ROWS), "$count": "true"} | {
            f"${name}": value for name, value in query.items()
        }
        link, received, expected = path, 0, None
        while True:
            response = self.api.get(link, auth=self.session, params=params)
            page = said_json(response)
            page = page if isinstance(page, dict) else {}
            rows, count = page.get("value"), page.get("@odata.count")
            if not isinstance(rows, list) or not isinstance(count, int):
                raise self.api.fault(path, "does not answer with submissions", "check server and pull.asset")
            received += len(rows)
            if expected not in (None, count) or received > count:
                raise _Moved
            expected = count
            yield page, _since(response, self.ask.now)
            if not page.get("@odata.nextLink") or not rows:
                break
            link, params = self.api.same_host(str(page["@odata.nextLink"]), path), None
        if received != expected:
            raise _Moved


class _Moved(Exception):
    """What is paged through changed meanwhile."""


def _everything(form: _Form, keys: list[dict[str, Any]]) -> Generator[Body, None, Outcome]:
    """The archive; nothing, if the server says that it is the one of the last pull."""
    name, path, got = "submissions.csv.zip", f"{form.path}/submissions.csv.zip", []
    managed = [str(key["id"]) for key in keys if key.get("managed")]
    options: dict[str, Any] = {"params": _ARCHIVE, "auth": form.session}
    method, etag = "GET", form.ask.cursor.get("etag")
    if managed and form.ask.connection.private_key:
        passphrase = secret(form.api.name, "private_key", form.ask.connection.private_key)
        method, options = "POST", options | {"json": dict.fromkeys(managed, passphrase)}
    elif etag:
        # What was small enough to be asked for every night fits into memory.
        response = form.api.get(path, headers={"If-None-Match": etag}, **options)
        if response.status_code == _NOT_MODIFIED:
            return Outcome("delta", form.ask.cursor)
        yield in_memory(name, response.content)
        return _archived(form, response, len(response.content), keys)

    def write(target: Path) -> None:
        response = form.api.download(path, target, method, **options)
        got.append((response, target.stat().st_size))

    yield Body(name, write)
    return _archived(form, *got[-1], keys)


def _archived(form: _Form, response: httpx.Response, size: int, keys: list[dict[str, Any]]) -> Outcome:
    """The cursor after an archive: its ETag if it is small, else its time, else nothing."""
    if (etag := response.headers.get("ETag")) and size <= BULKY_BYTES and not keys:
        return Outcome("snapshot", {"etag": etag})
    if not keys and _tells_deletions(form):
        return Outcome("snapshot", {"since": _since(response, form.ask.now)})
    return Outcome("snapshot", {})


def _tells_deletions(form: _Form) -> bool:
    page = said_json(form.get(".svc/Submissions", params={"$top": "1"}))
    rows = page.get("value") if isinstance(page, dict) else None
    return isinstance(rows, list) and any("deletedAt" in (row.get("__system") or {}) for row in rows)


def _changes(form: _Form, since: str) -> Generator[Body, None, Outcome]:
    """Submissions made, edited, reviewed or deleted since a time."""
    changed = f"__system/submissionDate ge {since} or __system/updatedAt ge {since}"
    for _ in range(2):
        try:
            pages = list(form.pages(filter=changed, expand="*"))
            deleted = list(form.pages(filter=f"__system/deletedAt ge {since}", select="__id,__system"))
            break
        except _Moved:
            continue
    else:
        raise form.api.fault(f"{form.path}.svc", "counts other rows than it sends, twice", "pull again later")
    if any(page["value"] for page, _ in pages):
        fields = _fields(form)
        for number, (page, _) in enumerate(pages, start=1):
            body = json.dumps({"fields": fields} | page, ensure_ascii=False).encode()
            yield in_memory(f"changes-{number:04}.odata.json", body)
    if gone := sorted(str(row["__id"]) for page, _ in deleted for row in page["value"]):
        # With its time, since the same list on two nights is one original, as of the first.
        listed = {"as_of": form.ask.now.isoformat(), "deleted": gone}
        yield in_memory("deleted.json", json.dumps(listed).encode())
    return Outcome("delta", {"since": pages[0][1]})


def _fields(form: _Form) -> list[list[str]]:
    """The form's fields as [OData path, path, type]; the server lists both in the same order."""
    own, odata = form.json("/fields"), form.json("/fields", odata="true")
    names = own if len(own) == len(odata) else odata
    return [[to["path"], field["path"], field["type"]] for field, to in zip(names, odata, strict=True)]


def _since(response: httpx.Response, now: datetime) -> str:
    """The time of an answer by the server's clock, an hour early."""
    try:
        at = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        at = now.astimezone(UTC)
    return f"{at - _OVERLAP:%Y-%m-%dT%H:%M:%S.000Z}"
