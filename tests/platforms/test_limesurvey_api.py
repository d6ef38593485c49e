"""LimeSurvey by API, against a loopback server that behaves as the research says: no live one was reached."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from ingestion.platforms import PLATFORMS

COLUMNS = ("id", "submitdate", "startdate", "datestamp", "place", "Q1[SQ001]")
QUESTIONS = [
    {
        "qid": 10,
        "parent_qid": 0,
        "gid": 1,
        "type": "S",
        "title": "place",
        "question": "Where?",
        "mandatory": "Y",
    },
    {"qid": 11, "parent_qid": 0, "gid": 1, "type": "F", "title": "Q1", "question": "Rate", "relevance": "1"},
    {
        "qid": 12,
        "parent_qid": 11,
        "gid": 1,
        "type": "T",
        "title": "SQ001",
        "question": "Reads",
        "scale_id": 0,
    },
]


@dataclass
class LimeSurvey:
    """A survey on a server: its responses by id, and how it behaves."""

    reply: type
    responses: dict[int, tuple[str, str]] = field(default_factory=dict)
    hidden: int = 0
    is_active: bool = True
    sessions: set[str] = field(default_factory=set)
    calls: list[tuple[str, list]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def csv(self, begin: int) -> str:
        shown = sorted(each for each in self.responses if each >= begin)[self.hidden :]
        rows = [(str(each), self.responses[each][0], "", "", "P", self.responses[each][1]) for each in shown]
        lines = [";".join(f'"{cell}"' for cell in row) + "\r\n" for row in [COLUMNS, *(rows or [("",) * 6])]]
        return "\ufeff" + "".join(lines) + "\r\n"

    def result(self, method: str, given: list):
        if method in self.refused:
            return {"status": self.refused[method]}
        if method == "get_session_key":
            if given != ["admin", "secret"]:
                return {"status": "Invalid user name or password"}
            self.sessions.add("key-1")
            return "key-1"
        if given[0] not in self.sessions:
            return {"status": "Invalid session key"}
        if method == "release_session_key":
            self.sessions.discard(given[0])
            return "OK"
        if method in ("list_questions", "list_groups"):
            return (
                QUESTIONS if method == "list_questions" else [{"gid": 1, "group_order": 1, "grelevance": ""}]
            )
        if method == "get_question_properties":
            options = {"A1": {"answer": "Poorly", "order": 1, "scale_id": 0}}
            return {
                "attributes": "No available attributes",
                "answeroptions": options if given[1] == 11 else "No available answer options",
                "subquestions": "No available subquestions",
            }
        if method == "get_survey_properties":
            return {"language": "en", "additional_languages": ""}
        if method == "get_language_properties":
            return {"surveyls_title": "Camps"}
        if method == "get_summary":
            return {"full_responses": str(len(self.responses))} if self.is_active else {}
        assert method == "export_responses", method
        if not self.is_active:
            return {"status": "No Data, survey table does not exist."}
        if not self.responses:
            return {"status": "No Data, could not get max id."}
        assert given[1:7] == [1234, "csv", None, "all", "code", "short"]
        return base64.b64encode(self.csv(given[7] or 1).encode()).decode()

    def answer(self, asked):
        assert (asked.method, asked.path) == ("POST", "/index.php/admin/remotecontrol")
        called = json.loads(asked.body)
        self.calls.append((called["method"], called["params"]))
        body = {"id": called["id"], "result": self.result(called["method"], called["params"]), "error": None}
        return self.reply(json.dumps(body).encode())


@pytest.fixture
def server(loopback, monkeypatch):
    monkeypatch.setenv("LIME_USER", "admin")
    monkeypatch.setenv("LIME_PASSWORD", "secret")
    server = LimeSurvey(loopback.Reply)
    loopback.answer = server.answer
    return server


@pytest.fixture
def source(one_source, loopback, server):
    def make(asset: str = "1234"):
        secrets = {"username": {"env": "LIME_USER"}, "password": {"env": "LIME_PASSWORD"}}
        return one_source(
            "limesurvey",
            {},
            unit="id",
            site="place",
            connection={"server": loopback.url, **secrets},
            pull={"connection": "server", "asset": asset},
        )

    return make


def answers(source) -> dict[str, str]:
    table = source.table()
    return dict(zip(table["_sw_record_id"], table["Q1[SQ001]"], strict=True))


def begins(server) -> list[int | None]:
    return [given[7] for method, given in server.calls if method == "export_responses"]


def test_responses_land_as_the_csv_with_the_definition_and_the_session_is_given_back(source, server) -> None:
    server.responses = {place: ("2025-11-03 10:00:00", "A1") for place in range(1, 301)}
    pulled = source()
    receipt = pulled.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 300), receipt.message
    assert {each.kind for each in receipt.originals} == {"data", "definition"}
    assert not server.sessions
    assert pulled.pull().state == "unchanged"
    assert begins(server) == [None, 301]


def test_the_snapshot_of_the_definition_can_be_read(source, server) -> None:
    server.responses = {1: ("2025-11-03 10:00:00", "A1")}
    pulled = source()
    pulled.pull()
    (path,) = (pulled.home / "landing/answers").rglob("definition.json")
    definition = PLATFORMS["limesurvey"].define(path)
    assert (definition.title, [each.columns for each in definition.fields]) == (
        "Camps",
        [("place",), ("Q1[SQ001]", "Q1_SQ001")],
    )
    assert definition.fields[0].is_required and definition.fields[1].labels == {"en": "Rate - Reads"}
    assert [(each.choice_list, each.code, each.labels) for each in definition.choices] == [
        ("Q1", "A1", {"en": "Poorly"})
    ]


def test_a_later_pull_begins_at_the_lowest_response_that_was_not_sent(source, server) -> None:
    sent = "2025-11-03 10:00:00"
    server.responses = {1: (sent, "A1"), 2: ("", "A1"), 3: (sent, "A1")}
    pulled = source()
    pulled.pull()
    server.responses |= {2: (sent, "A2"), 4: (sent, "A1")}
    assert pulled.pull().state == "landed"
    assert begins(server) == [None, 2]
    assert answers(pulled) == {"1": "A1", "2": "A2", "3": "A1", "4": "A1"}
    pulled.pull()
    assert begins(server)[-1] == 5


def test_an_edit_and_a_deletion_below_it_are_caught_by_the_weekly_full_pull(source, server) -> None:
    sent = "2025-11-03 10:00:00"
    server.responses = {1: (sent, "A1"), 2: (sent, "A1")}
    pulled = source()
    pulled.pull()
    server.responses = {1: (sent, "A3")}
    pulled.pull()
    assert answers(pulled) == {"1": "A1", "2": "A1"}
    for path in (pulled.home / "landing/answers/receipts").glob("*.json"):
        receipt = json.loads(path.read_text())
        at = datetime.fromisoformat(receipt["pulled_at"]) - timedelta(days=8)
        path.write_text(json.dumps(receipt | {"pulled_at": at.isoformat()}))
    pulled.pull()
    assert begins(server)[-1] is None
    assert answers(pulled) == {"1": "A3"}


@pytest.mark.parametrize("is_active", [True, False])
def test_no_data_is_an_empty_survey(source, server, is_active) -> None:
    server.is_active = is_active
    assert source().pull().state == "empty"
    assert not server.sessions


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"wait": 1.0},
        {"body": b"{}", "cut_at": 1},
    ],
    ids=["429", "500", "timeout", "cut"],
)
def test_a_passing_fault_is_retried(source, server, loopback, fault) -> None:
    server.responses = {1: ("2025-11-03 10:00:00", "A1")}
    loopback.faults = [loopback.Reply(**fault)]
    assert source().pull().state == "landed"


def test_an_export_cut_off_on_the_way_is_asked_for_again(source, server, loopback) -> None:
    server.responses = {1: ("2025-11-03 10:00:00", "A1")}
    honest, cut = server.answer, []

    def answer(asked):
        reply = honest(asked)
        if b"export_responses" in asked.body and not cut:
            cut.append(asked)
            return loopback.Reply(reply.body, cut_at=len(reply.body) // 2)
        return reply

    loopback.answer = answer
    assert source().pull().rows_kept == 1
    assert cut and not server.sessions


def test_a_wrong_password_is_told_though_the_answer_is_200(source, server, monkeypatch) -> None:
    monkeypatch.setenv("LIME_PASSWORD", "of-last-year")
    receipt = source().pull()
    assert receipt.state == "failed"
    assert "Invalid user name or password" in receipt.message
    assert "of-last-year" not in receipt.message


def test_a_session_that_expires_midway_fails_the_pull(source, server) -> None:
    server.responses = {1: ("2025-11-03 10:00:00", "A1")}
    server.refused = {"export_responses": "Invalid session key"}
    receipt = source().pull()
    assert receipt.state == "failed" and not receipt.tables
    assert "refused export_responses of survey 1234 (Invalid session key)" in receipt.message
    assert not server.sessions


def test_fewer_responses_than_counted_fail_the_pull_and_the_session_is_given_back(source, server) -> None:
    server.responses = {place: ("2025-11-03 10:00:00", "A1") for place in (1, 2, 3)}
    server.hidden = 1
    receipt = source().pull()
    assert "counts 3 responses in survey 1234, but exported 2" in receipt.message
    assert receipt.state == "failed" and not server.sessions


def test_a_server_without_json_rpc_is_told_how_to_switch_it_on(source, server, loopback) -> None:
    loopback.answer = lambda asked: loopback.Reply(b"<html>LimeSurvey</html>")
    receipt = source().pull()
    assert "switch JSON-RPC on" in receipt.message


def test_an_asset_that_is_no_number_is_refused(source, server) -> None:
    assert "names a survey that is no number" in source("camps").pull().message
