"""What every test may ask for: the real command on a home of its own, and a small programme of plain files.

The small programme (three pilot and five scaled sites, ten villages each, one endline source per site)
is written by hand so that tests know every number in it; nothing of it comes from the simulator.
"""

import csv
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import hypothesis
import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"
SMALL_SITES = {f"site_{letter}": ("pilot" if letter in "abc" else "scaled") for letter in "abcdefgh"}


def pytest_configure(config: pytest.Config) -> None:
    """Numbers must not depend on the machine's cores, in tests as in nights."""
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", GX_ANALYTICS_ENABLED="false")
    # a busy machine is no fault of the code: examples are timed by nobody, and a failing one can be replayed
    hypothesis.settings.register_profile("sitewise", deadline=None, print_blob=True)
    hypothesis.settings.load_profile("sitewise")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and reference numbers beside the checkout; skips where it is absent."""
    if not SHARED.exists():
        pytest.skip("the folder of real files beside the checkout is absent")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _one_reader() -> Iterator[None]:
    """All pulls of a test process share one child that reads, as those of a night do."""
    from ingestion.sandbox import reader

    with reader():
        yield


Night = Callable[..., subprocess.CompletedProcess[str]]


def _environment(home: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SITEWISE_")}
    return kept | {"SITEWISE_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"} | (extra or {})


@pytest.fixture(scope="session")
def sitewise() -> Night:
    """Runs the command as a user would: `sitewise(home, "nightly", "--programme", folder)`."""

    def run(home: Path, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "sitewise"), *map(str, arguments)]
        return subprocess.run(
            command,
            env=_environment(home, options.pop("env", None)),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def published() -> Callable[..., list[tuple[Any, ...]]]:
    """Queries the current release as an analyst would: `published(home, "select ...")`."""

    def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
        path = home / "releases" / "current" / "sitewise.duckdb"
        with duckdb.connect(str(path.resolve()), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return query


@pytest.fixture(scope="session")
def demo_night(tmp_path_factory: pytest.TempPathFactory, sitewise: Night) -> Path:
    """The home of one whole night of the demo programme, shared by tests that only read it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    night = sitewise(home, "nightly", "--programme", "demo")
    assert night.returncode == 0, night.stdout + night.stderr
    (home / "said.txt").write_text(night.stdout)
    return home


