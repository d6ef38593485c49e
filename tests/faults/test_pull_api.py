"""Pulling by API, whatever the platform: cursors, full pulls, empty nights, faults half-way, several servers.

The platform is a plain one made for these tests: a server that hands out rows of CSV.
"""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ingestion.export_fault import Encrypted, ExportFault
from ingestion.lake import lake_path
from ingestion.landing import read_receipts, write_receipt
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source

SOURCE = "endline_site_a"
HEAD = "id,child,site,when,reads,score,age\n"


def _row(number: int, score: int = 20) -> str:
    return f"r{number},A{number:04d},site_a,2025-11-05T09:00:00,1,{score},8\n"


def _ask(ask: Ask) -> Iterator[Body]:
    """Asks for the form, then for the rows since the cursor; what the server says decides the rest."""
    yield in_memory("form.json", ask.api.get(f"/{ask.asset}/form").content, "definition")
    told = ask.api.get(f"/{ask.asset}/rows", params={"since": ask.cursor.get("since", "")}).json()
    for place, rows in enumerate(told["rows"], start=1):
        yield in_memory(f"data-{place:04d}.csv", (HEAD + "".join(rows)).encode())
    if "fault" in told:
        kind = Encrypted if told["fault"] == "encrypted" else ExportFault
        raise kind("server", f"the answers are {told['fault']}", "give the key")
    mode = "snapshot" if ask.is_full else "delta"
    return Outcome(mode, {"since": told["until"]}, told.get("note", ""))


class Server:
    """What the platform holds; `asked` is the cursor of every request for rows."""

    def __init__(self, loopback) -> None:
        self.form, self.rows, self.extra = "1", [[_row(1), _row(2)]], {}
        self.news: list[list[str]] = []
        self.asked: list[str] = []
        self.loopback = loopback
        loopback.answer = self.answer

    def answer(self, asked):
        if asked.path.endswith("/form"):
            return self.loopback.Reply(self.form.encode())
        (since,) = asked.query["since"]
        self.asked.append(since)
        rows = self.news if since else self.rows
        told = {"rows": rows, "until": f"t{len(self.asked)}", **self.extra}
        return self.loopback.Reply(json.dumps(told).encode())


@pytest.fixture
def server(loopback):
    return Server(loopback)


@pytest.fixture
def api(small_programme, loopback, monkeypatch):
    """The small programme with one source, or those named, behind the server."""
    monkeypatch.setattr(PLATFORMS["csv"], "ask", _ask)

    def load(**assets: tuple[str, str]):
        programme = load_programme(small_programme.folder)
        assets = assets or {SOURCE: (loopback.url, "form_a")}
        connection = next(iter(_connections())).model_copy()
        connections = {
            f"at_{name}": connection.model_copy(update={"server": url}) for name, (url, _) in assets.items()
        }
        sources = [
            each.model_copy(update={"pull": _pull(f"at_{each.source}", assets[each.source][1])})
            if each.source in assets
            else each
            for each in programme.sources
        ]
        return programme.model_copy(update={"sources": sources, "connections": connections})

    return load


def _connections():
    from ingestion.programme.model import Connection

    return [Connection(platform="csv", server="http://127.0.0.1")]


def _pull(connection: str, asset: str):
    from ingestion.programme.model import Pull

    return Pull(connection=connection, asset=asset)


def _scores(home) -> dict[str, str]:
    rows = pl.read_parquet(lake_path(home, SOURCE) / "main.parquet")
    return dict(zip(rows["id"], rows["score"], strict=True))


def _age(home, days: float) -> None:
    """Makes all receipts older."""
    for receipt in list(read_receipts(home, SOURCE)):
        older = receipt.pulled_at - timedelta(days=days)
        (home / "landing" / SOURCE / "receipts" / f"{receipt.receipt_id}.json").unlink()
        new_id = f"{older.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-00000000"
        write_receipt(home, receipt.model_copy(update={"pulled_at": older, "receipt_id": new_id}))


def test_the_first_pull_is_full_the_next_begin_where_it_ended(api, server, tmp_path) -> None:
    first = pull_source(api(), SOURCE, tmp_path)
    assert (first.state, first.mode, first.cursor) == ("landed", "snapshot", {"since": "t1"}), first.message
    server.news = [[_row(2, score=33), _row(3)]]
    second = pull_source(api(), SOURCE, tmp_path)
    assert (second.state, second.mode, second.cursor) == ("landed", "delta", {"since": "t2"})
    assert _scores(tmp_path) == {"r1": "20", "r2": "33", "r3": "20"}
    server.news = []
    third = pull_source(api(), SOURCE, tmp_path)
    assert (third.state, third.cursor, third.rows_kept) == ("unchanged", {"since": "t3"}, 3)
    assert pull_source(api(), SOURCE, tmp_path).state == "unchanged"
    assert server.asked == ["", "t1", "t2", "t3"]


def test_an_edit_that_is_taken_back_is_the_newest_again(api, server, tmp_path) -> None:
    server.rows = [[_row(1)]]
    pull_source(api(), SOURCE, tmp_path)
    server.news = [[_row(1, score=50)]]
    pull_source(api(), SOURCE, tmp_path)
    assert _scores(tmp_path) == {"r1": "50"}
    server.news = [[_row(1)]]
    pull_source(api(), SOURCE, tmp_path)
    assert _scores(tmp_path) == {"r1": "20"}


def test_everything_is_asked_for_again_after_a_week(api, server, tmp_path) -> None:
    pull_source(api(), SOURCE, tmp_path)
    _age(tmp_path, 6)
    pull_source(api(), SOURCE, tmp_path)
    _age(tmp_path, 0.99)
    server.rows = [[_row(2)]]
    receipt = pull_source(api(), SOURCE, tmp_path)
    assert server.asked == ["", "t1", ""]
    assert (receipt.mode, _scores(tmp_path)) == ("snapshot", {"r2": "20"})


