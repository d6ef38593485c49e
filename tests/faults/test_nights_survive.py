"""A night that is killed, starved of disk or raced leaves the old release served; the next one makes it good.

Every case begins with the same served release and the same news, and ends with the same content.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

pytestmark = pytest.mark.slow
SITEWISE = str(Path(sys.executable).with_name("sitewise"))
# What the log says once a step has begun, or is in the middle of its work.
STEPS = {
    "pull": "receipts - STEP_START",
    "lake": "receipts - ASSET_MATERIALIZATION",
    "registry": "registry - STEP_START",
    "facts": "done: model.sitewise.stg_records",
    "first gate": "admission_gate - STEP_START",
    "effects": "done: model.sitewise.int_site_effects",
    "second gate": "candidate_gate - STEP_START",
    "release": "release__current - STEP_START",
}
DAMAGES = ("truncated", "flipped", "stale log", "none")


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SITEWISE_", "DAGSTER_"))}
    return kept | {"SITEWISE_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}


def night(home: Path, programme: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SITEWISE, "nightly", "--programme", str(programme)],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def manifest(home: Path) -> dict:
    return json.loads((home / "releases" / "current" / "manifest.json").read_text())


def is_sound(home: Path) -> bool:
    """The served release verifies, and nothing half-made lies beside it."""
    done = subprocess.run(
        [SITEWISE, "release", "verify"], env=environment(home), capture_output=True, check=False
    )
    return done.returncode == 0


def leftovers(home: Path) -> list[str]:
    folders = [path for path in (home / "releases").iterdir() if path.is_dir() and not path.is_symlink()]
    half = [path.name for path in folders if not (path / "manifest.json").exists()]
    return half + [path.name for path in (home / "releases").glob(".*")]


@pytest.fixture(scope="module")
def start(tmp_path_factory, write_small):
    """A served release, news that are waiting, and the content that they come to."""
    folder = tmp_path_factory.mktemp("survive")
    programme, home = write_small(folder / "small").folder, folder / "home"
    first = night(home, programme)
    assert first.returncode == 0, first.stdout + first.stderr
    export = programme / "exports" / "site_b" / "endline.csv"
    lines = export.read_text().splitlines()
    export.write_text("\n".join(lines[:-3]) + "\n")
    whole = folder / "whole"
    shutil.copytree(home, whole, symlinks=True)
    second = night(whole, programme)
    assert second.returncode == 0, second.stdout + second.stderr
    assert manifest(whole)["content_hash"] != manifest(home)["content_hash"]
    return SimpleNamespace(programme=programme, home=home, wanted=manifest(whole)["content_hash"])


@pytest.fixture
def home(start, tmp_path) -> Path:
    shutil.copytree(start.home, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def damage(warehouse: Path, how: str) -> None:
    """What a machine that went down may leave of the pipeline's own database."""
    if not warehouse.exists() or how == "none":
        return
    if how == "truncated":
        os.truncate(warehouse, warehouse.stat().st_size // 2)
    elif how == "flipped":
        content = bytearray(warehouse.read_bytes())
        for place in range(0, len(content), 4096):
            content[place] ^= 0x10
        warehouse.write_bytes(bytes(content))
    else:
        Path(f"{warehouse}.wal").write_bytes(os.urandom(8192))


@pytest.mark.parametrize(("step", "how"), [(step, DAMAGES[n % 4]) for n, step in enumerate(STEPS)])
def test_a_night_killed_with_all_its_children_is_made_good_by_the_next(start, home, step, how):
    served = manifest(home)["release_id"]
    log = home / "logs" / "nightly.log"
    offset = log.stat().st_size
    running = subprocess.Popen(
        [SITEWISE, "nightly", "--programme", str(start.programme)],
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while STEPS[step].encode() not in log.read_bytes()[offset:]:
        assert running.poll() is None, log.read_bytes()[offset:].decode()[-3000:]
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert manifest(home)["release_id"] == served
    assert is_sound(home)

    damage(home / "warehouse.duckdb", how)
    after = night(home, start.programme)
    assert after.returncode == 0, after.stdout + after.stderr
    assert manifest(home)["content_hash"] == start.wanted
    assert is_sound(home)
    assert leftovers(home) == []


def test_of_two_nights_at_once_one_is_turned_away_by_name_and_the_other_publishes(start, home):
    pair = [
        subprocess.Popen(
            [SITEWISE, "nightly", "--programme", str(start.programme)],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=600)[0] for process in pair]
    codes = [process.returncode for process in pair]
    assert sorted(codes) == [0, 1], told
    assert "is being written by process" in told[codes.index(1)]
    assert manifest(home)["content_hash"] == start.wanted
    assert is_sound(home)
    assert leftovers(home) == []


# Runs in a mount namespace of its own: a small disk for the home, a night on it, then room and another night.
ON_A_SMALL_DISK = """
set -u
mount -t tmpfs -o size=4g tmpfs "$2" || exit 97
cp -a "$1"/. "$2"/ || exit 98
used=$(df -k --output=used "$2" | tail -1)
mount -o remount,size=$((used + $3))k "$2" || exit 97
"$4" nightly --programme "$5" > "$6/first.txt" 2>&1
echo $? > "$6/first.code"
cp "$2/releases/current/manifest.json" "$6/between.json"
"$4" release verify > "$6/verify.txt" 2>&1
echo $? > "$6/verify.code"
mount -o remount,size=4g "$2" || exit 97
"$4" nightly --programme "$5" > "$6/second.txt" 2>&1
echo $? > "$6/second.code"
cp "$2/releases/current/manifest.json" "$6/after.json"
ls -A "$2/releases" > "$6/releases.txt"
"""


@pytest.mark.parametrize("spare_kb", [4, 200, 2_000, 6_000])
def test_a_full_disk_at_any_step_leaves_the_old_release_and_room_makes_it_good(start, tmp_path, spare_kb):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk of their own")
    disk, said = tmp_path / "disk", tmp_path / "said"
    disk.mkdir()
    said.mkdir()
    command = ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, "sh"]
    places = [start.home, disk, spare_kb, SITEWISE, start.programme, said]
    done = subprocess.run(
        [*command, *map(str, places)], env=environment(disk), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first = (said / "first.txt").read_text()
    assert (said / "first.code").read_text().strip() == "1", first
    words = " ".join(first.split())
    assert "The night failed: " in words
    assert "is full" in words or "No space left on device" in words or "disk is full" in words, words[-2000:]
    between = json.loads((said / "between.json").read_text())
    assert between["content_hash"] == manifest(start.home)["content_hash"]
    assert (said / "verify.code").read_text().strip() == "0", (said / "verify.txt").read_text()
    assert (said / "second.code").read_text().strip() == "0", (said / "second.txt").read_text()
    assert json.loads((said / "after.json").read_text())["content_hash"] == start.wanted
    assert [name for name in (said / "releases.txt").read_text().split() if name.startswith(".")] == []


def test_a_warehouse_that_cannot_be_read_publishes_nothing_by_itself(start, home):
    """The release step alone, on a damaged warehouse: a named failure, and the old release stays."""
    served = manifest(home)["release_id"]
    damage(home / "warehouse.duckdb", "truncated")
    code = (
        "import dagster as dg\n"
        "from orchestration.definitions import definitions\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    job = definitions.resolve_job_def('nightly')\n"
        "    result = job.execute_in_process(instance=instance, raise_on_error=False,\n"
        "        asset_selection=[dg.AssetKey(['release', 'current'])])\n"
        "    print('SUCCEEDED', result.success)\n"
    )
    programme = {"SITEWISE_PROGRAMME": str(start.programme)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment(home) | programme,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SUCCEEDED False" in done.stdout, done.stderr
    assert manifest(home)["release_id"] == served
    assert is_sound(home)
    with duckdb.connect(str(home / "releases/current/sitewise.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from headline").fetchall()[0][0] > 0