def _write_yaml(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    yaml = YAML()
    yaml.default_flow_style = False
    with path.open("w") as file:
        yaml.dump(content, file)


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class SmallProgramme:
    """A programme's folder as plain data: change `files` or a CSV, then run a night on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Any:
        """A YAML file's content."""
        return YAML(typ="safe").load((self.folder / name).read_text())

    def write(self, name: str, content: Any) -> None:
        """Replaces a YAML file."""
        _write_yaml(self.folder / name, json.loads(json.dumps(content, default=str)))

    def without(self, name: str, key: str, value: str) -> dict[str, Any]:
        """Takes the entry with that key out of a list file and returns it."""
        entries = self.read(name)
        (taken,) = [entry for entry in entries if entry[key] == value]
        self.write(name, [entry for entry in entries if entry[key] != value])
        return taken

    def add(self, name: str, entry: dict[str, Any]) -> None:
        """Adds an entry to a list file."""
        self.write(name, [*self.read(name), entry])


def write_small_programme(folder: Path) -> SmallProgramme:
    """Writes the small programme: YAML, listing, and per site one endline export."""
    programme = SmallProgramme(folder)
    chance = random.Random(20261123)
    listing: list[dict[str, Any]] = []
    for site, stage in SMALL_SITES.items():
        effect = 0.30 if stage == "pilot" else 0.25
        answers: list[dict[str, Any]] = []
        for village in range(10):
            arm = village % 2
            shift = chance.gauss(0, 0.04)
            for child in range(16):
                unit = f"{site[-1].upper()}{village:02d}{child:02d}"
                listing.append(
                    {"child": unit, "site": site, "village": village, "arm": arm, "sex": 1 + child % 2}
                )
                reads = int(chance.random() < 0.35 + effect * arm + shift)
                answers.append(
                    {
                        "id": f"{unit}-e",
                        "child": unit,
                        "site": site,
                        "when": f"2025-11-{1 + child:02d}T09:00:00",
                        "reads": reads,
                        "score": 20 + 8 * arm + chance.randint(-6, 6),
                        "age": 6 + child % 6,
                    }
                )
        _write_csv(folder / f"exports/{site}/endline.csv", answers)
    _write_csv(folder / "exports/frame/listing.csv", listing)
    programme.write(
        "programme.yml",
        {
            "programme": "small",
            "title": "A small programme of plain files",
            "privacy": {"public": True},
            "units": {"unique_in": "programme"},
            "waves": [{"wave": "endline", "from": "2025-11-01", "closes": "2025-12-15"}],
            "nightly": {"as_of": "2026-03-31"},
        },
    )
    programme.write(
        "sites.yml",
        [
            {
                "site": site,
                "design": "cluster_rct",
                "stages": [{"stage": stage, "from": "2025-01-01"}],
                "population": {"eligible": 1000},
            }
            for site, stage in SMALL_SITES.items()
        ],
    )
    keys = {"unit": "child", "site": "site"}
    arm = {"column": "arm", "map": {"1": "treatment", "0": "control"}}
    female = {"column": "sex", "map": {"1": "male", "2": "female"}}
    listing_source = {
        "source": "listing",
        "role": "assignment",
        "platform": "csv",
        "pull": {"drop": "exports/frame/*.csv"},
        "keys": keys | {"cluster": "village", "arm": arm, "subgroups": {"female": female}},
    }
    endlines = [
        {
            "source": f"endline_{site}",
            "role": "survey",
            "platform": "csv",
            "instrument": "child_test",
            "wave": "endline",
            "sites": [site],
            "pull": {"drop": f"exports/{site}/*.csv"},
            "keys": keys | {"record": "id", "submitted_at": "when"},
        }
        for site in SMALL_SITES
    ]
    programme.write("sources.yml", [listing_source, *endlines])
    items = {
        "reads": {"question": ["reads"], "type": "boolean", "required": True},
        "score": {"question": ["score"], "type": "number", "min": 0, "max": 60, "required": True},
        "age": {"question": ["age"], "type": "integer"},
    }
    programme.write("instruments/child_test.yml", {"items": items})
    common = {"direction": "higher_is_better", "role": "primary"}
    reads = {
        "title": "Children who read",
        "unit": "percent",
        "statistic": "share",
        "of": "child_test.reads",
        "smallest_effect": 5,
    }
    score = {
        "title": "Test score",
        "unit": "points",
        "statistic": "mean",
        "of": "child_test.score",
        "smallest_effect": 1,
    }
    programme.write("indicators/reads_pct.yml", common | reads)
    programme.write("indicators/score.yml", common | score)
    programme.write(
        "analyses.yml",
        [
            {
                "analysis": "endline_2025",
                "title": "Endline",
                "waves": ["endline"],
                "registered_on": "2025-01-01",
                "role": "headline",
            }
        ],
    )
    return programme


@pytest.fixture
def small_programme(tmp_path: Path) -> Iterator[SmallProgramme]:
    """The small programme in a folder of the test's own."""
    yield write_small_programme(tmp_path / "small")


@pytest.fixture(scope="session")
def write_small() -> Callable[[Path], SmallProgramme]:
    """Writes the small programme where a test wants it."""
    return write_small_programme


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait milliseconds, and a silent server is given up after half a second."""
    monkeypatch.setattr("ingestion.platforms.http.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("ingestion.platforms.http.TIMEOUT_SECONDS", 0.5)


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

    `cut_at` sends that many bytes of a longer declared body and closes; `wait` stays silent first; `drip`
    is silent before every byte. A body whose headers say `Transfer-Encoding` is sent as it stands.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    wait: float = 0.0
    drip: float = 0.0


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
                    if "Transfer-Encoding" not in reply.headers:
                        self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    sent = reply.body[: reply.cut_at]
                    step = 1 if reply.drip else max(len(sent), 1)
                    for place in range(0, len(sent), step):
                        time.sleep(reply.drip)
                        self.wfile.write(sent[place : place + step])
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
def loopback(quick_retries: None) -> Iterator[Loopback]:
    """A loopback server; `loopback.url` goes into connections.yml."""
    server = Loopback()
    # Handlers are written in the tests, which cannot import from here.
    server.Reply = Reply  # type: ignore[attr-defined]
    yield server
    server.close()
