"""Two releases can be compared, old ones pruned, and a signed one proves who made it."""

import base64
import hashlib
import importlib.util
import json
import secrets
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.landing import land, write_receipt
from ingestion.receipt import Receipt
from orchestration.cli import app
from orchestration.lock import hold_home
from orchestration.release.difference import changed_values, difference
from orchestration.release.listing import (
    current_release,
    list_releases,
    rollback_target,
    serve,
    verify_release,
)
from orchestration.release.publish import publish
from orchestration.release.signing import SigningFault, public_text, signing_key

_spec = importlib.util.spec_from_file_location(
    "published_fixture", Path(__file__).with_name("test_release_publish.py")
)
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SITEWISE_HOME", str(tmp_path))
    return tmp_path


def released(home: Path, **told):
    """Publishes a candidate; returns the release."""
    about = {name: told.pop(name) for name in ("fingerprints", "approval", "signer") if name in told}
    candidate = replace(fixture.build(home / "warehouse.duckdb", **told), **about)
    published = publish(home / "releases", candidate, fixture.passing(candidate))
    return next(r for r in list_releases(home / "releases") if r.release_id == published.release_id)


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_difference_says_which_rows_and_columns_changed_and_why(home):
    before = released(home, effect=0.25, sites=("a", "b"), fingerprints={"inputs": "1", "rules": "1"})
    after = released(home, effect=0.5, sites=("b", "c", "d"), fingerprints={"inputs": "2", "rules": "1"})
    found = difference(before, after)
    assert found.why == ["the sources' data"]
    headline, sites = found.tables
    assert (headline.table, headline.added, headline.removed, headline.changed) == ("headline", 0, 0, 1)
    assert headline.columns == {"effect": 1}
    assert (sites.table, sites.added, sites.removed, sites.changed) == ("sites", 2, 1, 0)
    assert changed_values(before, after, "headline", 9) == [
        {"key": ("reads",), "column": "effect", "before": "0.25", "after": "0.5"}
    ]
    assert "the sources' data" in run("release", "diff").output
    assert "0.25" in run("release", "diff", "--table", "headline").output
    assert run("release", "diff", "--table", "nothing").exit_code == 2


def test_a_difference_tells_sources_and_tables_that_came_and_went(home):
    def with_provenance(*rows: tuple[str, str]):
        candidate = fixture.build(home / "warehouse.duckdb")
        with duckdb.connect(str(candidate.warehouse)) as connection:
            connection.execute(
                "create or replace table published.provenance (source varchar, input_hash varchar)"
            )
            connection.executemany("insert into published.provenance values (?, ?)", rows)
        keys = fixture.KEYS | {"provenance": ["source"]}
        candidate = replace(candidate, keys=keys)
        verdict = replace(
            fixture.passing(candidate),
            content_hash=fixture.content_hash(candidate.warehouse, keys=keys).total,
        )
        publish(home / "releases", candidate, verdict)
        return current_release(home / "releases")

    bare = released(home)
    before = with_provenance(("endline", "1"), ("frame", "1"), ("old", "1"))
    after = with_provenance(("endline", "2"), ("frame", "1"), ("new", "1"))
    assert difference(before, after).sources == {"endline": "changed", "new": "added", "old": "removed"}
    [new_table] = difference(bare, before).tables
    assert (new_table.table, new_table.added, new_table.removed) == ("provenance", 3, 0)


def test_pruning_keeps_the_newest_the_served_the_one_before_and_those_awaiting_approval(home):
    releases = home / "releases"
    made = [released(home, effect=n / 8) for n in range(5)]
    waiting = released(home, effect=9.0, approval="manual")
    newest = released(home, effect=10.0)
    serve(releases, made[3], "rolled back")
    dry = run("release", "prune", "--keep", "1")
    assert "Nothing was changed" in dry.output
    assert len(list_releases(releases)) == 7
    assert run("release", "prune", "--keep", "1", "--yes").exit_code == 0
    kept = {release.release_id for release in list_releases(releases)}
    assert kept == {r.release_id for r in (made[2], made[3], waiting, newest)}
    assert current_release(releases).release_id == made[3].release_id
    assert verify_release(current_release(releases)) == []
    assert list(releases.glob(".*")) == []
    assert "nothing to prune" in run("release", "prune", "--keep", "1").output


