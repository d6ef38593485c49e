"""`sitewise simulate`: a made-up programme to run, or a study of how often the models' claims are wrong.

In: options. Out: a folder of exports, or a table of rates per cell of the grid, printed and as CSV. Neither
draws nor estimates live here.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestration.cli_options import fail

if TYPE_CHECKING:
    from ingestion.simulate.coverage.tally import Tally

_INTERVALS = {
    "site_bias": "site bias",
    "pilot_bias": "pilot bias",
    "scaled_bias": "scaled bias",
    "retention_bias": "ret. bias",
    "site_covered_pct": "site",
    "pilot_covered_pct": "pilot",
    "scaled_covered_pct": "scaled",
    "retention_covered_pct": "ret.",
    "retention_bounded_covered_pct": "bounded",
    "retention_unbounded_covered_pct": "unb.",
    "retention_unbounded_pct": "are unb.",
}
_VERDICTS = {
    "held_pct": "held",
    "faded_pct": "faded",
    "faded_partial_pct": "partial",
    "faded_negligible_pct": "negligible",
    "reversed_pct": "reversed",
    "not_established_pct": "not est.",
    "inconclusive_pct": "inconcl.",
    "wrong_held_pct": "WRONG held",
    "wrong_faded_pct": "faded",
    "wrong_reversed_pct": "reversed",
}


def simulate(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write (it must not exist yet); with --coverage a CSV file.")
    ] = None,
    sites: Annotated[str, typer.Option(help="Pilot, scale_pilot and scaled sites.")] = "4,2,12",
    respondents: Annotated[int, typer.Option(help="Children listed per site.")] = 240,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files, and the same study.")] = 7,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Study intervals and verdicts on many programmes instead.")
    ] = False,
    programmes: Annotated[
        int, typer.Option(help="With --coverage: programmes of the costliest cells.", min=1)
    ] = 400,
    group: Annotated[str, typer.Option(help="With --coverage: one group of the grid only.")] = "",
) -> None:
    """Write a whole simulated programme: YAML, exports in four platforms' shapes, and the planted truth.

    With --coverage, simulate many programmes as moments instead, run the models on them, and report per cell
    of a fixed grid how often intervals hold their truth and how often a verdict is wrong.

    Example: sitewise simulate --sites 4,2,12 --respondents 240 --seed 7 --out my_programme

    Example: sitewise simulate --coverage --programmes 400 --seed 7 --out rates.csv
    """
    if coverage:
        study(programmes, seed, group, out)
        return
    if out is None:
        fail("No folder is named. Remedy: add --out my_programme (or --coverage, for the study).")
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


def study(programmes: int, seed: int, group: str, out: Path | None) -> None:
    """Runs the simulation study and prints a row per cell."""
    from ingestion.simulate.coverage.grid import GRID
    from ingestion.simulate.coverage.tally import Tally
    from orchestration.simulation_study import run_study

    groups = list(dict.fromkeys(cell.group for cell in GRID))
    if group and group not in groups:
        fail(f"--group is '{group}'. Remedy: give one of {', '.join(groups)}, or none.")
    if out is not None and out.exists():
        fail(f"{out} exists. Remedy: name a file that does not, or remove it.")
    cells = [cell for cell in GRID if group in ("", cell.group)]
    console, errors = Console(width=max(150, Console().width)), Console(stderr=True)
    bar = Progress(TextColumn("simulating"), BarColumn(), TimeElapsedColumn(), console=errors, transient=True)
    tallies = [Tally(cell) for cell in cells]
    with bar:
        task = bar.add_task("", total=1.0)
        for share in run_study(tallies, programmes, seed, threads=2):
            bar.update(task, completed=share)
    console.print(f"seed {seed}; k sites a stage, G clusters an arm, R the true retention")
    console.print(
        "Bias in outcome SDs (retention: a ratio), and percent of 95% intervals that hold the truth"
    )
    console.print(_table(tallies, _INTERVALS, 3))
    console.print("Percent of programmes with each verdict, and with a verdict that is not so")
    console.print(_table(tallies, _VERDICTS, 1))
    if out is not None:
        import polars as pl

        told = {"seed": seed, "studied_on": datetime.now(UTC).date().isoformat()}
        rows = [{**tally.row(), **told} for tally in tallies]
        pl.DataFrame(rows, infer_schema_length=None).write_csv(out)
        typer.echo(f"Wrote {out}: every cell with its rates (percent) and biases (outcome SDs).")


def _table(tallies: "list[Tally]", columns: dict[str, str], digits: int) -> Table:
    table = Table("cell", "n", *columns.values(), box=None, header_style="bold", pad_edge=False)
    table.columns[0].no_wrap = True
    for tally in tallies:
        row = tally.row()
        shown = (
            "" if row.get(name) is None else f"{row[name]:.{1 if name.endswith('_pct') else digits}f}"
            for name in columns
        )
        table.add_row(str(tally.cell), f"{row['programmes']}", *shown)
    return table
