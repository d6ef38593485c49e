"""Drops that lie elsewhere: on a web server, an SFTP server and an object store, all real and on loopback."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import paramiko
import pytest

FIRST = b"child,site,score\n01,here,3\n02,here,4\n"
SECOND = b"child,site,score\n03,here,5\n"
SECRET = "lamp-otter-42"


@dataclass
class Place:
    """A server over a folder of files, and how a source pulls from it."""

    folder: Path
    address: str
    server: str | None = None
    after_read: Callable[[], None] = lambda: None
    asked: list[str] = field(default_factory=list)

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def pulled_from(one_source, monkeypatch) -> Callable[..., Any]:
    """A source whose drop lies at a place; the secrets are in the environment."""
    monkeypatch.setenv("DROP_USER", "fieldwork")
    monkeypatch.setenv("DROP_SECRET", SECRET)

    def write(place: Place, pattern: str = "exports/*.csv", *, account: bool = True, **pull: Any) -> Any:
        connection: dict[str, Any] | None = None
        where: dict[str, Any] = {"drop": f"{place.address}/{pattern}", **pull}
        if account:
            connection = {
                "platform": "files",
                "username": {"env": "DROP_USER"},
                "password": {"env": "DROP_SECRET"},
            }
            where["connection"] = "server"
            if place.server:
                connection["server"] = place.server
        return one_source("csv", {}, unit="child", site="site", pull=where, connection=connection)

    return write


@pytest.fixture
def web(tmp_path: Path, quick_retries: None) -> Iterator[Place]:
    folder = tmp_path / "web"
    place = Place(folder, "")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def end_headers(self) -> None:
            if self.command == "GET" and self.path.endswith(".csv"):
                place.after_read()
            super().end_headers()

        def parse_request(self) -> bool:
            known = super().parse_request()
            if known:
                place.asked.append(self.headers.get("Authorization", ""))
            return known

    yield from _serving(place, partial(Handler, directory=str(folder)))


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch) -> Iterator[Place]:
    """The part of S3 that reading needs, over a folder: ListObjectsV2, HeadObject and GetObject."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    folder = tmp_path / "store"
    place = Place(folder, "")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            name = unquote(parts.path).strip("/")
            place.asked.append(self.headers.get("Authorization", ""))
            if "Credential=fieldwork/" not in self.headers.get("Authorization", ""):
                return self._send(403, b"<Error><Code>AccessDenied</Code></Error>")
            if "/" not in name:
                return self._send(200, self._listing(name, parse_qs(parts.query)))
            path = folder / name
            if not path.is_file():
                return self._send(404, b"<Error><Code>NoSuchKey</Code></Error>")
            content = path.read_bytes()
            self._send(
                200, content, {"ETag": _tag(content), "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
            )
            if self.command == "GET":
                place.after_read()

        def _listing(self, name: str, query: dict[str, list[str]]) -> bytes:
            prefix = query.get("prefix", [""])[0]
            keys = sorted(str(path.relative_to(folder / name)) for path in (folder / name).rglob("*.*"))
            entries = "".join(
                f"<Contents><Key>{escape(key)}</Key><Size>{(folder / name / key).stat().st_size}</Size>"
                f"<ETag>{_tag((folder / name / key).read_bytes())}</ETag>"
                "<LastModified>2026-11-02T10:00:00.000Z</LastModified></Contents>"
                for key in keys
                if key.startswith(prefix)
            )
            return (
                '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{name}</Name><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
            ).encode()

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for header, value in (headers or {}).items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    for served in _serving(place, Handler):
        served.server, served.address = served.address, "s3://field"
        served.folder = folder / "field"
        yield served


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _serving(place: Place, handler: Any) -> Iterator[Place]:
    place.folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    place.address = f"http://127.0.0.1:{httpd.server_port}"
    yield place
    httpd.shutdown()
    httpd.server_close()


class _Account(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        is_known = (username, password) == ("fieldwork", SECRET)
        return paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, *, place: Place) -> None:
        self.place = place

    def list_folder(self, path: str) -> Any:
        try:
            return [self._attributes(each) for each in sorted((self._own(path)).iterdir())]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> Any:
        try:
            return self._attributes(self._own(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = self._own(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle.stat = lambda: self.stat(path)
        self.place.after_read()
        return handle

    def _own(self, path: str) -> Path:
        return self.place.folder / path.lstrip("/")

    def _attributes(self, path: Path) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(path.stat(), path.name)


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch) -> Iterator[Place]:
    """An SFTP server whose key stands in the known_hosts of a home of the test's own."""
    place = Place(tmp_path / "sftp", "")
    place.folder.mkdir()
    key = paramiko.RSAKey.generate(2048)
    listening = create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    place.address = f"sftp://127.0.0.1:{port}"
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                client: socket = listening.accept()[0]
            except OSError:
                return
            transport = paramiko.Transport(client)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, place=place)
            transport.start_server(server=_Account())

    threading.Thread(target=serve, daemon=True).start()
    home = tmp_path / "user"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield place
    listening.close()
    for transport in transports:
        transport.close()


@pytest.fixture(params=["web", "bucket", "sftp"])
def place(request) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def test_files_that_match_are_landed_and_read_once(place, pulled_from) -> None:
    place.put("exports/a.csv", FIRST)
    place.put("exports/b.csv", SECOND)
    place.put("exports/notes.txt", b"not these")
    place.put("other/c.csv", b"child,site\n09,here\n")
    source = pulled_from(place)
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 3), receipt.message
    assert [original.name for original in receipt.originals] == ["a.csv", "b.csv"]
    assert source.pull().state == "unchanged"
    place.put("exports/b.csv", SECOND + b"04,here,6\n")
    assert source.pull().rows_kept == 4


def test_one_file_may_be_named_without_a_wildcard(place, pulled_from) -> None:
    place.put("exports/a.csv", FIRST)
    place.put("exports/b.csv", SECOND)
    receipt = pulled_from(place, "exports/b.csv").pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 1), receipt.message


