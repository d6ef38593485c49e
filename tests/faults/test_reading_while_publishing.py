"""A reader who opens what is served, again and again, always finds one whole release."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lock import hold_home
from orchestration.release.listing import current_release, list_releases, verify_release
from orchestration.release.publish import publish

_spec = importlib.util.spec_from_file_location(
    "published_fixture", Path(__file__).parents[1] / "unit" / "test_release_publish.py"
)
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)

RELEASES = 200
# Opens the served file by its symlink, as an analyst's script does, until told to stop.
READER = """
import sys
from pathlib import Path
import duckdb

current, stop = Path(sys.argv[1]), Path(sys.argv[2])
seen, reads = set(), 0
while not stop.exists():
    folder = current.resolve()
    with duckdb.connect(str(folder / "sitewise.duckdb"), read_only=True) as connection:
        [(release_id, content)] = connection.execute(
            "select release_id, content_hash from release"
        ).fetchall()
        [(effect,)] = connection.execute("select effect from headline").fetchall()
    parquet = duckdb.sql(f"select effect from '{folder}/parquet/headline.parquet'").fetchall()
    assert parquet == [(effect,)], (parquet, effect)
    assert folder.name == release_id, (folder.name, release_id)
    seen.add((release_id, content, effect))
    reads += 1
assert len({release_id for release_id, _, _ in seen}) == len(seen), "one release, two contents"
print(reads, len(seen))
"""


@pytest.mark.slow
def test_a_reader_in_a_loop_finds_a_whole_release_during_two_hundred(tmp_path):
    releases, stop = tmp_path / "releases", tmp_path / "stop"

    def release(effect: float) -> None:
        with hold_home(tmp_path, "test"):
            candidate = fixture.build(tmp_path / "warehouse.duckdb", effect=effect)
            publish(releases, candidate, fixture.passing(candidate))

    release(0.0)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(releases / "current"), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for turn in range(1, RELEASES):
        assert reader.poll() is None, reader.communicate()[1]
        release(turn / 8)
    stop.touch()
    told, fault = reader.communicate(timeout=60)
    assert reader.returncode == 0, fault
    reads, seen = map(int, told.split())
    assert reads >= seen > 20
    assert len(list_releases(releases)) == RELEASES
    assert verify_release(current_release(releases)) == []
