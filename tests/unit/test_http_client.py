"""The one client: whole answers or none, patience as asked, and secrets for their own server alone."""

import gzip
import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ingestion.export_fault import ExportFault
from ingestion.platforms import http
from ingestion.platforms.http import Api
from ingestion.programme.model import Connection, Secret

TOKEN = "SECRET-token-7f"
CUSTOM = {"X-API-TOKEN": TOKEN}


def _connection(server: str, **fields: object) -> Connection:
    return Connection(
        platform="kobotoolbox", server=server, token=Secret(env="SITEWISE_TEST_TOKEN"), **fields
    )


@pytest.fixture
def api(loopback, monkeypatch):
    monkeypatch.setenv("SITEWISE_TEST_TOKEN", TOKEN)
    with Api("kobo", _connection(loopback.url), headers=CUSTOM) as client:
        yield client


@pytest.fixture
def elsewhere(loopback):
    """Another server on this machine: the same host, another port."""
    other = type(loopback)()
    other.Reply = loopback.Reply
    other.answer = lambda asked: loopback.Reply(b"elsewhere")
    yield other
    other.close()


def _chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def _faulty(loopback) -> dict[str, object]:
    packed = gzip.compress(os.urandom(5000))
    chunked, zipped = {"Transfer-Encoding": "chunked"}, {"Content-Encoding": "gzip"}
    return {
        "429": loopback.Reply(status=429),
        "500": loopback.Reply(status=500),
        "502": loopback.Reply(status=502),
        "503": loopback.Reply(status=503),
        "504": loopback.Reply(status=504),
        "timeout": loopback.Reply(wait=0.8),
        "short of its declared length": loopback.Reply(b"x" * 1000, cut_at=400),
        "no byte of its body": loopback.Reply(b"x" * 1000, cut_at=0),
        "a chunked body without its end": loopback.Reply(_chunked(b"half"), headers=chunked, cut_at=9),
        "a compressed body that stops": loopback.Reply(packed[:3000], headers=zipped),
        "a damaged compressed body": loopback.Reply(b"not gzip", headers=zipped),
    }


@pytest.mark.parametrize("case", list(_faulty(type("Any", (), {"Reply": lambda *_, **__: None}))))
def test_what_may_pass_is_asked_again(loopback, api, tmp_path, case) -> None:
    loopback.answer = lambda asked: loopback.Reply(b'{"count": 3}')
    loopback.faults = [_faulty(loopback)[case]] * 2
    assert api.get("/api/data").json() == {"count": 3}
    loopback.faults = [_faulty(loopback)[case]]
    api.download("/api/data", tmp_path / "body")
    assert (tmp_path / "body").read_bytes() == b'{"count": 3}'
    assert [asked.path for asked in loopback.asked] == ["/api/data"] * 5
    assert list(tmp_path.iterdir()) == [tmp_path / "body"]


@pytest.mark.parametrize("case", ["500", "short of its declared length", "a compressed body that stops"])
def test_what_does_not_pass_is_told_without_any_secret(loopback, api, tmp_path, case) -> None:
    loopback.answer = lambda asked: _faulty(loopback)[case]
    with pytest.raises(ExportFault, match=r"connection kobo: 127\.0\.0\.1/api/data .* 5 attempts") as fault:
        api.download(f"/api/data?token={TOKEN}", tmp_path / "body")
    assert TOKEN not in str(fault.value) and "Remedy: " in str(fault.value)
    assert len(loopback.asked) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refused the account (401). Remedy: check SITEWISE_TEST_TOKEN"),
        (403, "refused the account (403)"),
        (404, "has nothing there (404). Remedy: correct server, or pull.asset"),
        (400, "answered 400"),
    ],
)
def test_a_refusal_is_told_at_once(loopback, api, status, words) -> None:
    loopback.answer = lambda asked: loopback.Reply(b"no", status=status)
    with pytest.raises(ExportFault) as fault:
        api.get("/api")
    assert words in str(fault.value) and len(loopback.asked) == 1


