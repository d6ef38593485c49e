"""Files that answers name are known by name and hash, fetched only where asked, and go with their record."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.landing import landed_path
from ingestion.programme.registry_lake import lake_rows
from ingestion.rebuild import rebuild

HEADER = "SubmissionDate,child,site,photo,voice,KEY"
ROWS = (
    "2026-03-01 08:00:00,c1,here,media\\Wanjiru.jpg,media\\v1.m4a,uuid:1",
    "2026-03-02 08:00:00,c2,here,media\\p2.jpg,,uuid:2",
)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _files(source) -> list[dict]:
    return source.table("_attachments").to_dicts()


def _contents(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.fixture
def surveycto(one_source):
    """A form's WIDE export with a folder of media beside it, of which one file is missing."""

    def make(**more):
        files = {"f_WIDE.csv": "\n".join([HEADER, *ROWS]) + "\n"}
        source = one_source(
            "surveycto", files, unit="child", site="site", **({"pull": {"drop": "exports/*.csv"}} | more)
        )
        source.drop("media/Wanjiru.jpg", b"her photo")
        source.drop("media/v1.m4a", b"a voice")
        return source

    return make


def test_files_are_known_by_name_and_hash_and_stay_where_they_are(surveycto) -> None:
    source = surveycto()
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    files = [tuple(each.values()) for each in _files(source)]
    assert files == [
        ("uuid:1", "photo", "Wanjiru.jpg", "present", _sha256(b"her photo"), 9),
        ("uuid:1", "voice", "v1.m4a", "present", _sha256(b"a voice"), 7),
        ("uuid:2", "photo", "p2.jpg", "named", None, None),
    ]
    assert b"her photo" not in _contents(source.home) and b"a voice" not in _contents(source.home)
    (table,) = lake_rows(source.programme, source.home)["lake_tables"]
    assert table["lake_table"] == "main" and [each.table for each in receipt.tables] == ["main"]


def test_a_name_stands_there_only_where_its_question_passes_the_door(surveycto) -> None:
    source = surveycto(keep=("voice",))
    source.pull()
    names = [each["name"] for each in _files(source)]
    assert names == [_sha256(b"Wanjiru.jpg"), "v1.m4a", _sha256(b"p2.jpg")]
    manifest = [path.read_text() for path in source.home.glob("landing/answers/*/media.json")]
    assert len(manifest) == 1 and "Wanjiru" not in manifest[0] and "v1" not in manifest[0]


def test_ids_and_names_are_hidden_as_those_of_the_lake_are(surveycto, monkeypatch) -> None:
    monkeypatch.setenv("PSEUDO", "k" * 32)
    privacy = {"privacy": {"public": True, "pseudonym_key": {"env": "PSEUDO"}}}
    source = surveycto(privacy=privacy, keys={"record": "child"}, keep=())
    form = source.folder / "instruments/form.yml"
    form.write_text(form.read_text() + "  pseudonym: [child]\n")
    assert source.pull().state == "landed"
    ids = set(source.table()["_sw_record_id"])
    assert {each["record_id"] for each in _files(source)} == ids and not ids & {"c1", "c2", "C1", "C2"}
    assert _sha256(b"Wanjiru.jpg") not in str(_files(source)) and "Wanjiru" not in str(_files(source))


def test_the_table_is_made_again_from_the_landing_alone(surveycto) -> None:
    source = surveycto()
    source.pull()
    before = _files(source)
    for path in (source.folder / "exports/media").iterdir():
        path.unlink()
    assert list(rebuild(source.programme, source.home)) == [("answers", None)]
    assert _files(source) == before


def test_a_file_that_arrives_later_is_seen_and_nothing_new_costs_nothing(surveycto) -> None:
    source = surveycto()
    source.pull()
    assert source.pull().state == "unchanged"
    source.drop("media/p2.jpg", b"another")
    assert source.pull().state == "landed"
    assert _files(source)[2] == {
        "record_id": "uuid:2",
        "question": "photo",
        "name": "p2.jpg",
        "state": "present",
        "sha256": _sha256(b"another"),
        "bytes": 7,
    }


