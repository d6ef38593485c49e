"""REDCap's API on a loopback server that answers as the research says; no real server was reached."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from ruamel.yaml import YAML

from ingestion.platforms import redcap_api

COLUMNS = [
    "record_id",
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
    "redcap_data_access_group",
    "score",
    "child_test_complete",
    "purpose",
    "home_visit_complete",
]
DICTIONARY = "field_name,form_name\nrecord_id,child_test\nscore,child_test\npurpose,home_visit\n"


def row(record: str, event: str = "base_arm_1", instance: int = 0, **cells: str) -> dict[str, str]:
    instrument = "home_visit" if instance else ""
    keys = [record, event, instrument, str(instance or ""), "here"]
    status = {"home_visit_complete" if instance else "child_test_complete": "2"}
    return dict.fromkeys(COLUMNS, "") | dict(zip(COLUMNS, keys, strict=False)) | status | cells


def now(later: timedelta = timedelta()) -> str:
    """The server's clock, whose zone it does not tell."""
    return f"{datetime.now(UTC) + later:%Y-%m-%d %H:%M:%S}"


class Server:
    """A project; it loses what it is told to lose."""

    def __init__(self, loopback) -> None:
        self.rows: list[dict[str, str]] = []
        self.changed: dict[str, str] = {}
        self.lost: list[str] = []
        self.longitudinal = True
        self.refuses: set[str] = set()
        self.reply, self.log = loopback.Reply, []
        loopback.answer = self.answer

    def answer(self, asked):
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.log.append(form)
        if asked.method != "POST" or asked.path != "/api/":
            return self.reply(status=404)
        if form["token"] != "T0KEN":
            return self.reply(b'{"error":"You do not have permissions to use the API"}', status=403)
        content = form["content"]
        if content in self.refuses:
            return self.reply(b'{"error":"You do not have the right"}', status=403)
        if content == "project":
            told = {"project_id": 77, "is_longitudinal": int(self.longitudinal)}
            return self.reply(json.dumps(told | {"has_repeating_instruments_or_events": 1}).encode())
        if content == "record":
            return self.reply(self.records(form))
        return self.reply(DICTIONARY.encode() if content == "metadata" else b"arm_num,name\n1,Arm 1\n")

    def records(self, form: dict[str, str]) -> bytes:
        wanted = [value for name, value in form.items() if name.startswith("records[")]
        fields = [value for name, value in form.items() if name.startswith("fields[")]
        found = [each for each in self.rows if not wanted or each["record_id"] in wanted]
        if begin := form.get("dateRangeBegin"):
            found = [each for each in found if self.changed.get(each["record_id"], "") >= begin]
        if wanted:
            found = [each for each in found if each["record_id"] not in self.lost]
        if not found:
            return b"\n"
        columns = [name for name in COLUMNS if not fields or name in fields or name.startswith("redcap_")]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        return text.getvalue().encode()


@pytest.fixture
def server(loopback, monkeypatch) -> Server:
    monkeypatch.setenv("REDCAP_TOKEN", "T0KEN")
    monkeypatch.setattr(redcap_api, "BATCH_RECORDS", 2)
    return Server(loopback)


@pytest.fixture
def source(one_source, loopback):
    def make(asset: str = "77", **more):
        return one_source(
            "redcap",
            {},
            unit="record_id",
            site="redcap_data_access_group",
            questions=("score",),
            pull={"connection": "server", "asset": asset},
            connection={"server": loopback.url, "token": {"env": "REDCAP_TOKEN"}},
            **more,
        )

    return make


def hide(source, column: str) -> None:
    """Has the instrument pseudonymise a column."""
    path = source.folder / "instruments/form.yml"
    form = YAML(typ="safe").load(path.read_text())
    form["privacy"]["pseudonym"] = [column]
    with path.open("w") as file:
        YAML().dump(form, file)


def scores(source) -> dict[str, str]:
    return dict(source.table().select("_sw_record_id", "score").iter_rows())


def data(receipt) -> list[str]:
    return [each.name for each in receipt.originals if each.kind == "data"]


def test_every_record_arrives_in_batches_and_its_definition_with_it(server, source) -> None:
    server.rows = [row(str(number), score=str(number)) for number in range(1, 6)]
    answers = source()
    receipt = answers.pull()
    assert (receipt.state, receipt.mode) == ("landed", "snapshot"), receipt.message
    assert data(receipt) == ["records-0001.csv", "records-0002.csv", "records-0003.csv"]
    definition = [each.name for each in receipt.originals if each.kind == "definition"]
    assert definition[0] == "dictionary.csv" and "event.csv" in definition and len(definition) == 5
    assert scores(answers) == {f"{number}|base_arm_1||": str(number) for number in range(1, 6)}
    (asked, *_) = [form for form in server.log if "records[0]" in form]
    assert asked["rawOrLabel"] == "raw" and asked["exportDataAccessGroups"] == "true"


def test_a_project_without_events_is_not_asked_for_them(server, source) -> None:
    server.rows, server.longitudinal = [row("1", "")], False
    source().pull()
    assert {form["content"] for form in server.log} == {
        "project",
        "metadata",
        "repeatingFormsEvents",
        "record",
    }


def test_what_the_account_may_not_read_of_the_definition_stops_nothing(server, source) -> None:
    server.rows, server.refuses = [row("1")], {"repeatingFormsEvents"}
    assert source().pull().state == "landed"


