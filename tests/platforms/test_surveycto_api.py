"""SurveyCTO's API on a loopback server that answers as the research says; no real server was reached."""

import base64
import json
from datetime import UTC, datetime

import pytest

FORM = "/api/v2/forms/data/wide/json/household"
XML = b'<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head><model/></h:head></h:html>'
SEALED = XML.replace(b"<model/>", b'<submission base64RsaPublicKey="abc"/>')


def submission(number: int, **cells: str) -> dict[str, str]:
    when = f"Sep {number}, 2026 9:30:00 AM"
    return {
        "CompletionDate": when,
        "SubmissionDate": when,
        "child": f"c{number}",
        "site": "here",
        "score": str(number),
        "formdef_version": "2609010101",
        "review_quality": "",
        "review_status": "APPROVED",
        "KEY": f"uuid:{number}",
    } | cells


class Server:
    """Holds submissions; filters by date and review state as the platform does."""

    def __init__(self, loopback) -> None:
        self.rows: list[dict[str, str]] = []
        self.xml: bytes | None = XML
        self.reply = loopback.Reply
        loopback.answer = self.answer

    def answer(self, asked):
        account = base64.b64encode(b"ana:secret").decode()
        if asked.headers.get("authorization") != f"Basic {account}":
            return self.reply(status=401, body=b'{"error":{"message":"no"}}')
        if asked.path == "/forms/household/xml":
            return self.reply(self.xml) if self.xml else self.reply(status=404)
        if asked.path != FORM:
            return self.reply(status=404)
        (since,) = asked.query["date"]
        states = asked.query.get("r", ["approved"])[0].upper().split("|")
        assert "r" not in asked.query or since == "0", "r does not combine with date"
        found = [
            row
            for row in self.rows
            if row["review_status"] in states
            and datetime.strptime(row["CompletionDate"], "%b %d, %Y %I:%M:%S %p")
            .replace(tzinfo=UTC)
            .timestamp()
            >= int(since)
        ]
        return self.reply(json.dumps(found).encode())


@pytest.fixture
def server(loopback, monkeypatch) -> Server:
    monkeypatch.setenv("CTO_USER", "ana")
    monkeypatch.setenv("CTO_PASSWORD", "secret")
    return Server(loopback)


@pytest.fixture
def source(one_source, loopback):
    def make(accept=None, **connection):
        account = {"username": {"env": "CTO_USER"}, "password": {"env": "CTO_PASSWORD"}}
        return one_source(
            "surveycto",
            {},
            unit="child",
            site="site",
            pull={"connection": "server", "asset": "household"},
            connection={"server": loopback.url, **account, **connection},
            **({"accept": accept} if accept else {}),
        )

    return make


def kept(source) -> dict[str, str]:
    return dict(source.table().select("_sw_record_id", "score").iter_rows())


def data_asked(loopback) -> list[dict[str, list[str]]]:
    return [asked.query for asked in loopback.asked if asked.path == FORM]


def test_a_first_pull_asks_for_everything_in_every_review_state(server, source, loopback) -> None:
    server.rows = [
        submission(1),
        submission(2, review_status="PENDING"),
        submission(3, review_status="REJECTED"),
    ]
    answers = source()
    receipt = answers.pull()
    assert (receipt.state, receipt.mode) == ("landed", "snapshot"), receipt.message
    assert data_asked(loopback) == [{"date": ["0"], "r": ["approved|pending|rejected"]}]
    assert [each.kind for each in receipt.originals] == ["definition", "data"]
    assert set(kept(answers)) == {"uuid:1", "uuid:2"}
    assert receipt.rows_not_accepted == 1


def test_the_next_pull_asks_from_a_week_before_the_newest_completion(server, source, loopback) -> None:
    server.rows = [submission(1), submission(20)]
    answers = source()
    answers.pull()
    server.rows += [submission(21)]
    server.rows[1]["score"] = "99"
    receipt = answers.pull()
    (asked,) = data_asked(loopback)[1:]
    since = datetime.fromtimestamp(int(asked["date"][0]), UTC)
    assert since == datetime(2026, 9, 13, 9, 30, tzinfo=UTC) and "r" not in asked
    assert (receipt.state, receipt.mode) == ("landed", "delta"), receipt.message
    assert kept(answers) == {"uuid:1": "1", "uuid:20": "99", "uuid:21": "21"}


def test_a_pull_with_nothing_new_lands_no_answers(server, source) -> None:
    server.rows = [submission(1), submission(20)]
    answers = source()
    answers.pull()
    answers.pull()
    receipt = answers.pull()
    assert receipt.state == "unchanged", receipt.message
    assert [each.kind for each in receipt.originals] == ["definition"]


