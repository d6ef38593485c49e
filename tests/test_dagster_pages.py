"""Dagster loads the project anywhere; its pages run on this machine only, on the deployment's own home."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
QUESTION = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    jobs { name } schedules { name scheduleState { status } }
    assetGroups { groupName } assetNodes { assetKey { path } owners { __typename } kinds description }
} } } }"""


def environment(home: Path | None = None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SITEWISE_", "DAGSTER_"))}
    return kept | ({"SITEWISE_HOME": str(home)} if home else {})


def test_the_definitions_load_with_nothing_set_and_no_home_yet(tmp_path):
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", PROJECT / "workspace.yaml"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / ".sitewise" / "warehouse.duckdb").exists()


@pytest.mark.slow
def test_the_pages_show_every_layer_and_a_running_schedule_and_end_with_the_command(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("sitewise"), "ui", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        [repository] = ask(port)["data"]["repositoriesOrError"]["nodes"]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert {"nightly", "pull_source"} <= {job["name"] for job in repository["jobs"]}
    assert [s["scheduleState"]["status"] for s in repository["schedules"]] == ["RUNNING"]
    groups = {group["groupName"] for group in repository["assetGroups"]}
    layers = "registry lake staging frame outcomes facts gates moments effects published release"
    assert set(layers.split()) <= groups
    for node in repository["assetNodes"]:
        assert node["owners"], node
        assert node["kinds"], node
        assert node["description"], node
    with pytest.raises(OSError):
        ask(port, patience=0)


def ask(port: int, patience: float = 60) -> dict:
    """One question to the pages, asked again until they are there."""
    body = json.dumps({"query": QUESTION}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"}
    )
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
