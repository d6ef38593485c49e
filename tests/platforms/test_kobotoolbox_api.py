"""KoboToolbox's API on a loopback server that answers as the real one does, faults and all."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ingestion.landing import landed_path

ASSET = "aXyz12"
PATH = f"/api/v2/assets/{ASSET}/"


class Kobo:
    """A server with one form: pages, queries by id, sweeps of some fields, and edits that keep `_id`."""

    def __init__(self, loopback: Any) -> None:
        self.loopback, self.page, self.rows = loopback, 1000, {}
        self.before: Callable[[Any], None] = lambda asked: None
        loopback.answer = self.answer

    def submit(self, number: int, **cells: Any) -> None:
        uuid = f"u{number}"
        self.rows[number] = {
            "_id": number,
            "_uuid": uuid,
            "meta/rootUuid": f"uuid:{uuid}",
            "_submission_time": f"2026-03-{1 + number % 28:02}T08:00:00",
            "_validation_status": {},
            "_geolocation": [None, None],
            "g/child": f"c{number}",
            "g/site": "here",
            "g/reads": "0",
        } | cells

    def edit(self, number: int, **cells: Any) -> None:
        self.rows[number] |= {"_uuid": f"{self.rows[number]['_uuid']}e"} | cells

    def answer(self, asked: Any) -> Any:
        self.before(asked)
        reply = self.loopback.Reply
        if asked.headers.get("authorization") != "Token secret":
            return reply(b'{"detail":"Invalid token."}', status=401)
        if asked.path == PATH:
            form = {"uid": ASSET, "name": "Child test", "content": {"survey": [], "choices": []}}
            volatile = {"deployment__submission_count": len(self.rows)}
            return reply(json.dumps(form | volatile).encode())
        assert asked.path == f"{PATH}data/", asked.path
        rows = [self.rows[number] for number in sorted(self.rows) if self._matches(asked, number)]
        start, limit = int(asked.query["start"][0]), min(int(asked.query["limit"][0]), self.page)
        page = rows[start : start + limit]
        if "fields" in asked.query:
            fields = json.loads(asked.query["fields"][0])
            page = [{key: row[key] for key in fields if key in row} for row in page]
        following = None
        if start + limit < len(rows):
            query = "&".join(f"{key}={value[0]}" for key, value in asked.query.items() if key != "start")
            following = f"{self.loopback.url}{asked.path}?{query}&start={start + limit}".replace('"', "%22")
        body = {"count": len(rows), "next": following, "previous": None, "results": page}
        return reply(json.dumps(body).encode())

    @staticmethod
    def _matches(asked: Any, number: int) -> bool:
        wanted = json.loads(asked.query.get("query", ["{}"])[0]).get("_id", {})
        return (
            number > wanted.get("$gt", 0)
            and number <= wanted.get("$lte", 10**12)
            and number in wanted.get("$in", [number])
        )

    def asked_for_answers(self) -> list[Any]:
        return [asked for asked in self.loopback.asked if "query" in asked.query]


@pytest.fixture
def kobo(loopback, monkeypatch) -> Kobo:
    monkeypatch.setenv("KOBO_TOKEN", "secret")
    server = Kobo(loopback)
    for number in range(1, 6):
        server.submit(number)
    return server


@pytest.fixture
def source(one_source, loopback, kobo):
    return one_source(
        "kobotoolbox",
        {},
        unit="g/child",
        site="g/site",
        questions=("g/reads",),
        connection={"server": loopback.url, "token": {"env": "KOBO_TOKEN"}},
        pull={"connection": "server", "asset": ASSET},
    )


def _reads(source: Any) -> dict[str, str]:
    return dict(source.table().select("_sw_record_id", "g/reads").rows())


def test_a_first_pull_takes_every_page_and_lands_the_form(source, kobo, monkeypatch) -> None:
    monkeypatch.setattr("ingestion.platforms.kobotoolbox_api.PAGE_ROWS", 2)
    receipt = source.pull()
    assert (receipt.state, receipt.mode, receipt.rows_kept) == ("landed", "snapshot", 5), receipt.message
    assert [original.name for original in receipt.originals] == [
        "form.json",
        *(f"data-000{place}.json" for place in (1, 2, 3)),
    ]
    assert receipt.originals[0].kind == "definition"
    assert len(json.dumps(receipt.cursor)) < 2_200


def test_a_server_that_sends_fewer_rows_a_page_than_asked_is_followed_to_the_end(source, kobo) -> None:
    kobo.page = 2
    for number in range(6, 12):
        kobo.submit(number)
    assert source.pull().rows_kept == 11


def test_a_night_without_news_fetches_no_answers(source, kobo) -> None:
    source.pull()
    kobo.loopback.asked.clear()
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("unchanged", 5)
    assert not kobo.asked_for_answers()
    # The form's counts move every day; the form itself does not.
    assert source.pull().originals[0].sha256 == receipt.originals[0].sha256


def test_only_new_edited_and_reviewed_submissions_are_fetched_again(source, kobo) -> None:
    for number in range(6, 1500):
        kobo.submit(number)
    source.pull()
    kobo.submit(1500)
    kobo.edit(7, **{"g/reads": "1"})
    kobo.rows[8]["_validation_status"] = {"uid": "validation_status_not_approved", "label": "Not approved"}
    kobo.loopback.asked.clear()
    receipt = source.pull()
    assert (receipt.state, receipt.mode) == ("landed", "delta"), receipt.message
    reads = _reads(source)
    assert reads["u7"] == "1" and "u1500" in reads
    fetched = sum(
        len(json.loads(asked.query["query"][0])["_id"].get("$in", [])) for asked in kobo.asked_for_answers()
    )
    # Two groups of the 256: the ids that share their hash.
    assert fetched <= 2 * (1500 // 256 + 1)
    assert "u8" not in reads and receipt.rows_not_accepted == 1


def test_a_deleted_submission_leaves_the_lake(source, kobo) -> None:
    source.pull()
    del kobo.rows[3]
    receipt = source.pull()
    assert receipt.mode == "delta"
    assert set(_reads(source)) == {"u1", "u2", "u4", "u5"}


def test_a_submission_with_a_lower_id_that_comes_late_is_not_missed(source, kobo) -> None:
    late = kobo.rows.pop(3)
    source.pull()
    kobo.rows[3] = late
    source.pull()
    assert set(_reads(source)) == {f"u{number}" for number in range(1, 6)}


def test_a_form_that_has_suddenly_lost_everything_keeps_its_rows_and_says_so(source, kobo) -> None:
    source.pull()
    kobo.rows.clear()
    receipt = source.pull()
    assert receipt.state == "empty" and "those of the last pull stay" in receipt.message
    assert len(_reads(source)) == 5


def test_a_form_without_submissions_is_empty_not_failed(source, kobo) -> None:
    kobo.rows.clear()
    receipt = source.pull()
    assert (receipt.state, receipt.rows_read) == ("empty", 0), receipt.message


def test_submissions_that_arrive_while_pages_are_taken_disturb_nothing(source, kobo, monkeypatch) -> None:
    monkeypatch.setattr("ingestion.platforms.kobotoolbox_api.PAGE_ROWS", 2)
    kobo.before = lambda asked: kobo.submit(100 + len(kobo.rows)) if "query" in asked.query else None
    receipt = source.pull()
    assert receipt.rows_kept == 5, receipt.message
    kobo.before = lambda asked: None
    source.pull()
    assert set(_reads(source)) == {row["_uuid"] for row in kobo.rows.values()}


def test_a_deletion_while_pages_are_taken_is_met_by_asking_once_more(source, kobo, monkeypatch) -> None:
    monkeypatch.setattr("ingestion.platforms.kobotoolbox_api.PAGE_ROWS", 2)

    def delete(asked: Any) -> None:
        if "query" in asked.query:
            kobo.rows.pop(2, None)

    kobo.before = delete
    assert source.pull().rows_kept == 4


def test_a_count_that_is_never_kept_fails_the_pull(source, kobo) -> None:
    answer = kobo.answer

    def lossy(asked: Any) -> Any:
        reply = answer(asked)
        if "query" not in asked.query:
            return reply
        page = json.loads(reply.body)
        return kobo.loopback.Reply(json.dumps(page | {"results": page["results"][1:]}).encode())

    kobo.loopback.answer = lossy
    receipt = source.pull()
    assert receipt.state == "failed" and "than it sends" in receipt.message
    assert not receipt.tables


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"status": 503},
        {"body": b"x" * 1000, "cut_at": 100},
        {"wait": 1.0},
    ],
    ids=["too many", "error", "unavailable", "cut off", "silent"],
)
def test_what_passes_is_asked_again(source, kobo, fault) -> None:
    kobo.loopback.faults = [kobo.loopback.Reply(**fault), kobo.loopback.Reply(**fault)]
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 5), receipt.message


def test_an_expired_token_fails_with_the_variable_to_mend_and_keeps_the_lake(
    source, kobo, monkeypatch
) -> None:
    source.pull()
    monkeypatch.setenv("KOBO_TOKEN", "expired")
    receipt = source.pull()
    assert receipt.state == "failed"
    assert "KOBO_TOKEN" in receipt.message and "Invalid token" in receipt.message
    assert "expired" not in receipt.message.replace("expired, mistyped", "")
    assert len(_reads(source)) == 5


def test_a_next_page_on_another_server_is_not_followed(source, kobo) -> None:
    answer = kobo.answer

    def elsewhere(asked: Any) -> Any:
        reply = answer(asked)
        page = json.loads(reply.body)
        if "results" not in page:
            return reply
        return kobo.loopback.Reply(json.dumps(page | {"next": "https://elsewhere.example/steal"}).encode())

    kobo.loopback.answer = elsewhere
    receipt = source.pull()
    assert receipt.state == "failed" and "another server" in receipt.message


def test_a_page_that_is_no_json_names_the_address(source, kobo) -> None:
    kobo.loopback.answer = lambda asked: kobo.loopback.Reply(b"<html>log in</html>")
    receipt = source.pull()
    assert receipt.state == "failed" and "does not answer in JSON" in receipt.message


def test_repeats_and_files_of_the_api_reach_lake_and_receipt(source, kobo) -> None:
    member = "g/member"
    toys = {f"{member}/toy": [{f"{member}/toy/kind": "ball"}, {f"{member}/toy/kind": "kite"}]}
    kobo.submit(1, **{member: [{f"{member}/age": "4"}, {f"{member}/age": "7"} | toys]})
    assert source.pull().state == "landed"
    assert source.table("member").select("_sw_record_id", "_sw_parent_record_id", "g/member/age").rows() == [
        ("u1/member[1]", "u1", "4"),
        ("u1/member[2]", "u1", "7"),
    ]
    assert source.table("toy").select(
        "_sw_record_id", "_sw_parent_record_id", "g/member/toy/kind"
    ).rows() == [
        ("u1/member[2]/toy[1]", "u1/member[2]", "ball"),
        ("u1/member[2]/toy[2]", "u1/member[2]", "kite"),
    ]


def test_an_edit_brings_its_own_rows_of_a_repeat(source, kobo) -> None:
    kobo.submit(1, **{"g/member": [{"g/member/age": "4"}, {"g/member/age": "7"}]})
    source.pull()
    kobo.edit(1, **{"g/member": [{"g/member/age": "5"}]})
    source.pull()
    assert source.table("member")["g/member/age"].to_list() == ["5"]


def test_an_id_of_the_programmes_own_has_everything_pulled_every_night(one_source, loopback, kobo) -> None:
    source = one_source(
        "kobotoolbox",
        {},
        unit="g/child",
        site="g/site",
        questions=("g/reads",),
        keys={"record": "g/child"},
        connection={"server": loopback.url, "token": {"env": "KOBO_TOKEN"}},
        pull={"connection": "server", "asset": ASSET},
    )
    kobo.rows[2]["g/member"] = [{"g/member/age": "4"}]
    source.pull()
    assert source.table("member")["_sw_record_id"].to_list() == ["c2/member[1]"]
    del kobo.rows[5]
    receipt = source.pull()
    assert (receipt.mode, receipt.rows_kept) == ("snapshot", 5)


def test_the_landed_form_defines_the_instrument(source, kobo) -> None:
    receipt = source.pull()
    form = landed_path(source.home, "answers", receipt.originals[0])
    assert json.loads(form.read_text())["name"] == "Child test"
    assert "submission_count" not in form.read_text()


def test_the_same_form_has_the_same_columns_by_drop_and_by_api(source, kobo, one_source) -> None:
    source.pull()
    names = ("g/child", "g/site", "g/reads", "_id", "_uuid", "_submission_time", "meta/rootUuid")
    lines = [";".join(f'"{name}"' for name in names)]
    lines += [";".join(f'"{row[name]}"' for name in names) for row in kobo.rows.values()]
    by_api = source.table().select("_sw_record_id", "_sw_submitted_at", "_sw_unit_id", *names)
    dropped = one_source(
        "kobotoolbox",
        {"export.csv": "\r\n".join(lines) + "\r\n"},
        unit="g/child",
        site="g/site",
        questions=("g/reads",),
    )
    dropped.home = dropped.home.with_name("other")
    assert dropped.pull().state == "landed"
    assert dropped.table().select(by_api.columns).equals(by_api)