def test_the_next_pull_asks_only_for_records_that_changed_and_for_these_whole(server, source) -> None:
    server.rows = [row(str(number), score=str(number)) for number in range(1, 6)]
    answers = source()
    answers.pull()
    server.log.clear()
    server.rows[2]["score"] = "33"
    server.rows.append(row("3", "end_arm_1", score="34"))
    server.changed["3"] = now()
    receipt = answers.pull()
    assert (receipt.state, receipt.mode) == ("landed", "delta"), receipt.message
    assert [form["records[0]"] for form in server.log if "records[0]" in form] == ["3"]
    (since,) = [form["dateRangeBegin"] for form in server.log if "dateRangeBegin" in form]
    assert since < now(-timedelta(hours=26)), "no zone is further away"
    assert scores(answers)["3|base_arm_1||"] == "33" and scores(answers)["3|end_arm_1||"] == "34"
    assert len(scores(answers)) == 6


def test_a_deleted_record_is_gone_the_same_night(server, source) -> None:
    server.rows = [row(str(number), score=str(number)) for number in range(1, 6)]
    answers = source()
    answers.pull()
    del server.rows[1]
    receipt = answers.pull()
    assert receipt.mode == "delta" and data(receipt) == ["living.json"], receipt.message
    assert set(scores(answers)) == {f"{number}|base_arm_1||" for number in (1, 3, 4, 5)}


def test_deletions_follow_where_ids_are_pseudonyms(server, source, monkeypatch) -> None:
    monkeypatch.setenv("PSEUDO", "k" * 32)
    server.rows = [row(str(number), score=str(number)) for number in range(1, 4)]
    answers = source(privacy={"privacy": {"pseudonym_key": {"env": "PSEUDO"}}})
    hide(answers, "record_id")
    answers.pull()
    assert answers.table().height == 3
    del server.rows[0]
    answers.pull()
    assert answers.table()["score"].to_list() in (["2", "3"], ["3", "2"])
    assert "1|base_arm_1||" not in str(answers.table().rows())


def test_a_pull_with_nothing_new_lands_no_records(server, source) -> None:
    server.rows = [row("1"), row("2")]
    server.changed["1"] = now()
    answers = source()
    answers.pull()
    answers.pull()
    receipt = answers.pull()
    assert receipt.state == "unchanged" and data(receipt) == [], receipt.message


def test_rows_that_the_server_loses_stop_the_pull(server, source) -> None:
    server.rows = [row("1"), row("2"), row("2", "end_arm_1"), row("3")]
    server.lost = ["2"]
    answers = source()
    receipt = answers.pull()
    assert receipt.state == "failed" and "lost 2 of the 3 rows" in receipt.message
    server.lost = []
    assert answers.pull().rows_kept == 4


def test_instances_arrive_with_the_record_they_belong_to(server, source) -> None:
    server.rows = [row("1", score="4"), row("1", instance=1, purpose="a"), row("1", instance=2, purpose="b")]
    server.rows += [row("2", instance=1, purpose="c")]
    answers = source()
    assert answers.pull().state == "landed"
    visits = answers.table("home_visit")
    found = visits.select("_sw_record_id", "_sw_parent_record_id", "purpose").sort("purpose").rows()
    assert found == [
        ("1|base_arm_1|home_visit|1", "1|base_arm_1||", "a"),
        ("1|base_arm_1|home_visit|2", "1|base_arm_1||", "b"),
        ("2|base_arm_1|home_visit|1", "2|base_arm_1||", "c"),
    ]
    assert scores(answers) == {"1|base_arm_1||": "4", "2|base_arm_1||": None}
    del server.rows[2]
    server.rows[1]["purpose"] = "z"
    server.changed["1"] = now()
    assert answers.pull().mode == "delta"
    assert sorted(answers.table("home_visit")["purpose"]) == ["c", "z"]


def test_an_empty_project_is_empty_and_no_failure(server, source) -> None:
    receipt = source().pull()
    assert receipt.state == "empty", receipt.message


def test_an_empty_answer_is_asked_for_again_and_then_told(server, source, loopback) -> None:
    server.rows = [row("1")]
    answers = source()
    answered, blank = server.answer, [loopback.Reply(b"")] * 2
    loopback.answer = lambda asked: blank.pop() if blank else answered(asked)
    assert answers.pull().state == "landed"
    loopback.answer = lambda asked: loopback.Reply(b"")
    receipt = answers.pull()
    assert receipt.state == "failed" and "empty answer" in receipt.message


@pytest.mark.parametrize("fault", ["429", "500", "cut off", "silent"])
def test_a_server_that_stumbles_is_asked_again(server, source, loopback, fault) -> None:
    server.rows = [row("1"), row("2")]
    loopback.faults = [
        {
            "429": loopback.Reply(status=429, headers={"Retry-After": "0"}),
            "500": loopback.Reply(status=500),
            "cut off": loopback.Reply(DICTIONARY.encode() * 9, cut_at=30),
            "silent": loopback.Reply(b"{}", wait=0.8),
        }[fault]
    ]
    assert source().pull().rows_kept == 2


def test_a_token_that_expired_or_belongs_elsewhere_is_told(server, source, monkeypatch) -> None:
    server.rows = [row("1")]
    receipt = source("78").pull()
    assert receipt.state == "failed" and "project 77, not 78" in receipt.message
    monkeypatch.setenv("REDCAP_TOKEN", "0LD-TOKEN")
    receipt = source().pull()
    assert "REDCAP_TOKEN" in receipt.message and "0LD-TOKEN" not in receipt.message
