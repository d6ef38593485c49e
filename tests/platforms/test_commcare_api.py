"""CommCare's API on a loopback server that answers as the research says; no real server was reached."""

import json
from datetime import datetime

import pytest

from ingestion.platforms import commcare_api

XMLNS = "http://openrosa.org/formdesigner/4281EB62"


def form(number: int, at: str, kids=None, **more) -> dict:
    answers = {"@xmlns": XMLNS, "site": "here", "child": f"c{number}"}
    if kids is not None:
        answers["kid"] = kids
    head = {"id": f"f{number}", "archived": False, "indexed_on": at, "received_on": at, "edited_on": None}
    return head | {"form": answers} | more


def at(day: int, second: float = 0) -> str:
    return f"2026-09-{day:02d}T10:00:{second:09.6f}Z"


class Server:
    """A project's forms; `exclusive` leaves out the very time that is asked from."""

    def __init__(self, loopback) -> None:
        self.forms: list[dict] = []
        self.reply, self.exclusive, self.promise = loopback.Reply, False, 0
        self.asked: list[dict[str, str]] = []
        loopback.answer = self.answer

    def answer(self, asked):
        if asked.headers.get("authorization") != "ApiKey ana@x.org:k3y":
            return self.reply(status=401)
        if asked.path != "/a/camps/api/form/v1/":
            return self.reply(status=404)
        query = {name: values[0] for name, values in asked.query.items()}
        self.asked.append(query)
        since = datetime.fromisoformat(query.get("indexed_on_start", "1970-01-01T00:00:00") + "+00:00")
        found = sorted(self.forms, key=lambda each: each["indexed_on"])
        times = [datetime.fromisoformat(each["indexed_on"]) for each in found]
        found = [
            each
            for each, time in zip(found, times, strict=True)
            if (time > since if self.exclusive else time >= since)
        ]
        offset, limit = int(query.get("offset", 0)), int(query["limit"])
        rest = found[offset : offset + limit]
        following = "https://elsewhere.example/steal" if offset + limit < len(found) else None
        meta = {"limit": limit, "next": following, "offset": offset, "total_count": len(found) + self.promise}
        return self.reply(json.dumps({"meta": meta, "objects": rest}).encode())


@pytest.fixture
def server(loopback, monkeypatch) -> Server:
    monkeypatch.setenv("CC_USER", "ana@x.org")
    monkeypatch.setenv("CC_KEY", "k3y")
    monkeypatch.setattr(commcare_api, "PAGE_FORMS", 3)
    return Server(loopback)


@pytest.fixture
def source(one_source, loopback):
    account = {"username": {"env": "CC_USER"}, "token": {"env": "CC_KEY"}}
    return one_source(
        "commcare",
        {},
        unit="form.child",
        site="form.site",
        pull={"connection": "server", "asset": XMLNS},
        connection={"server": f"{loopback.url}/a/camps", **account},
    )


def ids(source) -> list[str]:
    return source.table()["_sw_record_id"].to_list()