def test_another_form_or_server_is_asked_for_everything(api, server, loopback, tmp_path) -> None:
    pull_source(api(), SOURCE, tmp_path)
    server.rows = [[_row(7)]]
    pull_source(api(**{SOURCE: (loopback.url, "form_b")}), SOURCE, tmp_path)
    assert server.asked == ["", ""] and _scores(tmp_path) == {"r7": "20"}
    localhost = loopback.url.replace("127.0.0.1", "localhost")
    pull_source(api(**{SOURCE: (localhost, "form_b")}), SOURCE, tmp_path)
    assert server.asked == ["", "", ""]


@pytest.mark.parametrize("fault", ["encrypted", "broken"])
def test_a_pull_that_fails_half_way_counts_for_nothing(api, server, tmp_path, fault) -> None:
    pull_source(api(), SOURCE, tmp_path)
    server.news, server.extra = [[_row(1, score=99)]], {"fault": fault}
    failed = pull_source(api(), SOURCE, tmp_path)
    assert failed.state == ("encrypted" if fault == "encrypted" else "failed")
    assert f"server: the answers are {fault}. Remedy: give the key." in failed.message
    assert [original.name for original in failed.originals] == ["form.json", "data-0001.csv"]
    assert _scores(tmp_path) == {"r1": "20", "r2": "20"}
    server.news, server.extra = [[_row(3)]], {}
    assert pull_source(api(), SOURCE, tmp_path).state == "landed"
    assert server.asked == ["", "t1", "t1"]
    assert _scores(tmp_path) == {"r1": "20", "r2": "20", "r3": "20"}


def test_a_form_that_changed_is_told_but_reads_nothing_again(api, server, tmp_path) -> None:
    assert not pull_source(api(), SOURCE, tmp_path).definition_changed
    stamp = (lake_path(tmp_path, SOURCE) / "main.parquet").stat().st_mtime_ns
    server.form = "2"
    changed = pull_source(api(), SOURCE, tmp_path)
    assert (changed.state, changed.definition_changed) == ("unchanged", True)
    assert (lake_path(tmp_path, SOURCE) / "main.parquet").stat().st_mtime_ns == stamp
    assert not pull_source(api(), SOURCE, tmp_path).definition_changed


def test_a_server_without_submissions_is_empty_and_what_was_pulled_stays(api, server, tmp_path) -> None:
    server.rows, server.extra = [], {"note": "0 of 0 submissions"}
    first = pull_source(api(), SOURCE, tmp_path)
    assert first.state == "empty" and lake_path(tmp_path, SOURCE) is None
    assert "form_a on connection" in first.message and "(0 of 0 submissions)" in first.message
    server.rows, server.extra = [[_row(1)]], {}
    assert pull_source(api(), SOURCE, tmp_path).state == "landed"
    _age(tmp_path, 8)
    server.rows = []
    assert pull_source(api(), SOURCE, tmp_path).state == "empty"
    assert _scores(tmp_path) == {"r1": "20"}
    assert server.asked == ["", "", ""]


def test_servers_are_asked_side_by_side_but_each_one_thing_at_a_time(api, loopback, tmp_path) -> None:
    other = type(loopback)()
    busy: dict[str, int] = {}
    seen: set[tuple[int, int]] = set()
    lock = threading.Lock()

    def answer_as(place):
        def answer(asked):
            with lock:
                busy[place] = busy.get(place, 0) + 1
                seen.add((busy[place], sum(count > 0 for count in busy.values())))
            time.sleep(0.15)
            with lock:
                busy[place] -= 1
            if asked.path.endswith("/form"):
                return loopback.Reply(b"1")
            site = asked.path.split("/")[1]
            rows = [[_row(1).replace("A0001", site).replace("r1", site)]]
            return loopback.Reply(json.dumps({"rows": rows, "until": "t"}).encode())

        return answer

    loopback.answer, other.answer = answer_as("one"), answer_as("other")
    assets = {
        f"endline_site_{site}": (loopback.url if site in "abc" else other.url, f"form_{site}")
        for site in "abcdef"
    }
    programme = api(**assets)
    receipts = list(pull_programme(programme, tmp_path))
    other.close()
    assert {receipt.state for receipt in receipts} == {"landed"}
    assert [receipt.source for receipt in receipts] == [source.source for source in programme.sources]
    assert max(alone for alone, _ in seen) == 1 and max(together for _, together in seen) == 2


def test_a_server_that_is_down_stops_nobody_else(api, loopback, server, tmp_path) -> None:
    programme = api(endline_site_a=("http://127.0.0.1:9", "form_a"), endline_site_b=(loopback.url, "form_b"))
    states = {receipt.source: receipt for receipt in pull_programme(programme, tmp_path)}
    assert states["endline_site_a"].state == "failed"
    assert "did not give a whole answer (ConnectError)" in states["endline_site_a"].message
    assert {receipt.state for name, receipt in states.items() if name != SOURCE} == {"landed"}


def test_a_pull_that_is_abandoned_leaves_nobody_asking(api, loopback, tmp_path) -> None:
    loopback.answer = lambda asked: loopback.Reply(status=503, headers={"Retry-After": "60"})
    programme = api(endline_site_h=(loopback.url, "form_h"))
    pulls = pull_programme(programme, tmp_path)
    assert next(pulls).state == "landed"
    begun = datetime.now(UTC)
    pulls.close()
    assert datetime.now(UTC) - begun < timedelta(seconds=5)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("asking")]
