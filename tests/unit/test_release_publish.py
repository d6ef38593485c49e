"""A release exists only with a passing verdict for exactly its content, and holds what an analyst needs."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.release.candidate import Candidate, Verdict
from orchestration.release.content_hash import content_hash
from orchestration.release.listing import current_release, list_releases
from orchestration.release.publish import ReleaseRefused, publish

KEYS = {"headline": ["indicator"], "sites": ["site"]}
CHECKS = pa.Table.from_pylist(
    [dict.fromkeys(("table_name", "check_name", "column_name", "severity", "state", "detail"), "x")]
)


def build(warehouse: Path, *, effect: float = 0.25, sites: tuple[str, ...] = ("b", "a")) -> Candidate:
    """A small warehouse with two published tables, commented as the models' descriptions do."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists published")
        connection.execute(
            "create or replace table published.headline as select"
            f" 'reads' as indicator, {effect}::double as effect, 5::decimal(38, 12) as steps, true as ok"
        )
        connection.execute("create or replace table published.sites (site varchar, opened date)")
        connection.executemany("insert into published.sites values (?, '2024-01-15')", [[s] for s in sites])
        connection.execute("comment on table published.headline is 'The answer. Key: indicator.'")
        connection.execute("comment on column published.headline.effect is 'It''s the effect, in points.'")
    return Candidate(warehouse, "camps", date(2026, 3, 31), KEYS, {"inputs": "abc"})


def passing(candidate: Candidate) -> Verdict:
    content = content_hash(candidate.warehouse, keys=KEYS).total
    return Verdict(content, True, CHECKS, candidate.fingerprints)


@pytest.fixture
def candidate(tmp_path):
    return build(tmp_path / "warehouse.duckdb")


def test_a_candidate_without_a_verdict_is_refused(candidate, tmp_path):
    with pytest.raises(ReleaseRefused, match="no verdict"):
        publish(tmp_path / "releases", candidate, None)
    assert not (tmp_path / "releases").exists()


def test_a_failing_verdict_is_refused(candidate, tmp_path):
    with pytest.raises(ReleaseRefused, match="not a pass"):
        publish(tmp_path / "releases", candidate, replace(passing(candidate), is_passing=False))


def test_a_verdict_for_other_content_is_refused(candidate, tmp_path):
    verdict = passing(candidate)
    build(candidate.warehouse, effect=0.26)
    with pytest.raises(ReleaseRefused, match="the warehouse holds"):
        publish(tmp_path / "releases", candidate, verdict)
    assert list_releases(tmp_path / "releases") == []


def test_a_verdict_given_under_other_rules_is_refused(candidate, tmp_path):
    verdict = replace(passing(candidate), fingerprints={"inputs": "abc", "rules": "others"})
    with pytest.raises(ReleaseRefused, match="under other rules"):
        publish(tmp_path / "releases", candidate, verdict)
    assert not (tmp_path / "releases").exists()


def test_a_release_is_served_with_comments_keys_and_parquet(candidate, tmp_path):
    releases = tmp_path / "releases"
    published = publish(releases, candidate, passing(candidate))
    assert published.is_new
    assert (releases / "current").resolve() == published.folder.resolve()
    assert published.release_id == f"2026-03-31-{published.content_hash[:12]}"
    assert not list(releases.glob("**/*.wal"))
    with duckdb.connect(str(releases / "current" / "sitewise.duckdb"), read_only=True) as connection:
        comments = dict(connection.execute("select table_name, comment from duckdb_tables()").fetchall())
        columns = connection.execute(
            "select comment from duckdb_columns() where table_name = 'headline' and column_name = 'effect'"
        ).fetchall()
        served = connection.execute("select release_id, content_hash, as_of_date from release").fetchall()
        rows = connection.execute("select site from sites").fetchall()
    assert comments["headline"] == "The answer. Key: indicator."
    assert all("Key: " in comment for comment in comments.values())
    assert columns == [("It's the effect, in points.",)]
    assert served == [(published.release_id, published.content_hash, date(2026, 3, 31))]
    assert rows == [("a",), ("b",)]
    copied = duckdb.sql(f"select site from '{releases}/current/parquet/sites.parquet'").fetchall()
    assert copied == rows


def test_an_older_client_reads_the_release(candidate, tmp_path):
    published = publish(tmp_path / "releases", candidate, passing(candidate))
    client = Path(sys.executable).with_name("duckdb")
    command = [
        client,
        "-readonly",
        "-csv",
        published.folder / "sitewise.duckdb",
        "select effect from headline",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["effect", "0.25"]


def test_the_same_content_makes_no_new_release(candidate, tmp_path):
    first = publish(tmp_path / "releases", candidate, passing(candidate))
    build(candidate.warehouse, sites=("a", "b"))
    again = publish(tmp_path / "releases", candidate, passing(candidate))
    assert (again.is_new, again.release_id) == (False, first.release_id)
    assert len(list_releases(tmp_path / "releases")) == 1


def test_the_manifest_names_the_hashes_a_release_follows_from(candidate, tmp_path):
    published = publish(tmp_path / "releases", candidate, passing(candidate))
    manifest = json.loads((published.folder / "manifest.json").read_text())
    assert manifest["fingerprints"] == {"inputs": "abc"}
    assert manifest["verdict"]["content_hash"] == manifest["content_hash"] == published.content_hash
    assert manifest["tables"]["sites"]["row_count"] == 2


def test_a_release_that_needs_approval_is_made_but_not_served(candidate, tmp_path):
    careful = replace(candidate, approval="manual")
    published = publish(tmp_path / "releases", careful, passing(careful))
    assert published.is_new
    assert current_release(tmp_path / "releases") is None
    assert not publish(tmp_path / "releases", careful, passing(careful)).is_new
