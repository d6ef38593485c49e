"""Drops on web servers: a file by its address, or those that a folder's page links to.

In: a drop `https://...`, and the connection that names its secrets, if any. Out: the files, listed and
fetched. Retries and secrets are the client's business.

A wildcard may stand in the last part of the address only: the page of the folder before it is read, and of
its links those are taken that lie directly in that folder. An address without one is fetched as it stands,
its query too, as signed links need it; the query is never told.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from ingestion.export_fault import ExportFault
from ingestion.platforms import http
from ingestion.platforms.http_address import link_on
from ingestion.programme.model import Connection, Source


def shown(address: str) -> str:
    """An address as it may be told: without account and query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def list_files(source: Source, connection: Connection | None) -> Iterator[tuple[str, str]]:
    """The names and addresses of a drop's files, in name order; an address without wildcard is not tried.

    Raises:
        ExportFault: The folder's page cannot be had, or the wildcard stands elsewhere.
    """
    drop = source.pull.drop or ""
    folder, _, pattern = urlsplit(drop).path.rpartition("/")
    if "*" in folder or "[" in folder:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} pulls {shown(drop)}, but web servers list one folder at a time",
            "use wildcards in the last part of pull.drop only, and one source per folder",
        )
    if "*" not in pattern and "[" not in pattern:
        yield unquote(pattern).replace("/", "_").lstrip(".") or "download", drop
        return
    with _api(source, connection) as api:
        page = api.get(f"{folder}/").text
        links = (link_on(api.server, href, f"{folder}/") for href in _links(page))
        names = {
            link.path.removeprefix(f"{unquote(folder)}/"): str(link.copy_with(query=None, fragment=None))
            for link in links
            if link is not None and link.path.startswith(f"{unquote(folder)}/")
        }
    for name in sorted(names):
        if "/" not in name and not name.startswith((".", "~$")) and fnmatchcase(name, unquote(pattern)):
            yield name, names[name]


def fetch(address: str, source: Source, connection: Connection | None, target: Path) -> None:
    """Downloads one file.

    Raises:
        ExportFault: It cannot be had whole, or changed meanwhile.
    """
    with _api(source, connection) as api:
        before = _version(api.download(address, target))
        try:
            after = _version(api.request("HEAD", address))
        except http.Refused:
            # A link that is signed for fetching alone; then the length that was announced must do.
            return
    if any(before[key] != after[key] for key in before.keys() & after.keys()):
        name = urlsplit(address).path.rpartition("/")[2]
        raise ExportFault(
            unquote(name), "it is still being written", "pull again when the export is complete"
        )


def _version(response: httpx.Response) -> dict[str, str]:
    return {key: response.headers[key] for key in ("ETag", "Last-Modified") if key in response.headers}


def _api(source: Source, connection: Connection | None) -> http.Api:
    parts = urlsplit(source.pull.drop or "")
    name = source.pull.connection or source.source
    own = {"server": f"{parts.scheme}://{parts.netloc}"}
    if connection is None:
        return http.Api(name, Connection.model_validate({"platform": "files", **own}))
    auth, headers = None, {}
    if connection.username or connection.password:
        auth = (
            http.secret(name, "username", connection.username),
            http.secret(name, "password", connection.password),
        )
    elif connection.token:
        headers = {"Authorization": f"Bearer {http.secret(name, 'token', connection.token)}"}
    return http.Api(name, connection.model_copy(update=own), headers=headers, auth=auth)


def _links(page: str) -> list[str]:
    parser = _Links()
    parser.feed(page)
    return parser.found


class _Links(HTMLParser):
    """Collects where a page's links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]