@pytest.mark.parametrize("exclusive", [False, True])
def test_every_page_arrives_whether_or_not_the_server_takes_in_the_time_asked(
    server, source, exclusive
) -> None:
    server.exclusive = exclusive
    server.forms = [form(number, at(1, number // 2)) for number in range(1, 10)]
    receipt = source.pull()
    assert (receipt.state, receipt.mode) == ("landed", "snapshot"), receipt.message
    assert ids(source) == [f"f{number}" for number in range(1, 10)]
    first = server.asked[0]
    assert first["order_by"] == "indexed_on" and first["include_archived"] == "true"
    assert first["xmlns"] == XMLNS and "appVersion" not in first


def test_more_forms_than_a_page_at_one_time_neither_loop_nor_get_lost(server, source) -> None:
    server.forms = [form(number, at(1)) for number in range(1, 9)] + [form(9, at(2))]
    assert source.pull().state == "landed"
    assert len(ids(source)) == 9 and len(server.asked) < 9


def test_the_next_pull_asks_from_an_hour_before_the_last_form(server, source) -> None:
    server.forms = [form(1, at(1)), form(2, at(2))]
    source.pull()
    server.asked.clear()
    server.forms.append(form(3, at(3)))
    server.forms[0] = form(1, at(4), edited_on=at(4))
    server.forms[0]["form"]["child"] = "edited"
    receipt = source.pull()
    assert receipt.mode == "delta" and server.asked[0]["indexed_on_start"] == "2026-09-02T09:00:00.000000"
    assert ids(source) == ["f1", "f2", "f3"]
    assert source.table()["form.child"].to_list() == ["edited", "c2", "c3"]


def test_an_archived_form_is_gone_and_comes_back_when_restored(server, source) -> None:
    server.forms = [form(1, at(1)), form(2, at(2))]
    source.pull()
    server.forms[0] = form(1, at(3), archived=True)
    source.pull()
    assert ids(source) == ["f2"]
    server.forms[0] = form(1, at(4))
    source.pull()
    assert ids(source) == ["f1", "f2"]


def test_a_pull_with_nothing_new_lands_nothing(server, source) -> None:
    server.forms = [form(1, at(1)), form(2, at(2)), form(3, at(2, 30))]
    source.pull()
    receipt = source.pull()
    assert receipt.state == "unchanged" and receipt.originals == [], receipt.message


def test_one_entry_of_a_repeat_known_from_earlier_is_still_a_repeat(server, source) -> None:
    server.forms = [form(1, at(1), [{"age": "1"}, {"age": "2"}])]
    source.pull()
    server.forms.append(form(2, at(2), {"age": "7"}))
    assert source.pull().mode == "delta"
    assert source.table("kid")["form.kid.age"].to_list() == ["1", "2", "7"]


def test_a_repeat_first_seen_with_two_entries_has_everything_pulled_again(server, source) -> None:
    server.forms = [form(1, at(1), {"age": "1"})]
    source.pull()
    assert source.table()["form.kid.age"].to_list() == ["1"]
    server.forms.append(form(2, at(2), [{"age": "7"}, {"age": "8"}]))
    assert source.pull().mode == "snapshot"
    assert source.table("kid")["form.kid.age"].to_list() == ["1", "7", "8"]


def test_forms_of_another_xmlns_are_left_out(server, source) -> None:
    server.forms = [form(1, at(1)), form(2, at(2))]
    server.forms[1]["form"]["@xmlns"] = "http://openrosa.org/other"
    source.pull()
    assert ids(source) == ["f1"]


def test_fewer_forms_than_promised_stop_the_pull(server, source) -> None:
    server.forms, server.promise = [form(1, at(1))], 4
    receipt = source.pull()
    assert receipt.state == "failed" and "promised 5 forms and sent 1" in receipt.message


def test_no_forms_are_empty_and_no_failure(server, source) -> None:
    receipt = source.pull()
    assert receipt.state == "empty", receipt.message


@pytest.mark.parametrize("fault", ["429", "500", "cut off", "silent"])
def test_a_server_that_stumbles_is_asked_again(server, source, loopback, fault) -> None:
    server.forms = [form(number, at(number)) for number in range(1, 6)]
    loopback.faults = [
        {
            "429": loopback.Reply(status=429, headers={"Retry-After": "0"}),
            "500": loopback.Reply(status=500),
            "cut off": loopback.Reply(b'{"meta": {}, "objects": []}' * 9, cut_at=30),
            "silent": loopback.Reply(b"{}", wait=0.8),
        }[fault]
    ]
    assert source.pull().rows_kept == 5


def test_an_expired_key_is_told_by_its_variables(server, source, monkeypatch) -> None:
    monkeypatch.setenv("CC_KEY", "0ld")
    receipt = source.pull()
    assert receipt.state == "failed" and "CC_KEY" in receipt.message and "0ld" not in receipt.message