def test_nothing_there_is_told_with_the_address(place, pulled_from) -> None:
    place.put("exports/notes.txt", b"not these")
    receipt = pulled_from(place).pull()
    assert receipt.state == "failed"
    assert f"{place.address}/exports/*.csv" in receipt.message and "Remedy" in receipt.message


def test_a_delta_without_new_files_keeps_what_it_delivered(place, pulled_from) -> None:
    place.put("exports/a.csv", FIRST)
    source = pulled_from(place, mode="delta")
    assert source.pull().rows_kept == 2
    (place.folder / "exports/a.csv").rename(place.folder / "exports/a.done")
    assert source.pull().state == "unchanged"
    assert source.table().height == 2


def test_a_file_that_changes_while_it_is_read_is_not_landed(place, pulled_from) -> None:
    path = place.put("exports/a.csv", FIRST)

    def grow() -> None:
        path.write_bytes(path.read_bytes() + b"05,here,7\n")
        os.utime(path, (1_700_000_000 + path.stat().st_size,) * 2)

    place.after_read = grow
    source = pulled_from(place)
    receipt = source.pull()
    assert receipt.state == "failed" and "a.csv: it is still being written" in receipt.message
    place.after_read = lambda: None
    assert source.pull().state == "landed"


def test_a_refused_account_is_told_without_its_secret(bucket, sftp, pulled_from, monkeypatch) -> None:
    for place in (bucket, sftp):
        place.put("exports/a.csv", FIRST)
        source = pulled_from(place)
        monkeypatch.setenv("DROP_USER", "somebody")
        receipt = source.pull()
        monkeypatch.setenv("DROP_USER", "fieldwork")
        assert receipt.state == "failed"
        assert "account is refused" in receipt.message, receipt.message
        assert SECRET not in receipt.message


def test_a_secret_that_is_not_set_is_named(place, pulled_from, monkeypatch) -> None:
    place.put("exports/a.csv", FIRST)
    source = pulled_from(place)
    monkeypatch.delenv("DROP_SECRET")
    receipt = source.pull()
    assert receipt.state == "failed" and "DROP_SECRET" in receipt.message


def test_an_unknown_server_key_is_refused_before_any_password_is_sent(sftp, pulled_from, tmp_path) -> None:
    sftp.put("exports/a.csv", FIRST)
    known = tmp_path / "user/.ssh/known_hosts"
    entry = known.read_text()
    known.write_text("")
    source = pulled_from(sftp)
    receipt = source.pull()
    assert receipt.state == "failed" and "not in known_hosts" in receipt.message
    assert known.read_text() == ""
    other = paramiko.RSAKey.generate(2048)
    known.write_text(" ".join([entry.split()[0], other.get_name(), other.get_base64()]) + "\n")
    receipt = source.pull()
    assert receipt.state == "failed" and "another than known_hosts says" in receipt.message
    known.write_text(entry)
    assert source.pull().state == "landed"