@pytest.mark.parametrize("told", ["seconds", "date"])
def test_a_server_is_left_alone_for_as_long_as_it_asks(loopback, api, told) -> None:
    after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    loopback.faults = [
        loopback.Reply(status=429, headers={"Retry-After": "1" if told == "seconds" else after})
    ]
    loopback.answer = lambda asked: loopback.Reply(b"{}")
    begun = time.monotonic()
    api.get("/api")
    assert time.monotonic() - begun >= (1 if told == "seconds" else 0.9)


def test_a_server_that_asks_for_hours_is_not_asked_again_tonight(loopback, api) -> None:
    loopback.answer = lambda asked: loopback.Reply(status=429, headers={"Retry-After": "7200"})
    with pytest.raises(ExportFault, match="asks to be left alone for 7200 seconds"):
        api.get("/api")
    assert len(loopback.asked) == 1


def test_compressed_and_chunked_bodies_arrive_whole(loopback, api, tmp_path) -> None:
    body = os.urandom(3 << 20) + bytes(5 << 20)
    zipped = gzip.compress(body[: 1 << 20]) + gzip.compress(body[1 << 20 :])
    loopback.answer = lambda asked: loopback.Reply(zipped, headers={"Content-Encoding": "gzip"})
    assert api.get("/api").content == body
    api.download("/api", tmp_path / "body")
    assert (tmp_path / "body").read_bytes() == body
    ends = _chunked(b"one,", b"two", b"")
    loopback.answer = lambda asked: loopback.Reply(ends, headers={"Transfer-Encoding": "chunked"})
    assert api.get("/api").text == "one,two"
    assert {asked.headers["accept-encoding"] for asked in loopback.asked} == {"gzip"}


def test_an_answer_beyond_all_measure_is_refused_before_it_is_held(
    loopback, api, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(http, "MEMORY_BYTES", 2 << 20)
    monkeypatch.setattr(http, "DISK_BYTES", 3 << 20)
    bomb = gzip.compress(bytes(64 << 20))
    loopback.answer = lambda asked: loopback.Reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ExportFault, match="more than 2 MiB"):
        api.get("/api")
    with pytest.raises(ExportFault, match="more than 3 MiB"):
        api.download("/api", tmp_path / "body")
    assert list(tmp_path.iterdir()) == [] and len(loopback.asked) == 2