def test_a_release_made_after_the_clock_was_set_back_is_still_the_newest(home):
    releases = home / "releases"
    ahead = released(home, effect=0.25)
    manifest = ahead.folder / "manifest.json"
    manifest.chmod(0o644)
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"published_at": "2099-01-01T00:00:00.000000+00:00"}))
    after = released(home, effect=0.5)
    assert [release.release_id for release in list_releases(releases)] == [ahead.release_id, after.release_id]
    assert rollback_target(releases).release_id == ahead.release_id
    assert run("release", "diff").output.splitlines()[0].endswith(ahead.release_id)


def test_a_pruned_content_can_be_released_again(home):
    releases = home / "releases"
    first = released(home, effect=0.25)
    for effect in (0.5, 0.75):
        released(home, effect=effect)
    assert run("release", "prune", "--keep", "1", "--yes").exit_code == 0
    assert first.release_id not in {release.release_id for release in list_releases(releases)}
    again = released(home, effect=0.25)
    assert current_release(releases).release_id == again.release_id
    assert verify_release(again) == []


def test_pruning_removes_originals_that_no_receipt_names_and_no_other(home):
    named = land(home, "endline", "a.csv", lambda path: path.write_text("a,b\n1,2\n"))
    land(home, "endline", "b.csv", lambda path: path.write_text("a,b\n3,4\n"))
    now = datetime.now(UTC)
    receipt = Receipt(
        receipt_id="r1", source="endline", pulled_at=now, mode="snapshot", state="failed", originals=[named]
    )
    write_receipt(home, receipt)
    released(home)
    listed = run("release", "prune")
    assert listed.output.count("orphan   landing/endline/") == 1
    assert run("release", "prune", "--yes").exit_code == 0
    left = [folder.name for folder in (home / "landing" / "endline").iterdir() if folder.is_dir()]
    assert sorted(left) == sorted([named.sha256, "receipts"])


def test_what_a_killed_pruner_left_is_swept_away_by_the_next_writer(home):
    release = released(home)
    leaving = home / "releases" / ".stage-pruned-x-1"
    shutil.copytree(release.folder, leaving)
    with hold_home(home, "test"):
        assert not leaving.exists()


def test_a_signed_release_proves_who_made_it_and_a_changed_one_does_not(home, monkeypatch):
    monkeypatch.setenv("RELEASE_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
    monkeypatch.setenv("OTHER_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
    key = signing_key("RELEASE_KEY")
    release = released(home, signer=key)
    assert verify_release(release, public_text(key)) == []
    assert run("release", "verify", "--public-key", public_text(key)).exit_code == 0
    other = public_text(signing_key("OTHER_KEY"))
    assert "not by the key that was named" in verify_release(release, other)[0]

    checksums = release.folder / "checksums.sha256"
    checksums.chmod(0o644)
    report = release.folder / "parquet" / "sites.parquet"
    digest = hashlib.sha256(b"forged").hexdigest()
    report.chmod(0o644)
    report.write_bytes(b"forged")
    lines = checksums.read_text().splitlines()
    forged = [f"{digest}  {line[66:]}" if line.endswith("sites.parquet") else line for line in lines]
    checksums.write_text("\n".join(forged) + "\n")
    assert "not that of these checksums" in verify_release(release)[0]


def test_a_signature_that_was_taken_away_is_missed(home, monkeypatch):
    monkeypatch.setenv("RELEASE_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
    release = released(home, signer=signing_key("RELEASE_KEY"))
    (release.folder / "checksums.sha256.signature.json").unlink()
    assert "missing" in verify_release(release)[0]
    assert json.loads((release.folder / "manifest.json").read_text())["signed_by"]


@pytest.mark.parametrize("text", [None, "", "short", "bm90IDMyIGJ5dGVz"])
def test_a_key_that_is_none_is_refused_with_a_remedy(monkeypatch, text):
    monkeypatch.delenv("RELEASE_KEY", raising=False)
    if text is not None:
        monkeypatch.setenv("RELEASE_KEY", text)
    with pytest.raises(SigningFault, match="Remedy: make"):
        signing_key("RELEASE_KEY")