def test_the_account_goes_to_the_web_server_and_into_no_message(web, pulled_from) -> None:
    web.put("exports/a.csv", FIRST)
    receipt = pulled_from(web).pull()
    assert receipt.state == "landed"
    assert all(header.startswith("Basic ") for header in web.asked) and web.asked
    receipt = pulled_from(web, "nowhere/*.csv").pull()
    assert receipt.state == "failed" and SECRET not in receipt.message


def test_a_web_server_needs_no_account(web, pulled_from) -> None:
    web.put("exports/a b.csv", FIRST)
    source = pulled_from(web, account=False)
    receipt = source.pull()
    assert [original.name for original in receipt.originals] == ["a b.csv"]
    assert set(web.asked) == {""}


def test_the_query_of_a_signed_link_is_sent_and_never_told(loopback, one_source) -> None:
    def answer(asked: Any) -> Any:
        is_signed = asked.query.get("signature") == ["opensesame"]
        return loopback.Reply(FIRST) if is_signed else loopback.Reply(status=403)

    loopback.answer = answer
    pull = {"drop": f"{loopback.url}/exports/a.csv?signature=opensesame"}
    source = one_source("csv", {}, unit="child", site="site", pull=pull)
    receipt = source.pull()
    assert (receipt.state, receipt.originals[0].name) == ("landed", "a.csv")
    loopback.answer = lambda asked: loopback.Reply(status=403)
    receipt = source.pull()
    assert receipt.state == "failed" and "opensesame" not in receipt.message


def test_links_that_lead_elsewhere_are_not_followed(loopback, one_source) -> None:
    page = (
        '<a href="../">up</a> <a href="a.csv">a</a> <a href="b.csv?x=1">b</a> <a href="deeper/c.csv">c</a>'
        '<a href="http://elsewhere.example/exports/d.csv">d</a> <a href="..%2fe.csv">e</a>'
        '<a href=".f.csv">f</a>'
    )

    def answer(asked: Any) -> Any:
        if asked.method != "GET":
            return loopback.Reply(status=405)
        return loopback.Reply(page.encode() if asked.path.endswith("/") else FIRST)

    loopback.answer = answer
    pull = {"drop": f"{loopback.url}/exports/*.csv"}
    receipt = one_source("csv", {}, unit="child", site="site", pull=pull).pull()
    assert [original.name for original in receipt.originals] == ["a.csv", "b.csv"]


def test_a_body_cut_off_half_way_is_asked_for_again(loopback, one_source) -> None:
    loopback.answer = lambda asked: loopback.Reply(FIRST)
    loopback.faults = [loopback.Reply(FIRST, cut_at=10), loopback.Reply(status=503)]
    pull = {"drop": f"{loopback.url}/exports/a.csv"}
    receipt = one_source("csv", {}, unit="child", site="site", pull=pull).pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 2)


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ("s3:///exports/*.csv", "not an address"),
        ("S3 bucket://x/*.csv", "not an address"),
        ("sftp://me:hunter2@host/*.csv", "holds a password"),
    ],
)
def test_what_is_no_address_is_told_before_any_pull(one_source, drop, said) -> None:
    source = one_source("csv", {}, unit="child", site="site", pull={"drop": drop})
    with pytest.raises(Exception, match=said) as told:
        source.programme  # noqa: B018  loading is the test
    assert "hunter2" not in str(told.value)


def test_a_connection_beside_a_drop_is_one_of_files(one_source) -> None:
    pull = {"drop": "s3://field/*.csv", "connection": "server"}
    connection = {"platform": "kobotoolbox", "server": "https://kobo.example"}
    source = one_source("csv", {}, unit="child", site="site", pull=pull, connection=connection)
    with pytest.raises(Exception, match="is a kobotoolbox, not a files"):
        source.programme  # noqa: B018
    pull = {"drop": "exports/*.csv", "connection": "server"}
    source = one_source("csv", {}, unit="child", site="site", pull=pull, connection=connection)
    with pytest.raises(Exception, match="exactly one place"):
        source.programme  # noqa: B018


def test_a_scheme_that_nothing_reads_is_told(one_source) -> None:
    source = one_source("csv", {}, unit="child", site="site", pull={"drop": "carrier://pigeon/*.csv"})
    receipt = source.pull()
    assert receipt.state == "failed" and "carrier://" in receipt.message and "Remedy" in receipt.message
