"""`sitewise ui`: Dagster's webserver and daemon on this machine only, on the same home.

In: settings. Out: two child processes, which end with this one. The webserver can start runs, and it asks
nobody who they are: it listens on 127.0.0.1, and another machine reaches it through a proxy that asks.
"""

import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from orchestration.cli_options import HomeOption, ProgrammeOption, read_settings
from orchestration.settings import PROJECT, Settings, SettingsFault

ADDRESS = "127.0.0.1"
PATIENCE_SECONDS = 20


def ui(
    home: HomeOption = "",
    programme: ProgrammeOption = "",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster's pages, and run the schedule, until Ctrl-C.

    Example: sitewise ui --port 3000
    """
    settings = read_settings(home, programme)
    settings.prepare()
    _settle(settings)
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    commands = [
        ["-m", "dagster_webserver", "--host", ADDRESS, "--port", str(port), *workspace],
        ["-m", "dagster._daemon", "run", *workspace],
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = [subprocess.Popen([sys.executable, *command], cwd=PROJECT) for command in commands]
    typer.echo(f"http://{ADDRESS}:{port} on {settings.home}; Ctrl-C ends it.")
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
    except KeyboardInterrupt:
        typer.echo("stopping")
    finally:
        ended = [child.returncode for child in children if child.poll() is not None]
        _stop(children)
    if any(ended):
        typer.echo("One of the two processes ended by itself; see its words above.", err=True)
        raise typer.Exit(1)


def _settle(settings: Settings) -> None:
    """Ends runs whose process died, or they would hold the queue, and shows every source as a partition."""
    from dagster import DagsterInstance

    from ingestion.programme.faults import ProgrammeFaults
    from orchestration.assets.pull import keep_partitions
    from orchestration.programmes import load
    from orchestration.reap import reap_dead_runs

    with DagsterInstance.get() as instance:
        reap_dead_runs(instance)
        try:
            keep_partitions(instance, load(settings)[0])
        except (ProgrammeFaults, SettingsFault) as faults:
            typer.echo(
                f"The programme has faults; its night will fail until they are mended:\n{faults}", err=True
            )


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
