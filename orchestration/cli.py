"""The `sitewise` command: each subcommand calls one door of a room and says what came of it.

In: options, which become the environment's settings. Out: words on the terminal and an exit status. Heavy
libraries are imported inside the subcommand that needs them, so that help and errors are quick.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.cli_check import check
from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings
from orchestration.cli_release import release_app
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


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write; it must not exist yet.")],
    sites: Annotated[str, typer.Option(help="Pilot, scale_pilot and scaled sites.")] = "4,2,12",
    respondents: Annotated[int, typer.Option(help="Children listed per site.")] = 240,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files.")] = 7,
) -> None:
    """Write a whole simulated programme: YAML, exports in four platforms' shapes, and the planted truth.

    Example: sitewise simulate --sites 4,2,12 --respondents 240 --seed 7 --out my_programme
    """
    counts = sites.split(",")
    if len(counts) != 3 or not all(count.strip().isdigit() for count in counts):
        fail(f"--sites is '{sites}'. Remedy: give three whole numbers, e.g. 4,2,12.")
    if out.exists():
        fail(f"{out} exists. Remedy: name a folder that does not, or remove it.")
    from ingestion.simulate import simulate as write

    pilot, scale_pilot, scaled = (int(count) for count in counts)
    try:
        write(out, (pilot, scale_pilot, scaled), respondents, seed)
    except ValueError as fault:
        fail(f"Nothing was simulated: {fault}.")
    typer.echo(f"Wrote {out}. Run it: sitewise nightly --programme {out}")


app.command()(check)
app.add_typer(release_app, name="release")
app.add_typer(withdrawals_app, name="withdrawals")
app.command()(ui)
