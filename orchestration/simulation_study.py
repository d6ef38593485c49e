"""Runs the models on simulated programmes and collects what became of them: `sitewise simulate --coverage`.

In: cells of the grid, programmes per cell, a seed. Out: one row of rates per cell. The draws, the truth and
the counting are ingestion's; the estimates are the models' own, from the moments sites send to the verdict.
"""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from ingestion.simulate.coverage.draws import STAGES, Draws, draw
from ingestion.simulate.coverage.grid import Cell
from ingestion.simulate.coverage.tables import indicator, study_tables
from ingestion.simulate.coverage.tally import Tally, tally
from orchestration.dbt_run import ModelsFailed, build
from orchestration.settings import Settings
from orchestration.warehouse import connected, write_tables

# Every model between what sites send and the verdict, without the people's rows before them.
BEFORE, AFTER = "+int_effect_retention,tag:before_admission", "+int_effect_retention,tag:after_admission"
MOMENTS_AT_ONCE = 1_000_000
Numbered = tuple[int, Cell]


def run_study(tallies: Sequence[Tally], programmes: int, seed: int, threads: int) -> Iterator[float]:
    """Runs the study and adds to the tallies; yields the share done (0 to 1) after every batch.

    Args:
        tallies: one for each cell to simulate; its place in this sequence and the seed fix its draws.
        programmes: programmes of the costliest cells, see `Cell.draws`.
        seed: the same seed gives the same study.
        threads: threads of the database.
    """
    cells = [tally.cell for tally in tallies]
    generators = [np.random.default_rng([seed, number]) for number in range(len(cells))]
    batches = list(_batches(list(enumerate(cells)), programmes))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), "simulated", threads)
        settings.prepare()
        _build_empty(settings)
        for done, batch in enumerate(batches, start=1):
            drawn = {
                number: (cells[number], draw(cells[number], size, generators[number]))
                for number, size in batch
            }
            for schema, tables in study_tables(drawn).items():
                write_tables(settings.warehouse, schema, tables)
            _build(settings, AFTER)
            for number, (_, draws) in drawn.items():
                _collect(settings.warehouse, number, draws, tallies[number])
            yield done / len(batches)


def _batches(cells: list[Numbered], programmes: int) -> Iterator[list[tuple[int, int]]]:
    """Cells' numbers with how many programmes of each to run at once: of one number of sites, bounded."""

    def sites(numbered: Numbered) -> tuple[int, int]:
        return numbered[1].pilot_sites, numbered[1].sites

    for _, group in groupby(sorted(cells, key=sites), key=sites):
        batch, room = [], MOMENTS_AT_ONCE
        for number, cell in group:
            left, rows = cell.draws(programmes), cell.moments
            while left:
                size = min(left, max(room // rows, 0))
                if size:
                    batch.append((number, size))
                    left, room = left - size, room - size * rows
                if left:
                    yield batch
                    batch, room = [], MOMENTS_AT_ONCE
        if batch:
            yield batch


def _build(settings: Settings, select: str) -> None:
    """Runs models, all or none: a study of what the last batch left would count it twice.

    Raises:
        ModelsFailed: a model failed; the message names each.
    """
    faults = [
        f"{node.unique_id}: {node.message}" for node in build(settings, [select]) if node.status == "error"
    ]
    if faults:
        raise ModelsFailed("\n".join(faults))


def _build_empty(settings: Settings) -> None:
    """The first half on a programme without anything, so that every table that models read is there."""
    write_tables(settings.warehouse, "registry", {name: registry_table(name, []) for name in SCHEMAS})
    _build(settings, BEFORE)
    with connected(settings.warehouse) as connection:
        connection.execute("drop view staging.stg_moments")


def _collect(warehouse: Path, number: int, draws: Draws, into: Tally) -> None:
    stage = pl.col("stage").replace_strict(dict(enumerate(STAGES)), return_dtype=pl.String)
    truth = draws.truth.with_columns(indicator=indicator(number), site=pl.format("{}_{}", stage, "place"))
    here = f"where analysis = 'cell_{number}'"
    with connected(warehouse, read_only=True) as connection:
        sites, pools, retentions = (
            connection.sql(query).pl()
            for query in (
                f"from effects.int_site_effects {here} and is_headline and dimension = 'all'",
                f"from effects.int_pooled_effects {here} and is_headline and dimension = 'all'",
                f"from effects.int_effect_retention {here}",
            )
        )
    tally(into, truth, sites, pools, retentions)
