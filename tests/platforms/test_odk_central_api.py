"""ODK Central's API on a loopback server that answers as the real one does, faults and all."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion.landing import landed_path

FORM = "/v1/projects/7/forms/house%20hold"
HEAD = ("SubmissionDate", "g-child", "g-site", "at-Latitude", "at-Longitude", "at-Altitude", "at-Accuracy")
TAIL = ("KEY", "SubmitterID", "SubmitterName", "Status", "ReviewState", "Edits", "FormVersion")
FIELDS = [
    ("/g", "structure"),
    ("/g/child", "string"),
    ("/g/site", "string"),
    ("/at", "geopoint"),
    ("/kids", "structure"),
    ("/kids/kid", "repeat"),
    ("/kids/kid/age.y", "int"),
]
# The loopback server's Date is the true time; what stands here from the start was made the day before.
START = datetime.now(UTC) - timedelta(days=1)


class Central:
    """A server with one form: sessions, archives with ETags, OData with filters and pages, deletions."""

    def __init__(self, loopback: Any) -> None:
        self.loopback, self.now, self.page = loopback, START, 500
        self.rows: dict[str, dict[str, Any]] = {}
        self.sessions: list[str] = []
        self.has_etags, self.tells_deletions, self.passphrase = True, True, ""
        self.before: Callable[[Any], None] = lambda asked: None
        loopback.answer = self.answer

    def submit(self, key: str, kids: tuple[int, ...] = ()) -> None:
        self.rows[key] = {"made": self._at(), "updated": None, "deleted": None, "edits": 0, "review": None}
        self.rows[key] |= {"child": f"c-{key}", "kids": kids}

    def edit(self, key: str, child: str, kids: tuple[int, ...] = ()) -> None:
        row = self.rows[key]
        row |= {"child": child, "kids": kids, "edits": row["edits"] + 1, "updated": self._at()}

    def review(self, key: str, state: str) -> None:
        self.rows[key] |= {"review": state, "updated": self._at()}

    def delete(self, key: str) -> None:
        self.rows[key]["deleted"] = self._at()

    def next_night(self) -> None:
        self.now = datetime.now(UTC)

    def _at(self) -> str:
        return f"{self.now:%Y-%m-%dT%H:%M:%S.000Z}"

    def answer(self, asked: Any) -> Any:
        self.before(asked)
        if asked.path == "/v1/sessions":
            account = json.loads(asked.body)
            if account != {"email": "me@example.org", "password": "secret"}:
                return self._refused("401.2", "Could not authenticate with the provided credentials.")
            self.sessions.append(f"token{len(self.sessions)}")
            return self._json({"token": self.sessions[-1], "expiresAt": "2026-05-02T12:00:00.000Z"})
        if not self.sessions or asked.headers.get("authorization") != f"Bearer {self.sessions[-1]}":
            return self._refused("401.2", "Could not authenticate with the provided credentials.")
        below = asked.path.removeprefix(FORM)
        if below == ".xml":
            return self.loopback.Reply(b"<h:html><h:head/></h:html>")
        if below == "/submissions/keys":
            managed = {"id": 3, "managed": True, "public": "...", "hint": "it is secret"}
            return self._json([managed] if self.passphrase else [])
        if below == "/fields":
            clean = "odata" in asked.query
            paths = [(re.sub(r"[^\w/]+", "_", path) if clean else path, kind) for path, kind in FIELDS]
            return self._json(
                [{"path": path, "name": path.split("/")[-1], "type": kind} for path, kind in paths]
            )
        if below == "/submissions.csv.zip":
            return self._archive(asked)
        if below == ".svc/Submissions":
            return self._odata(asked)
        return self._refused("404.1", "Could not find the resource you were looking for.", 404)

    def _json(self, said: Any) -> Any:
        return self.loopback.Reply(json.dumps(said).encode())

    def _refused(self, code: str, message: str, status: int = 401) -> Any:
        body = json.dumps({"code": code, "message": message, "details": {"sent": "a cell"}}).encode()
        return self.loopback.Reply(body, status=status)

    def _alive(self) -> dict[str, dict[str, Any]]:
        return {key: row for key, row in self.rows.items() if row["deleted"] is None}

    def _archive(self, asked: Any) -> Any:
        etag = f'W/"{hashlib.md5(repr(self.rows).encode()).hexdigest()}"'
        if self.has_etags and asked.headers.get("if-none-match") == etag:
            return self.loopback.Reply(status=304)
        is_open = not self.passphrase or (asked.body and json.loads(asked.body) == {"3": self.passphrase})
        main, kids = io.StringIO(), io.StringIO()
        own, repeat = csv.writer(main, lineterminator="\n"), csv.writer(kids, lineterminator="\n")
        own.writerow((*HEAD, *TAIL))
        repeat.writerow(("age.y", "PARENT_KEY", "KEY"))
        for key, row in self._alive().items():
            cells = (row["child"], "here", "-1.25", "36.8", "1660", "4.5") if is_open else ("",) * 6
            status = "" if is_open else "not decrypted"
            own.writerow((row["made"], *cells, key, "5", "App", status, row["review"], row["edits"], "1.0"))
            for place, age in enumerate(row["kids"] if is_open else (), start=1):
                repeat.writerow((age, key, f"{key}/kids/kid[{place}]"))
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("house hold.csv"), main.getvalue())
            archive.writestr(zipfile.ZipInfo("house hold-kid.csv"), kids.getvalue())
        headers = {"ETag": etag} if self.has_etags else {}
        return self.loopback.Reply(data.getvalue(), headers=headers)

    def _odata(self, asked: Any) -> Any:
        test = asked.query.get("$filter", [""])[0]
        since = {field: at for field, at in re.findall(r"__system/(\w+) ge (\S+)", test)}
        if "deletedAt" in since:
            found = [key for key, row in self.rows.items() if (row["deleted"] or "") >= since["deletedAt"]]
        else:
            found = [
                key
                for key, row in self._alive().items()
                if row["made"] >= since.get("submissionDate", "")
                or (row["updated"] or "") >= since.get("updatedAt", "~")
            ]
        start = int(asked.query.get("$skiptoken", ["0"])[0])
        top = min(int(asked.query["$top"][0]), self.page)
        body = {
            "value": [self._row(key) for key in found[start : start + top]],
            "@odata.context": "x#Submissions",
        }
        body |= {"@odata.count": len(found)} if "$count" in asked.query else {}
        if start + top < len(found):
            query = "&".join(f"{key}={value[0]}" for key, value in asked.query.items() if key != "$skiptoken")
            query = f"{query}&$skiptoken={start + top}".replace(" ", "%20")
            body["@odata.nextLink"] = f"{self.loopback.url}{FORM}.svc/Submissions?{query}"
        return self._json(body)

    def _row(self, key: str) -> dict[str, Any]:
        row = self.rows[key]
        system = {"submissionDate": row["made"], "updatedAt": row["updated"], "submitterId": "5"}
        system |= {
            "submitterName": "App",
            "status": None,
            "reviewState": row["review"],
            "edits": row["edits"],
        }
        system |= {"formVersion": "1.0"} | ({"deletedAt": row["deleted"]} if self.tells_deletions else {})
        at = {"type": "Point", "coordinates": [36.8, -1.25, 1660], "properties": {"accuracy": 4.5}}
        kids = [
            {"age_y": age, "__id": hashlib.sha1(f"{key}{age}".encode()).hexdigest()} for age in row["kids"]
        ]
        below = {"kid@odata.navigationLink": "...", "kid": kids} if kids else {}
        return {"__id": key, "__system": system, "g": {"child": row["child"], "site": "here"}, "at": at} | {
            "kids": below
        }

    def asked_for(self, what: str) -> list[Any]:
        return [asked for asked in self.loopback.asked if asked.path == f"{FORM}{what}"]


@pytest.fixture
def central(loopback, monkeypatch) -> Central:
    monkeypatch.setenv("ODK_USER", "me@example.org")
    monkeypatch.setenv("ODK_PASSWORD", "secret")
    server = Central(loopback)
    for key in ("u1", "u2", "u3"):
        server.submit(key, kids=(4, 7) if key == "u2" else ())
    return server


@pytest.fixture
def bulky(monkeypatch) -> None:
    """Archives are too big to be asked for every night."""
    monkeypatch.setattr("ingestion.platforms.odk_central_api.BULKY_BYTES", 0)


@pytest.fixture
def source(one_source, loopback, central):
    return _source(one_source, loopback)


def _source(one_source: Any, loopback: Any, asset: str = "7/house hold", **connection: Any) -> Any:
    account = {"username": {"env": "ODK_USER"}, "password": {"env": "ODK_PASSWORD"}}
    return one_source(
        "odk_central",
        {},
        unit="g-child",
        site="g-site",
        connection={"server": loopback.url} | account | connection,
        pull={"connection": "server", "asset": asset},
    )


def _children(source: Any) -> dict[str, str]:
    return dict(source.table().select("_sw_record_id", "g-child").rows())


def test_a_first_pull_takes_the_archive_and_lands_the_form(source, central) -> None:
    receipt = source.pull()
    assert (receipt.state, receipt.mode, receipt.rows_kept) == ("landed", "snapshot", 5), receipt.message
    assert [original.name for original in receipt.originals] == ["form.xml", "submissions.csv.zip"]
    assert receipt.originals[0].kind == "definition"
    assert landed_path(source.home, "answers", receipt.originals[0]).read_bytes().startswith(b"<h:html")
    assert len(central.sessions) == 1


def test_a_small_form_that_did_not_change_is_told_by_its_etag(source, central) -> None:
    source.pull()
    central.loopback.asked.clear()
    receipt = source.pull()
    assert (receipt.state, receipt.mode, receipt.rows_kept) == ("unchanged", "delta", 5), receipt.message
    assert "if-none-match" in central.asked_for("/submissions.csv.zip")[0].headers
    central.delete("u3")
    central.edit("u1", "other")
    assert (source.pull().state, _children(source)) == ("landed", {"u1": "other", "u2": "c-u2"})
    assert source.pull().state == "unchanged"


def test_a_server_without_etags_is_asked_for_changes(source, central) -> None:
    central.has_etags = False
    source.pull()
    central.next_night()
    central.submit("u4")
    assert source.pull().mode == "delta"
    assert set(_children(source)) == {"u1", "u2", "u3", "u4"}


def test_a_server_that_does_not_tell_deletions_sends_everything_every_night(source, central) -> None:
    central.has_etags = central.tells_deletions = False
    source.pull()
    central.next_night()
    central.delete("u1")
    assert source.pull().mode == "snapshot"
    assert set(_children(source)) == {"u2", "u3"}


@pytest.mark.usefixtures("bulky")
def test_only_changes_are_fetched_and_read_as_the_archive_is(source, central) -> None:
    source.pull()
    before = source.table()
    columns, kid_columns = before.columns, source.table("kid").columns
    central.next_night()
    central.submit("u4", kids=(9,))
    central.edit("u2", "edited", kids=(5,))
    receipt = source.pull()
    assert (receipt.state, receipt.mode) == ("landed", "delta"), receipt.message
    assert _children(source) == {"u1": "c-u1", "u2": "edited", "u3": "c-u3", "u4": "c-u4"}
    assert source.table().columns == columns and source.table("kid").columns == kid_columns
    kids = source.table("kid").select("_sw_record_id", "age.y").rows()
    assert kids == [("u2/kids/kid[1]", "5"), ("u4/kids/kid[1]", "9")]
    names = [name for name in columns if name not in ("g-child", "_sw_unit_id", "Edits")]
    same = source.table().filter(source.table()["KEY"] == "u2").select(names)
    assert same.equals(before.filter(before["KEY"] == "u2").select(names))


@pytest.mark.usefixtures("bulky")
def test_changes_come_page_by_page_to_the_last(source, central) -> None:
    source.pull()
    central.next_night()
    central.page = 2
    for number in range(5):
        central.submit(f"v{number}")
    receipt = source.pull()
    bodies = [original.name for original in receipt.originals if original.kind == "data"]
    assert bodies == [f"changes-000{place}.odata.json" for place in (1, 2, 3)]
    assert len(_children(source)) == 8


@pytest.mark.usefixtures("bulky")
def test_a_night_without_changes_lands_nothing(source, central) -> None:
    source.pull()
    central.next_night()
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("unchanged", 5), receipt.message
    assert [original.name for original in receipt.originals] == ["form.xml"]
    since = datetime.fromisoformat(receipt.cursor["since"])
    assert timedelta(minutes=50) < datetime.now(UTC) - since < timedelta(minutes=70)


@pytest.mark.usefixtures("bulky")
def test_a_deleted_submission_leaves_the_lake_with_its_repeats(source, central) -> None:
    source.pull()
    central.next_night()
    central.delete("u2")
    receipt = source.pull()
    assert receipt.mode == "delta"
    assert set(_children(source)) == {"u1", "u3"} and source.table("kid").is_empty()


@pytest.mark.usefixtures("bulky")
def test_a_review_reaches_the_lake_though_no_answer_moved(source, central) -> None:
    source.pull()
    central.next_night()
    central.review("u1", "hasIssues")
    source.pull()
    states = dict(source.table().select("_sw_record_id", "ReviewState").rows())
    assert states == {"u1": "hasIssues", "u2": None, "u3": None}


@pytest.mark.usefixtures("bulky")
def test_a_rejected_submission_leaves_until_it_is_approved_again(source, central) -> None:
    source.pull()
    central.next_night()
    central.review("u2", "rejected")
    receipt = source.pull()
    assert set(_children(source)) == {"u1", "u3"} and receipt.rows_not_accepted == 3
    assert source.table("kid").is_empty()
    central.now += timedelta(seconds=5)
    central.review("u2", "approved")
    source.pull()
    assert set(_children(source)) == {"u1", "u2", "u3"} and source.table("kid").height == 2


@pytest.mark.usefixtures("bulky")
def test_a_count_that_is_never_kept_fails_the_pull(source, central) -> None:
    source.pull()
    central.next_night()
    central.submit("u4")
    answer = central.answer

    def lossy(asked: Any) -> Any:
        reply = answer(asked)
        if not asked.path.endswith(".svc/Submissions"):
            return reply
        page = json.loads(reply.body)
        return central.loopback.Reply(json.dumps(page | {"value": page["value"][1:]}).encode())

    central.loopback.answer = lossy
    receipt = source.pull()
    assert receipt.state == "failed" and "counts other rows than it sends" in receipt.message
    assert len(_children(source)) == 3


def test_a_session_that_ends_during_a_pull_is_opened_again(source, central) -> None:
    def expire(asked: Any) -> None:
        if asked.path.endswith("/keys") and len(central.sessions) == 1:
            central.sessions[-1] = "ended"

    central.before = expire
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    assert len(central.sessions) == 2


def test_a_wrong_password_is_told_with_the_servers_code_and_no_secret(source, central, monkeypatch) -> None:
    monkeypatch.setenv("ODK_PASSWORD", "mistyped-secret")
    receipt = source.pull()
    assert receipt.state == "failed"
    assert "401.2: Could not authenticate" in receipt.message and "ODK_PASSWORD" in receipt.message
    assert "mistyped-secret" not in receipt.message and "a cell" not in receipt.message
    assert len(central.loopback.asked) == 1


def test_a_form_that_is_not_there_is_told_with_the_servers_words(one_source, loopback, central) -> None:
    receipt = _source(one_source, loopback, asset="7/other").pull()
    assert receipt.state == "failed" and "404.1" in receipt.message and "pull.asset" in receipt.message


def test_an_asset_without_its_project_is_refused_before_anything_is_sent(
    one_source, loopback, central
) -> None:
    receipt = _source(one_source, loopback, asset="household").pull()
    assert receipt.state == "failed" and "asset: 7/household" in receipt.message
    assert not loopback.asked


def test_a_form_without_submissions_is_empty_not_failed(source, central) -> None:
    central.rows.clear()
    receipt = source.pull()
    assert (receipt.state, receipt.rows_read) == ("empty", 0), receipt.message


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"status": 502},
        {"body": b"x" * 1000, "cut_at": 100},
        {"wait": 1.0},
    ],
    ids=["too many", "error", "bad gateway", "cut off", "silent"],
)
def test_what_passes_is_asked_again(source, central, fault) -> None:
    faults = [central.loopback.Reply(**fault) for _ in range(2)]
    answer = central.answer

    def faulty(asked: Any) -> Any:
        if asked.path.endswith(".csv.zip") and faults:
            return faults.pop()
        return answer(asked)

    central.loopback.answer = faulty
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 5), receipt.message
    assert len(central.asked_for("/submissions.csv.zip")) == 3


def test_answers_under_managed_encryption_are_read_with_the_passphrase(
    one_source, loopback, central, monkeypatch
) -> None:
    monkeypatch.setenv("ODK_PASSPHRASE", "open sesame")
    central.passphrase = "open sesame"
    source = _source(one_source, loopback, private_key={"env": "ODK_PASSPHRASE"})
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 5), receipt.message
    central.edit("u1", "edited")
    assert source.pull().mode == "snapshot"
    assert _children(source)["u1"] == "edited"


def test_encrypted_answers_without_their_passphrase_are_a_state_of_their_own(source, central) -> None:
    central.passphrase = "open sesame"
    receipt = source.pull()
    assert receipt.state == "encrypted", receipt.message
    assert "private_key" in receipt.message and "submissions.csv.zip" in receipt.message
