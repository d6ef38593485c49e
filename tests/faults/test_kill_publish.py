"""A publisher killed at any step leaves the release before served, and the next night publishes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lock import hold_home
from orchestration.release.listing import current_release, list_releases, verify_release

# For each line "effect kill_at" a fresh child publishes, and ends itself with SIGKILL just before its
# kill_at-th act on the file system: every gap between two acts is a place where the machine goes down.
PUBLISHER = """
import importlib.util, os, signal, sys
from pathlib import Path
from orchestration.lock import hold_home
from orchestration.release.publish import publish

home, fixture_path = Path(sys.argv[1]), sys.argv[2]
spec = importlib.util.spec_from_file_location("published_fixture", fixture_path)
fixture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixture)
ACTS = {"os.rename", "os.mkdir", "os.symlink", "os.chmod", "os.remove"}

def publish_once(effect, kill_at):
    acts = 0

    def watch(event, arguments):
        nonlocal acts
        opens = event == "open" and "releases" in str(arguments[0]) and arguments[1] not in ("r", "rb")
        if event in ACTS or opens:
            acts += 1
            if acts == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    with hold_home(home, "test"):
        candidate = fixture.build(home / "warehouse.duckdb", effect=effect)
        verdict = fixture.passing(candidate)
        sys.addaudithook(watch)
        publish(home / "releases", candidate, verdict)
    (home / "acts").write_text(str(acts))

for line in sys.stdin:
    effect, kill_at = line.split()
    if (pid := os.fork()) == 0:
        publish_once(float(effect), int(kill_at))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
FIXTURE = Path(__file__).parents[1] / "unit" / "test_release_publish.py"


@pytest.fixture
def publisher(tmp_path):
    """Publishes an effect in a process of its own, killed at the given act (0: never); its exit status."""
    command = [sys.executable, "-c", PUBLISHER, str(tmp_path), str(FIXTURE)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def publish(effect: float, kill_at: int = 0) -> int:
        process.stdin.write(f"{effect} {kill_at}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield publish
    process.stdin.close()
    process.wait()


def test_a_publisher_killed_between_any_two_acts_leaves_a_whole_release(publisher, tmp_path):
    releases = tmp_path / "releases"
    assert publisher(0.25) == publisher(0.5) == 0
    acts = int((tmp_path / "acts").read_text())
    assert acts > 20
    swaps = 0
    # Every third act while the stage is being written, and each of the last ones, around the swap.
    steps = sorted({*range(1, acts, 3), *range(acts - 5, acts + 1)})
    for step in steps:
        effect = 1 + step / 100
        before = current_release(releases).release_id
        assert publisher(effect, kill_at=step) == -signal.SIGKILL
        served = current_release(releases)
        swaps += served.release_id != before
        assert verify_release(served) == []
        assert publisher(effect) == 0
        after = current_release(releases)
        assert after.release_id != before
        assert verify_release(after) == []
        with hold_home(tmp_path, "after"):
            assert [path.name for path in releases.glob(".*")] == []
    assert 0 < swaps < 5
    published = list_releases(releases)
    assert len({release.content_hash for release in published}) == len(published) == len(steps) + 2
