"""A programme of one source over files a test brings, pulled through the public door."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.programme.model import Programme
from ingestion.pull import pull_source
from ingestion.receipt import Receipt


@dataclass
class OneSource:
    """A programme whose only source is `answers`, and its home."""

    folder: Path
    home: Path

    @property
    def programme(self) -> Programme:
        return load_programme(self.folder)

    def pull(self) -> Receipt:
        return pull_source(self.programme, "answers", self.home)

    def table(self, name: str = "main") -> pl.DataFrame:
        folder = lake_path(self.home, "answers")
        assert folder is not None, "the source has no lake"
        return pl.read_parquet(folder / f"{name}.parquet")

    def drop(self, name: str, content: bytes | str | Path) -> Path:
        path = self.folder / "exports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.read_bytes() if isinstance(content, Path) else content
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path


@pytest.fixture
def one_source(tmp_path: Path) -> Callable[..., OneSource]:
    """Writes the programme: `one_source("redcap", {"data.csv": b"..."}, unit="id", site="dag")`."""

    def write(
        platform: str,
        files: Mapping[str, bytes | str | Path],
        *,
        unit: str,
        site: str,
        questions: tuple[str, ...] = (),
        keep: tuple[str, ...] = ("*",),
        keys: Mapping[str, Any] | None = None,
        privacy: Mapping[str, Any] | None = None,
        connection: Mapping[str, Any] | None = None,
        **source: Any,
    ) -> OneSource:
        folder = tmp_path / "programme"
        yaml = YAML()

        def dump(name: str, content: Any) -> None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                yaml.dump(content, file)

        waves = [{"wave": "endline", "from": "2015-01-01", "closes": "2026-12-31"}]
        head = {"programme": "one", "title": "One source", "waves": waves, **(privacy or {})}
        stages = [{"stage": "pilot", "from": "2015-01-01"}]
        dump("programme.yml", head)
        if connection:
            dump("connections.yml", {"server": {"platform": platform, **connection}})
        dump("sites.yml", [{"site": "here", "design": "post_only", "stages": stages}])
        answers = {
            "source": "answers",
            "role": "survey",
            "platform": platform,
            "instrument": "form",
            "wave": "endline",
            "pull": {"drop": "exports/*"},
            "keys": {"unit": unit, "site": site, **(keys or {})},
        }
        entry = {name: value for name, value in (answers | source).items() if value is not None}
        frame = {"source": "frame", "role": "listing", "platform": "csv", "pull": {"drop": "frame/*.csv"}}
        dump(
            "sources.yml",
            [entry, frame | {"keys": {"unit": "child", "site": "site", "cluster": "village", "arm": "arm"}}],
        )
        items = {
            f"item_{place}": {"question": [name], "type": "number"} for place, name in enumerate(questions)
        }
        items = items or {"item_0": {"question": [unit], "type": "number"}}
        dump("instruments/form.yml", {"items": items, "privacy": {"keep": list(keep)}})
        indicator = {"title": "Seen", "unit": "points", "statistic": "mean", "of": "form.item_0"}
        dump("indicators/seen.yml", indicator | {"direction": "higher_is_better"})
        analysis = {"analysis": "all", "title": "All", "waves": ["endline"], "registered_on": "2015-01-01"}
        dump("analyses.yml", [analysis])
        written = OneSource(folder, tmp_path / "home")
        (folder / "exports").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            written.drop(name, content)
        return written

    return write


@dataclass(frozen=True)
class Asked:
    """A request that reached the loopback server."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the loopback server sends.

    `cut_at` sends that many bytes of a longer declared body and closes; `wait` stays silent first.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    wait: float = 0.0


class Loopback:
    """A real HTTP server on loopback. `answer` is the platform; `faults` are sent first, in turn."""

    def __init__(self) -> None:
        self.answer: Callable[[Asked], Reply] = lambda asked: Reply(status=404)
        self.faults: list[Reply] = []
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

            def handle_one(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(
                    self.command,
                    parts.path,
                    parse_qs(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()},
                    body,
                )
                server.asked.append(asked)
                reply = server.faults.pop(0) if server.faults else server.answer(asked)
                time.sleep(reply.wait)
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body[: reply.cut_at])
                except OSError:
                    # The client gave up waiting, which some tests are about.
                    self.close_connection = True
                self.close_connection |= reply.cut_at is not None

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        threading.Thread(target=self._httpd.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A loopback server; `loopback.url` goes into connections.yml."""
    server = Loopback()
    # Handlers are written in the tests, which cannot import from here.
    server.Reply = Reply  # type: ignore[attr-defined]
    yield server
    server.close()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait milliseconds, and a silent server is given up after half a second."""
    monkeypatch.setattr("ingestion.platforms.http.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("ingestion.platforms.http.TIMEOUT_SECONDS", 0.5)
