"""The `sitewise` command: each subcommand calls one door of a room and says what came of it.

In: options, which become the environment's settings. Out: words on the terminal and an exit status. Heavy
libraries are imported inside the subcommand that needs them, so that help and errors are quick.
"""

from typing import Annotated

import typer
from rich.console import Console

from orchestration.cli_check import check
from orchestration.cli_freeze import freeze
from orchestration.cli_options import HomeOption, ProgrammeOption, read_settings
from orchestration.cli_quality import quality_app
from orchestration.cli_quarantine import quarantine
from orchestration.cli_release import release_app
from orchestration.cli_release_upkeep import diff, prune
from orchestration.cli_simulate import simulate
from orchestration.cli_ui import ui
from orchestration.cli_withdrawals import withdrawals_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Survey exports of pilot and scaled sites in; a gated, published answer out.",
)


@app.command()
def nightly(
    home: HomeOption = "",
    programme: ProgrammeOption = "",
    as_of: Annotated[
        str, typer.Option(help="The night's date, e.g. 2026-03-31.", envvar="SITEWISE_AS_OF")
    ] = "",
    threads: Annotated[str, typer.Option(help="Threads of the database.", envvar="SITEWISE_THREADS")] = "",
) -> None:
    """Run the whole night: pull, judge, compute, publish.

    Example: sitewise nightly --programme demo
    """
    settings = read_settings(home, programme, as_of, threads)
    errors = Console(stderr=True)
    with errors.status("starting"):
        from orchestration.night import run_night
        from orchestration.progress import ProgressBar, write_log
        from orchestration.report import print_night

        settings.prepare()
        log = settings.home / "logs" / "nightly.log"
        write_log(log)
    with ProgressBar(errors):
        night = run_night(settings)
    print_night(Console(), settings, night)
    if night.state == "failed":
        errors.print(f"The night failed: {night.message}", style="bold red", markup=False)
        errors.print(f"What was published before is still served. Log: {log}", markup=False)
        raise typer.Exit(1)


app.command()(simulate)
app.command()(check)
app.command()(freeze)
app.command()(quarantine)
release_app.command()(diff)
release_app.command()(prune)
app.add_typer(quality_app, name="quality")
app.add_typer(release_app, name="release")
app.add_typer(withdrawals_app, name="withdrawals")
app.command()(ui)
