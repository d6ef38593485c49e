"""What is published can be listed, verified to the byte, and pointed back."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.release.listing import current_release, list_releases, verify_release
from orchestration.release.publish import publish

_spec = importlib.util.spec_from_file_location(
    "published_fixture", Path(__file__).with_name("test_release_publish.py")
)
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with two releases, the second being served."""
    monkeypatch.setenv("SITEWISE_HOME", str(tmp_path))
    for effect in (0.25, 0.5):
        candidate = fixture.build(tmp_path / "warehouse.duckdb", effect=effect)
        publish(tmp_path / "releases", candidate, fixture.passing(candidate))
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_sound_release_verifies(home):
    assert all(verify_release(release) == [] for release in list_releases(home / "releases"))
    assert run("release", "verify").exit_code == 0


@pytest.mark.parametrize("name", ["sitewise.duckdb", "parquet/sites.parquet", "manifest.json"])
def test_one_flipped_bit_is_found(home, name):
    release = current_release(home / "releases")
    path = release.folder / name
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    result = run("release", "verify", release.release_id)
    assert result.exit_code == 1
    assert f"{release.release_id}/{name}: differs from its checksum" in result.output


def test_a_missing_and_an_added_file_are_found(home):
    release = current_release(home / "releases")
    (release.folder / "parquet" / "sites.parquet").unlink()
    (release.folder / "note.txt").write_text("x")
    assert verify_release(release) == [
        "parquet/sites.parquet: missing",
        "note.txt: not part of the release",
    ]


def test_a_rollback_first_only_says_what_it_would_do(home):
    before, served = list_releases(home / "releases")
    told = run("release", "rollback")
    assert told.exit_code == 0
    assert "Nothing was changed" in told.output
    assert "headline" in told.output
    assert current_release(home / "releases").release_id == served.release_id
    done = run("release", "rollback", "--yes")
    assert done.exit_code == 0
    assert current_release(home / "releases").release_id == before.release_id
    last = json.loads((home / "releases" / "log.jsonl").read_text().splitlines()[-1])
    assert (last["action"], last["before"], last["after"]) == (
        "rolled back",
        served.release_id,
        before.release_id,
    )


def test_a_rollback_is_not_undone_by_a_night_with_the_same_content(home):
    before, served = list_releases(home / "releases")
    run("release", "rollback", "--yes")
    candidate = fixture.build(home / "warehouse.duckdb", effect=0.5)
    again = publish(home / "releases", candidate, fixture.passing(candidate))
    assert (again.is_new, again.release_id) == (False, served.release_id)
    assert current_release(home / "releases").release_id == before.release_id


def test_a_broken_release_is_not_rolled_back_to(home):
    target, served = list_releases(home / "releases")
    (target.folder / "parquet" / "sites.parquet").unlink()
    result = run("release", "rollback", "--yes")
    assert result.exit_code == 2
    assert "not sound" in result.output
    assert current_release(home / "releases").release_id == served.release_id


def test_naming_a_release_that_is_not_there_lists_those_that_are(home):
    result = run("release", "rollback", "--to", "2020-01-01-nothing")
    assert result.exit_code == 2
    assert list_releases(home / "releases")[0].release_id in result.output


def test_a_release_that_awaits_approval_is_served_once_it_is_approved(home):
    careful = replace(fixture.build(home / "warehouse.duckdb", effect=0.75), approval="manual")
    waiting = publish(home / "releases", careful, fixture.passing(careful))
    assert current_release(home / "releases").release_id != waiting.release_id
    assert run("release", "approve", waiting.release_id).exit_code == 0
    assert current_release(home / "releases").release_id != waiting.release_id
    assert run("release", "approve", waiting.release_id, "--yes").exit_code == 0
    assert current_release(home / "releases").release_id == waiting.release_id