def test_a_body_that_never_ends_is_given_up(loopback, api, monkeypatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    loopback.answer = lambda asked: loopback.Reply(b"x" * 1000, drip=0.05)
    with pytest.raises(ExportFault, match="took too long"):
        api.get("/api")


def test_a_pull_that_is_stopped_waits_for_nothing(loopback) -> None:
    stopped = threading.Event()
    loopback.answer = lambda asked: loopback.Reply(status=503, headers={"Retry-After": "60"})
    with Api("kobo", _connection(loopback.url), stopped=stopped) as api:
        threading.Timer(0.2, stopped.set).start()
        begun = time.monotonic()
        with pytest.raises(ExportFault, match="stopped"):
            api.get("/api")
        assert time.monotonic() - begun < 5 and len(loopback.asked) == 1


def test_secrets_do_not_follow_a_redirect_to_another_server(loopback, elsewhere, api) -> None:
    loopback.answer = lambda asked: loopback.Reply(
        status=302, headers={"Location": f"{elsewhere.url}/file?signed=1", "Set-Cookie": "session=s"}
    )
    told = api.get("/file", params={"token": TOKEN}, auth=("user", TOKEN), cookies={"a": "b"})
    assert told.content == b"elsewhere"
    (asked,) = elsewhere.asked
    assert asked.query == {"signed": ["1"]}
    assert not {"x-api-token", "authorization", "cookie"} & set(asked.headers)
    assert TOKEN not in str(asked)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_what_was_posted_is_not_posted_elsewhere(loopback, elsewhere, api, status) -> None:
    loopback.answer = lambda asked: loopback.Reply(status=status, headers={"Location": elsewhere.url})
    with pytest.raises(ExportFault, match="has moved"):
        api.post("/api", data={"token": TOKEN})
    assert elsewhere.asked == []


def test_a_redirect_on_the_same_server_keeps_what_was_asked(loopback, api) -> None:
    moved = loopback.Reply(status=307, headers={"Location": "/new/"})
    loopback.answer = lambda asked: moved if asked.path == "/old" else loopback.Reply(asked.body)
    assert api.post("/old", data={"token": "t"}).text == "token=t"
    assert loopback.asked[-1].headers["x-api-token"] == TOKEN
    loopback.answer = lambda asked: loopback.Reply(status=302, headers={"Location": "/round"})
    with pytest.raises(ExportFault, match="redirects without end"):
        api.get("/round")


def test_links_lead_to_the_own_server_only(loopback, elsewhere, api) -> None:
    loopback.answer = lambda asked: loopback.Reply(asked.path.encode())
    assert api.get(api.same_host(f"{loopback.url}/api/data?page=2")).text == "/api/data"
    assert loopback.asked[-1].query == {"page": ["2"]}
    assert api.same_host("/x?y=1") == f"{loopback.url}/x?y=1"
    assert api.same_host("?offset=20", "/a/forms/") == f"{loopback.url}/a/forms/?offset=20"
    stray = ["//evil.example/x", "https://127.0.0.1/x", "ftp://127.0.0.1/", "http://[", "file:///etc/passwd"]
    for link in [f"{elsewhere.url}/x", loopback.url.replace("//", "//user:pass@"), *stray]:
        with pytest.raises(ExportFault, match="link to another server"):
            api.same_host(link)
    with pytest.raises(ExportFault, match="link to another server"):
        api.get(f"{elsewhere.url}/x")
    assert elsewhere.asked == []


def test_a_link_that_forgets_https_is_asked_by_https() -> None:
    with Api("kobo", _connection("https://kobo.example.org/prefix")) as api:
        assert api.same_host("http://kobo.example.org/prefix/api?x=1") == (
            "https://kobo.example.org/prefix/api?x=1"
        )
        with pytest.raises(ExportFault):
            api.same_host("http://kobo.example.org:8000/api")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (None, "names no server"),
        ("http://kobo.example.org", "would send its secrets unencrypted to kobo.example.org"),
        ("http://192.168.1.4:8080", "unencrypted"),
        ("kobo.example.org", "is not a web address"),
        ("ftp://kobo.example.org", "is not a web address"),
        ("https://kobo.example.org/?key=1", "is not a web address"),
        ("https://me:word@kobo.example.org", "holds an account"),
    ],
)
def test_a_server_that_would_give_secrets_away_is_not_asked(server, words) -> None:
    with pytest.raises(ExportFault, match=words) as fault:
        Api("kobo", _connection(server))
    assert "Remedy: " in str(fault.value) and "word@" not in str(fault.value)


def test_a_secret_that_http_cannot_carry_is_named_and_not_quoted(loopback) -> None:
    for token in ("SECRET\r\nX-Other: 1", "SÉCRET"):
        with (
            Api("kobo", _connection(loopback.url)) as api,
            pytest.raises(ExportFault, match="characters that HTTP does not allow") as fault,
        ):
            api.get("/api", headers={"X-API-TOKEN": token})
        assert fault.value.__cause__ is None and "CRET" not in str(fault.value)
    assert loopback.asked == []


def test_nothing_that_is_asked_is_logged(loopback, api, caplog) -> None:
    loopback.answer = lambda asked: loopback.Reply(b"{}")
    with caplog.at_level(logging.DEBUG):
        api.get("/api", params={"token": TOKEN}, auth=("user", TOKEN))
    assert TOKEN not in caplog.text


def test_a_secret_is_read_without_the_line_end_of_its_file(monkeypatch) -> None:
    monkeypatch.setenv("SITEWISE_TEST_TOKEN", "abc\n")
    assert http.secret("kobo", "token", Secret(env="SITEWISE_TEST_TOKEN")) == "abc"
    monkeypatch.delenv("SITEWISE_TEST_TOKEN")
    with pytest.raises(ExportFault, match="SITEWISE_TEST_TOKEN, which is not set"):
        http.secret("kobo", "token", Secret(env="SITEWISE_TEST_TOKEN"))
    with pytest.raises(ExportFault, match="has no 'token'"):
        http.secret("kobo", "token", None)
