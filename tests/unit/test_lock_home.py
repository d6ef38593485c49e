"""One writer at a time, and a killed one never stands in the next one's way."""

import os
import signal
import subprocess
import sys
import time

import pytest

from orchestration.lock import HomeHeld, hold_home

HOLDER = """
import sys, time
from pathlib import Path
from orchestration.lock import hold_home
with hold_home(Path(sys.argv[1]), "a test's holder"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the home."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_held_home_names_its_holder_and_the_remedy(tmp_path, holder):
    with pytest.raises(HomeHeld) as held, hold_home(tmp_path, "another"):
        pass
    message = str(held.value)
    assert f"process {holder.pid} (a test's holder, since " in message
    assert f"kill {holder.pid}" in message


def test_a_killed_holder_frees_the_home_at_once(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    started = time.monotonic()
    with hold_home(tmp_path, "next"):
        assert time.monotonic() - started < 1


def test_the_next_holder_sweeps_what_a_killed_one_left(tmp_path):
    half = tmp_path / "releases" / "2026-03-31-0123456789ab"
    whole = tmp_path / "releases" / "2026-03-30-0123456789ab"
    stage = tmp_path / "releases" / ".stage-x"
    arriving = tmp_path / "lake" / ".versions" / ".arriving-listing-x"
    for folder in (half, whole, stage, arriving):
        folder.mkdir(parents=True)
        (folder / "part").write_text("x")
    (whole / "manifest.json").write_text("{}")
    (tmp_path / "releases" / "current").symlink_to(whole.name)
    with hold_home(tmp_path, "next"):
        assert [folder.exists() for folder in (half, whole, stage, arriving)] == [False, True, False, False]
        assert (tmp_path / "releases" / "current").resolve() == whole.resolve()


def test_a_home_can_be_held_again_by_the_same_process(tmp_path):
    for _ in range(2):
        with hold_home(tmp_path, "once more"):
            assert (tmp_path / "sitewise.lock.json").exists()
        assert not (tmp_path / "sitewise.lock.json").exists()