def test_what_was_rejected_is_gone_after_the_weekly_full_pull(server, source) -> None:
    server.rows = [submission(1), submission(20)]
    answers = source()
    answers.pull()
    server.rows[1]["review_status"] = "REJECTED"
    answers.pull()
    assert set(kept(answers)) == {"uuid:1", "uuid:20"}
    for receipt in (answers.home / "landing/answers/receipts").glob("*.json"):
        receipt.write_text(receipt.read_text().replace('"pulled_at": "2026', '"pulled_at": "2025'))
    assert answers.pull().mode == "snapshot"
    assert set(kept(answers)) == {"uuid:1"}


def test_an_empty_form_is_empty_and_no_failure(server, source) -> None:
    receipt = source().pull()
    assert receipt.state == "empty" and "submissions.json" in receipt.message


def test_a_throttled_pull_tells_the_servers_reason_and_does_not_hammer(server, source, loopback) -> None:
    server.rows = [submission(1)]
    reason = json.dumps({"error": {"message": "Please wait 280 seconds"}}).encode()
    answered = server.answer
    loopback.answer = lambda asked: (
        loopback.Reply(reason, status=417) if asked.path == FORM else answered(asked)
    )
    receipt = source().pull()
    assert receipt.state == "failed" and len(data_asked(loopback)) == 1
    assert "417" in receipt.message and "Please wait 280 seconds" in receipt.message
    assert "five minutes" in receipt.message


def test_an_encrypted_form_without_a_key_is_told_and_nothing_is_pulled(server, source, loopback) -> None:
    server.rows, server.xml = [submission(1)], SEALED
    receipt = source().pull()
    assert receipt.state == "encrypted" and data_asked(loopback) == []
    assert "encrypted" in receipt.message and "private_key" in receipt.message


@pytest.mark.parametrize("is_path", [True, False])
def test_an_encrypted_form_is_asked_with_its_key(
    server, source, loopback, monkeypatch, tmp_path, is_path
) -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n"
    path = tmp_path / "key.pem"
    path.write_text(pem)
    monkeypatch.setenv("CTO_KEY", str(path) if is_path else pem)
    server.rows, server.xml = [submission(1)], SEALED
    receipt = source(private_key={"env": "CTO_KEY"}).pull()
    assert receipt.state == "landed", receipt.message
    (asked,) = [asked for asked in loopback.asked if asked.path == FORM]
    assert asked.method == "POST" and b'name="private_key"' in asked.body and b"BEGIN RSA" in asked.body
    assert "BEGIN" not in receipt.model_dump_json()


def test_a_key_that_does_not_fit_is_told_by_its_variable(server, source, loopback, monkeypatch) -> None:
    monkeypatch.setenv("CTO_KEY", "-----BEGIN RSA PRIVATE KEY-----")
    server.xml = SEALED
    answered = server.answer
    told = json.dumps({"error": {"message": "The private key does not match"}}).encode()
    loopback.answer = lambda asked: (
        loopback.Reply(told, status=400) if asked.path == FORM else answered(asked)
    )
    receipt = source(private_key={"env": "CTO_KEY"}).pull()
    assert "CTO_KEY does not open it" in receipt.message
    monkeypatch.setenv("CTO_KEY", "/nowhere/key.pem")
    assert "CTO_KEY" in source(private_key={"env": "CTO_KEY"}).pull().message


@pytest.mark.parametrize("fault", ["429", "500", "cut off", "silent"])
def test_a_server_that_stumbles_is_asked_again(server, source, loopback, fault) -> None:
    server.rows = [submission(number) for number in range(1, 29)]
    whole = json.dumps(server.rows).encode()
    stumble = {
        "429": loopback.Reply(status=429, headers={"Retry-After": "0"}),
        "500": loopback.Reply(status=500),
        "cut off": loopback.Reply(whole, cut_at=len(whole) // 2),
        "silent": loopback.Reply(whole, wait=0.8),
    }[fault]
    stumbles = [stumble]
    answered = server.answer
    loopback.answer = lambda asked: stumbles.pop() if asked.path == FORM and stumbles else answered(asked)
    answers = source()
    assert answers.pull().state == "landed"
    assert len(kept(answers)) == 28 and len(data_asked(loopback)) == 2


def test_an_expired_password_is_told_by_its_variables(server, source, monkeypatch) -> None:
    server.rows = [submission(1)]
    answers = source()
    answers.pull()
    monkeypatch.setenv("CTO_PASSWORD", "old-one")
    receipt = answers.pull()
    assert receipt.state == "failed" and "CTO_PASSWORD" in receipt.message
    assert "old-one" not in receipt.message and set(kept(answers)) == {"uuid:1"}


def test_a_server_without_the_definition_is_pulled_all_the_same(server, source) -> None:
    server.rows, server.xml = [submission(1)], None
    receipt = source().pull()
    assert receipt.state == "landed" and [each.kind for each in receipt.originals] == ["data"]
