"""A run whose process was killed is ended, and its slot freed, before the next one works."""

import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from orchestration.reap import reap_dead_runs
from orchestration.settings import Settings

RUN = """
import time
import dagster as dg

@dg.op(pool="warehouse")
def long_work():
    print("working", flush=True)
    time.sleep(60)

@dg.job(executor_def=dg.in_process_executor)
def long_job():
    long_work()

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        dg.execute_job(dg.reconstructable(long_job), instance=instance)
"""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    for name in ("DAGSTER_HOME", "SITEWISE_HOME", "PATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    Settings(tmp_path, "demo", 1).prepare()
    with dg.DagsterInstance.get() as instance:
        yield instance


def start_a_run(folder):
    script = folder / "long_run.py"
    script.write_text(RUN)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout.readline() == b"working\n"
    return process


def test_a_killed_run_is_failed_and_its_slot_freed(instance, tmp_path):
    process = start_a_run(tmp_path)
    [run] = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.STARTED
    assert instance.event_log_storage.get_concurrency_info("warehouse").active_slot_count == 1
    assert reap_dead_runs(instance) == []

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert reap_dead_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_info("warehouse").active_slot_count == 0
    assert reap_dead_runs(instance) == []