def test_dropped_files_are_fetched_where_asked_and_go_with_their_record(surveycto) -> None:
    source = surveycto(pull={"drop": "exports/*.csv", "attachments": "fetch"})
    receipt = source.pull()
    assert [each["state"] for each in _files(source)] == ["fetched", "fetched", "named"]
    assert receipt.message == "1 files that answers name could not be fetched"
    landed = {each.bytes: each for each in receipt.originals if each.name.startswith("file-")}
    assert landed_path(source.home, "answers", landed[9]).read_bytes() == b"her photo"
    again = source.pull()
    assert again.state == "unchanged" and again.originals == receipt.originals
    for path in (source.folder / "exports/media").iterdir():
        path.unlink()
    list(rebuild(source.programme, source.home))
    assert [each["state"] for each in _files(source)] == ["fetched", "fetched", "named"]
    source.drop("f_WIDE.csv", "\n".join([HEADER, ROWS[1]]) + "\n")
    assert source.pull().state == "landed"
    assert b"her photo" not in _contents(source.home)


def test_files_within_an_archive_are_hashed_there(one_source) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.csv", "SubmissionDate,child,site,photo,KEY\n2026-03-01,c1,here,p 1.odd,uuid:1\n")
        archive.writestr(
            "f-kid.csv", "pic,PARENT_KEY,KEY\nk.jpg,uuid:1,uuid:1/kid[1]\n,uuid:1,uuid:1/kid[2]\n"
        )
        archive.writestr("media/p 1.odd", b"a file")
    source = one_source("odk_central", {"f.csv.zip": packed.getvalue()}, unit="child", site="site")
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    assert [tuple(each.values()) for each in _files(source)] == [
        ("uuid:1", "photo", "p 1.odd", "present", _sha256(b"a file"), 6),
        ("uuid:1", "pic", "k.jpg", "named", None, None),
    ]


class Kobo:
    """A form whose answers name files: some on this server, one elsewhere, one gone."""

    def __init__(self, loopback) -> None:
        self.loopback, self.asked = loopback, []
        self.files = {"/media/1.jpg": b"first photo", "/media/2.jpg": b"second photo"}
        self.rows = [self.row(1, f"{loopback.url}/media/1.jpg"), self.row(2, f"{loopback.url}/media/2.jpg")]
        self.rows += [
            self.row(3, "https://elsewhere.example/3.jpg"),
            self.row(4, f"{loopback.url}/media/4.jpg"),
        ]
        loopback.answer = self.answer

    @staticmethod
    def row(number: int, url: str) -> dict:
        attached = {"media_file_basename": f"p{number}.jpg", "question_xpath": "g/photo", "download_url": url}
        about = {"_id": number, "_uuid": f"u{number}", "child": f"c{number}", "site": "here"}
        when = {"_submission_time": "2026-03-01T08:00:00", "g/photo": f"p{number}.jpg"}
        return about | when | {"_attachments": [attached], "_validation_status": {}}

    def answer(self, asked):
        reply = self.loopback.Reply
        assert asked.headers["authorization"] == "Token secret"
        if asked.path.startswith("/media/"):
            self.asked.append(asked.path)
            return reply(self.files[asked.path]) if asked.path in self.files else reply(status=404)
        if not asked.path.endswith("/data/"):
            return reply(json.dumps({"uid": "form", "content": {"survey": [], "choices": []}}).encode())
        wanted = json.loads(asked.query.get("query", ["{}"])[0]).get("_id", {})
        among = wanted.get("$in")
        rows = [
            row
            for row in self.rows
            if row["_id"] > wanted.get("$gt", 0) and (among is None or row["_id"] in among)
        ]
        if "fields" in asked.query:
            fields = json.loads(asked.query["fields"][0])
            rows = [{key: row[key] for key in fields if key in row} for row in rows]
        return reply(json.dumps({"count": len(rows), "next": None, "results": rows}).encode())


@pytest.fixture
def kobo(loopback, monkeypatch) -> Kobo:
    monkeypatch.setenv("KOBO_TOKEN", "secret")
    return Kobo(loopback)


@pytest.fixture
def by_api(one_source, kobo):
    def make(**pull):
        return one_source(
            "kobotoolbox",
            {},
            unit="child",
            site="site",
            connection={"server": kobo.loopback.url, "token": {"env": "KOBO_TOKEN"}},
            pull={"connection": "server", "asset": "form", **pull},
        )

    return make


def test_nothing_is_asked_for_unless_the_yaml_asks(by_api, kobo) -> None:
    source = by_api()
    assert source.pull().state == "landed"
    assert {each["state"] for each in _files(source)} == {"named"} and kobo.asked == []


