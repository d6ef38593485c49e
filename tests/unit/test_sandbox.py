"""The child that reads: what it returns, what it is told, and that nothing in a file outlives its limits."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from ingestion import sandbox
from ingestion.export_fault import Encrypted, ExportFault, NothingThere
from ingestion.platforms.protocol import Original
from ingestion.programme.load import load_programme
from ingestion.rows.reading import read_originals
from ingestion.sandbox import Reader

SOURCE = "endline_site_a"


@pytest.fixture
def case(small_programme, tmp_path):
    """A programme, its source, and the source's one original."""
    programme = load_programme(small_programme.folder)
    export = small_programme.folder / "exports/site_a/endline.csv"
    return programme, programme.source(SOURCE), [Original(export.name, export)]


@pytest.fixture
def child():
    reader = Reader()
    yield reader
    reader.close()


def _into(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


def _wide(path, megabytes):
    """A file that is honest, and large in memory: many short cells."""
    row = ",".join(["ab"] * 60) + "\n"
    head = ",".join(["id", "child", "site", "when", "reads", "score", "age", *(f"c{n}" for n in range(53))])
    path.write_text(head + "\n" + row * (megabytes * 1024**2 // len(row)))


def test_a_child_reads_what_this_process_would_have_read(case, child, tmp_path) -> None:
    here, there = _into(tmp_path, "here"), _into(tmp_path, "there")
    assert child.read(*case, there) == read_originals(*case, here)
    assert {path.name: path.read_bytes() for path in here.iterdir()} == {
        path.name: path.read_bytes() for path in there.iterdir()
    }


def test_one_child_serves_one_reading_after_another_also_after_a_fault(case, child, tmp_path) -> None:
    programme, source, originals = case
    child.read(*case, _into(tmp_path, "first"))
    served_by = child._child.pid
    missing = [Original("gone.csv", originals[0].path.with_name("gone.csv"))]
    originals[0].path.with_name("bad.csv").write_text('a,b\n"1,2')
    with pytest.raises(ExportFault, match=r"bad\.csv: .*Remedy: ") as fault:
        bad = [Original("bad.csv", originals[0].path.with_name("bad.csv"))]
        child.read(programme, source, bad, _into(tmp_path, "second"))
    assert fault.value.file == "bad.csv"
    with pytest.raises(OSError, match="No such file"):
        child.read(programme, source, missing, _into(tmp_path, "third"))
    assert child.read(*case, _into(tmp_path, "fourth")).counts.rows_kept == 160
    assert child._child.pid == served_by


@pytest.mark.parametrize("kind", [ExportFault, NothingThere, Encrypted])
def test_a_fault_keeps_its_fields_on_its_way_between_processes(kind) -> None:
    fault = pickle.loads(pickle.dumps(kind("a.csv", "it is blank", "export it again")))
    assert type(fault) is kind
    assert (fault.file, fault.message, fault.remedy) == ("a.csv", "it is blank", "export it again")
    assert str(fault) == "a.csv: it is blank. Remedy: export it again."


def test_a_file_that_takes_too_much_memory_is_named_and_the_next_is_read(
    case, child, tmp_path, monkeypatch
) -> None:
    programme, source, originals = case
    monkeypatch.setenv("SITEWISE_READ_MEMORY_MB", "60")
    large = originals[0].path.with_name("large.csv")
    _wide(large, 80)
    with pytest.raises(ExportFault, match=r"large\.csv: reading it took more than 60 MiB of memory"):
        child.read(programme, source, [Original("large.csv", large)], _into(tmp_path, "large"))
    assert child.read(*case, _into(tmp_path, "next")).counts.rows_kept == 160


def test_a_file_that_takes_too_long_is_named_and_the_child_is_gone(
    case, child, tmp_path, monkeypatch
) -> None:
    programme, source, originals = case
    child.read(*case, _into(tmp_path, "first"))
    slow = originals[0].path.with_name("slow.csv")
    # A pipe that nobody writes to: reading it never ends.
    os.mkfifo(slow)
    pid = child._child.pid
    monkeypatch.setenv("SITEWISE_READ_SECONDS", "1")
    begun = time.monotonic()
    with pytest.raises(ExportFault, match=r"slow\.csv: reading it took longer than SITEWISE_READ_SECONDS"):
        child.read(programme, source, [Original("slow.csv", slow)], _into(tmp_path, "slow"))
    assert time.monotonic() - begun < 5 and not psutil.pid_exists(pid)


def test_a_child_that_dies_is_a_fault_of_the_file_and_another_takes_over(case, child, tmp_path) -> None:
    programme, source, originals = case
    child.read(*case, _into(tmp_path, "first"))
    slow = originals[0].path.with_name("slow.csv")
    os.mkfifo(slow)
    threading.Timer(0.3, os.kill, [child._child.pid, signal.SIGSEGV]).start()
    with pytest.raises(ExportFault, match=r"slow\.csv: the process that read it died \(SIGSEGV\)"):
        child.read(programme, source, [Original("slow.csv", slow)], _into(tmp_path, "slow"))
    assert child.read(*case, _into(tmp_path, "next")).counts.rows_kept == 160


def test_a_child_that_died_in_between_is_replaced_or_told(case, child, tmp_path) -> None:
    child.read(*case, _into(tmp_path, "first"))
    child._child.kill()
    child._child.wait()
    with pytest.raises(ExportFault, match="died"):
        child.read(*case, _into(tmp_path, "second"))
    assert child.read(*case, _into(tmp_path, "third")).counts.rows_kept == 160


def test_the_child_knows_the_pseudonyms_key_and_no_other_secret(case, monkeypatch) -> None:
    programme, _, _ = case
    named = {"platform": "redcap", "server": "https://redcap.example.org", "token": {"env": "THE_TOKEN"}}
    connection = type(programme).model_fields["connections"].annotation.__args__[1].model_validate(named)
    privacy = type(programme.privacy).model_validate({"landing_key": {"env": "THE_LANDING_KEY"}})
    programme = programme.model_copy(update={"connections": {"r": connection}, "privacy": privacy})
    for name in ("THE_TOKEN", "THE_LANDING_KEY", "SITEWISE_PSEUDONYM_KEY"):
        monkeypatch.setenv(name, "secret")
    environment = sandbox._environment(programme)
    assert "SITEWISE_PSEUDONYM_KEY" in environment
    assert not {"THE_TOKEN", "THE_LANDING_KEY"} & set(environment)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_child_does_not_outlive_its_parent(case, tmp_path, end) -> None:
    programme, source, originals = case
    slow = originals[0].path.with_name("slow.csv")
    os.mkfifo(slow)
    into = _into(tmp_path, "slow")
    (tmp_path / "request").write_bytes(pickle.dumps((programme, source, [Original("slow.csv", slow)], into)))
    code = (
        "import pickle, sys, threading, time; from pathlib import Path\n"
        "from ingestion.sandbox import reader\n"
        "request = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "with reader() as child:\n"
        "    def tell():\n"
        "        while child._child is None or not child._idle_bytes: time.sleep(0.02)\n"
        "        time.sleep(0.3); print(child._child.pid, flush=True)\n"
        "    threading.Thread(target=tell, daemon=True).start()\n"
        "    child.read(*request)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "request")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.send_signal(end)
    parent.wait(20)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_a_limit_that_is_no_number_is_told(case, child, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SITEWISE_READ_MEMORY_MB", "2 GB")
    with pytest.raises(ExportFault, match="SITEWISE_READ_MEMORY_MB is not a whole number above 0"):
        child.read(*case, _into(tmp_path, "into"))


def test_readers_opened_within_one_another_are_one() -> None:
    with sandbox.reader() as outer, sandbox.reader() as inner:
        assert outer is inner
