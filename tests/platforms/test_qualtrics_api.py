"""Qualtrics by API, against a loopback server that behaves as the research says: no live one was reached."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
import pytest

SURVEY = "SV_1"
NAMES = ("ResponseId", "RecordedDate", "Finished", "Status", "place", "reads")
IMPORT_IDS = ("_recordId", "recordedDate", "finished", "status", "QID1", "QID2")


@dataclass
class Qualtrics:
    """A survey on a server: its responses with the day each was last modified, and how it behaves."""

    reply: type
    responses: dict[str, tuple[str, str]] = field(default_factory=dict)
    polls: int = 2
    status: str = "complete"
    file_id: str | None = "file-1"
    left_out: int = 0
    counts: bool = True
    asked: list[dict] = field(default_factory=list)
    polled: int = 0

    def csv(self) -> bytes:
        since = self.asked[-1].get("startDate", "")
        shown = [(name, each) for name, each in self.responses.items() if each[1] >= since][self.left_out :]
        head = ",".join(NAMES) + "\n" + ",".join(NAMES) + "\n"
        head += ",".join('"{""ImportId"":""' + name + '""}"' for name in IMPORT_IDS) + "\n"
        return (
            head + "".join(f"{name},2025-11-01 09:00:00,1,0,P,{each[0]}\n" for name, each in shown)
        ).encode()

    def answer(self, asked):
        if asked.headers.get("x-api-token") != "secret":
            error = {"errorCode": "AUTH_6", "errorMessage": "Unrecognized X-API-TOKEN."}
            return self.json({"meta": {"error": error}}, 401)
        if asked.path == f"/API/v3/survey-definitions/{SURVEY}":
            assert asked.query["format"] == ["qsf"]
            entry = {"SurveyID": SURVEY, "LastAccessed": str(len(self.asked)), "SurveyName": "Camps"}
            return self.json({"result": {"SurveyEntry": entry, "SurveyElements": []}})
        if asked.path == f"/API/v3/surveys/{SURVEY}":
            counts = {"auditable": len(self.responses), "deleted": 0, "generated": 0}
            return self.json({"result": {"responseCounts": counts} if self.counts else {}})
        exports = f"/API/v3/surveys/{SURVEY}/export-responses"
        if (asked.method, asked.path) == ("POST", exports):
            self.asked.append(json.loads(asked.body))
            self.polled = 0
            return self.json(
                {"result": {"progressId": "ES_1", "percentComplete": 0.0, "status": "inProgress"}}
            )
        if asked.path == f"{exports}/ES_1":
            self.polled += 1
            if self.polled <= self.polls:
                return self.json({"result": {"percentComplete": 50.0, "status": "inProgress"}})
            result = {"percentComplete": 100.0, "status": self.status, "fileId": self.file_id}
            return self.json({"result": result})
        if asked.path == f"{exports}/file-1/file":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("Camps.csv", b"\xef\xbb\xbf" + self.csv())
            return self.reply(packed.getvalue(), headers={"Content-Type": "application/zip"})
        return self.json({"meta": {"error": {"errorCode": "QVAL_1"}}}, 404)

    def json(self, body, status: int = 200):
        return self.reply(json.dumps(body).encode(), status)


@pytest.fixture
def server(loopback, monkeypatch):
    monkeypatch.setenv("QUALTRICS_TOKEN", "secret")
    monkeypatch.setattr("ingestion.platforms.qualtrics_api.PAUSE_SECONDS", 0.01)
    server = Qualtrics(loopback.Reply)
    loopback.answer = server.answer
    return server


@pytest.fixture
def source(one_source, loopback, server):
    def make(**pull):
        return one_source(
            "qualtrics",
            {},
            unit="ResponseId",
            site="place",
            connection={"server": loopback.url, "token": {"env": "QUALTRICS_TOKEN"}},
            pull={"connection": "server", "asset": SURVEY, **pull},
        )

    return make


def reads(source) -> dict[str, str]:
    table: pl.DataFrame = source.table()
    return dict(zip(table["_sw_record_id"], table["reads"], strict=True))


def test_an_export_is_awaited_fetched_and_read_with_its_definition(source, server, loopback) -> None:
    server.responses = {f"R_{place}": (str(place), "2025-11-01") for place in range(250)}
    pulled = source()
    receipt = pulled.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 250), receipt.message
    assert {each.kind for each in receipt.originals} == {"data", "definition"}
    assert server.polled == 3
    assert server.asked == [{"format": "csv", "compress": True, "useLabels": False, "breakoutSets": False}]
    assert pulled.pull().state == "unchanged"


def test_a_later_pull_asks_for_what_was_modified_and_an_edit_wins(source, server) -> None:
    server.responses = {"R_1": ("3", "2025-11-01"), "R_2": ("4", "2025-11-01")}
    pulled = source()
    pulled.pull()
    server.responses |= {"R_1": ("9", "2099-01-01"), "R_3": ("5", "2099-01-01")}
    receipt = pulled.pull()
    assert server.asked[-1]["sortByLastModifiedDate"] is True
    assert server.asked[-1]["startDate"].endswith("Z")
    assert receipt.state == "landed"
    assert reads(pulled) == {"R_1": "9", "R_2": "4", "R_3": "5"}


def test_a_deletion_is_followed_by_the_weekly_full_pull(source, server) -> None:
    server.responses = {"R_1": ("3", "2025-11-01"), "R_2": ("4", "2025-11-01")}
    pulled = source()
    pulled.pull()
    del server.responses["R_2"]
    pulled.pull()
    assert set(reads(pulled)) == {"R_1", "R_2"}
    for path in (pulled.home / "landing/answers/receipts").glob("*.json"):
        receipt = json.loads(path.read_text())
        at = datetime.fromisoformat(receipt["pulled_at"]) - timedelta(days=8)
        path.write_text(json.dumps(receipt | {"pulled_at": at.isoformat()}))
    pulled.pull()
    assert "startDate" not in server.asked[-1]
    assert set(reads(pulled)) == {"R_1"}


def test_nothing_new_lands_no_data(source, server) -> None:
    server.responses = {"R_1": ("3", "2025-11-01")}
    pulled = source()
    pulled.pull()
    receipt = pulled.pull()
    assert receipt.state == "unchanged"
    assert set(reads(pulled)) == {"R_1"}


def test_a_survey_without_responses_is_empty(source, server) -> None:
    assert source().pull().state == "empty"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"status": 503},
        {"wait": 1.0},
        {"body": b'{"result": {"SurveyEntry": {}}}', "cut_at": 10},
    ],
    ids=["429", "500", "503", "timeout", "cut"],
)
def test_a_passing_fault_is_retried(source, server, loopback, fault) -> None:
    server.responses = {"R_1": ("3", "2025-11-01")}
    loopback.faults = [loopback.Reply(**fault)]
    assert source().pull().state == "landed"


def test_a_file_that_is_cut_off_on_the_way_is_fetched_again(source, server, loopback) -> None:
    server.responses = {"R_1": ("3", "2025-11-01")}
    honest, cut = server.answer, []

    def answer(asked):
        reply = honest(asked)
        if asked.path.endswith("/file") and not cut:
            cut.append(asked)
            return loopback.Reply(reply.body, cut_at=len(reply.body) // 2)
        return reply

    loopback.answer = answer
    assert source().pull().rows_kept == 1
    assert cut


def test_an_expired_token_is_told_with_the_servers_code(source, server, monkeypatch) -> None:
    monkeypatch.setenv("QUALTRICS_TOKEN", "of-last-year")
    receipt = source().pull()
    assert receipt.state == "failed"
    assert "AUTH_6" in receipt.message and "QUALTRICS_TOKEN" in receipt.message
    assert "of-last-year" not in receipt.message and "Unrecognized" not in receipt.message


@pytest.mark.parametrize(
    ("behaviour", "word"),
    [
        ({"status": "failed", "file_id": None}, "could not make the export"),
        ({"status": "complete", "file_id": None}, "ended the export without a file"),
        ({"polls": 10_000}, "did not finish the export"),
        ({"left_out": 1}, "counts at least 2 responses, but its export holds 1"),
    ],
)
def test_an_export_that_fails_serves_what_was_there(source, server, monkeypatch, behaviour, word) -> None:
    monkeypatch.setattr("ingestion.platforms.qualtrics_api.LONGEST_SECONDS", 0.2)
    server.responses = {"R_1": ("3", "2025-11-01"), "R_2": ("4", "2025-11-01")}
    for name, value in behaviour.items():
        setattr(server, name, value)
    receipt = source().pull()
    assert word in receipt.message and "Remedy" in receipt.message
    assert receipt.rows_kept == 0 and not receipt.tables


def test_a_server_that_tells_no_counts_is_believed(source, server) -> None:
    server.counts, server.left_out = False, 1
    server.responses = {"R_1": ("3", "2025-11-01"), "R_2": ("4", "2025-11-01")}
    assert source().pull().rows_kept == 1