def test_files_are_fetched_from_the_own_server_once(by_api, kobo) -> None:
    source = by_api(attachments="fetch")
    receipt = source.pull()
    assert receipt.state == "landed"
    assert receipt.message.endswith("2 files that answers name could not be fetched")
    assert kobo.asked == ["/media/1.jpg", "/media/2.jpg", "/media/4.jpg"]
    assert [(each["name"], each["state"], each["bytes"]) for each in _files(source)] == [
        ("p1.jpg", "fetched", 11),
        ("p2.jpg", "fetched", 12),
        ("p3.jpg", "named", None),
        ("p4.jpg", "named", None),
    ]
    assert source.pull().state == "unchanged" and len(kobo.asked) == 3
    kobo.files["/media/5.jpg"] = b"fifth photo"
    kobo.rows.append(kobo.row(5, f"{kobo.loopback.url}/media/5.jpg"))
    assert source.pull().state == "landed"
    assert kobo.asked[3:] == ["/media/4.jpg", "/media/5.jpg"]
    assert [each["state"] for each in _files(source)] == ["fetched", "fetched", "named", "named", "fetched"]
    before = _files(source)
    list(rebuild(source.programme, source.home))
    assert _files(source) == before


def test_a_file_goes_from_the_landing_with_its_record(by_api, kobo) -> None:
    source = by_api(attachments="fetch")
    source.pull()
    assert b"first photo" in _contents(source.home)
    del kobo.rows[0]
    source.pull()
    assert source.table().height == 3 and b"first photo" not in _contents(source.home)
    assert b"second photo" in _contents(source.home)


def test_files_are_kept_through_a_full_pull_and_encrypted_where_the_landing_is(
    by_api, kobo, monkeypatch
) -> None:
    monkeypatch.setenv("LANDING", "00" * 32)
    source = by_api(attachments="fetch", full_every_days=1)
    head = YAML(typ="safe").load((source.folder / "programme.yml").read_text())
    head["privacy"]["landing_key"] = {"env": "LANDING"}
    with (source.folder / "programme.yml").open("w") as file:
        YAML().dump(head, file)
    assert source.pull().state == "landed" and b"first photo" not in _contents(source.home)
    for path in source.home.glob("landing/answers/receipts/*.json"):
        told = json.loads(path.read_text())
        path.write_text(json.dumps(told | {"pulled_at": "2020-01-01T00:00:00Z"}))
    kobo.rows[1]["child"] = "c9"
    receipt = source.pull()
    assert (receipt.state, receipt.mode) == ("landed", "snapshot"), receipt.message
    assert kobo.asked.count("/media/1.jpg") == 1
    assert [each["state"] for each in _files(source)] == ["fetched", "fetched", "named", "named"]


def test_a_server_that_refuses_is_not_asked_for_every_file(by_api, kobo) -> None:
    url = kobo.loopback.url
    kobo.files.clear()
    kobo.rows = [kobo.row(number, f"{url}/media/{number}.jpg") for number in range(1, 20)]
    source = by_api(attachments="fetch")
    receipt = source.pull()
    assert receipt.state == "landed" and len(kobo.asked) == 3
    assert "19 files that answers name could not be fetched" in receipt.message


def test_no_table_is_made_where_no_answer_names_a_file(one_source) -> None:
    text = "SubmissionDate,child,site,KEY\n2026-03-01 08:00:00,c1,here,k1\n"
    source = one_source("surveycto", {"f_WIDE.csv": text}, unit="child", site="site")
    source.pull()
    with pytest.raises(FileNotFoundError):
        source.table("_attachments")
    assert isinstance(source.table(), pl.DataFrame)


def test_the_files_of_those_who_withdraw_go_the_same_night(surveycto) -> None:
    left = {"withdrawn": {"column": "left", "map": {"1": "yes", "0": "no"}}}
    source = surveycto(pull={"drop": "exports/*.csv", "attachments": "fetch"}, keys=left)
    stays = "\n".join([f"{HEADER},left", *(f"{row},0" for row in ROWS)]) + "\n"
    source.drop("f_WIDE.csv", stays)
    source.drop("media/p2.jpg", b"of who stays")
    assert source.pull().state == "landed" and b"her photo" in _contents(source.home)
    source.drop("f_WIDE.csv", stays.replace(f"{ROWS[0]},0", f"{ROWS[0]},1"))
    receipt = source.pull()
    assert (receipt.state, receipt.rows_withdrawn) == ("landed", 1), receipt.message
    kept = _contents(source.home)
    assert b"her photo" not in kept and b"Wanjiru" not in kept and b"of who stays" in kept
    assert [each["name"] for each in _files(source)] == ["p2.jpg"]
    assert source.pull().state == "unchanged"
    assert b"her photo" not in _contents(source.home)
