"""The registry: what a programme declares and what lies in its lake tonight, as tables.

In: a `Programme`, the home and the night's date. Out: one Arrow table per registry table, rules excepted.
Nothing is written here, and no wall-clock time enters.
"""

from datetime import date
from pathlib import Path

import pyarrow as pa

from ingestion.programme.model import Programme
from ingestion.programme.registry_aside import aside_rows
from ingestion.programme.registry_comparability import comparability_rows
from ingestion.programme.registry_costs import cost_rows
from ingestion.programme.registry_design import design_rows
from ingestion.programme.registry_forms import form_rows
from ingestion.programme.registry_lake import lake_rows
from ingestion.programme.registry_measures import measure_rows
from ingestion.programme.registry_population import population_rows
from ingestion.programme.registry_schemas import KEYS, SCHEMAS, registry_table
from ingestion.programme.registry_units import unit_rows

__all__ = ["KEYS", "SCHEMAS", "registry_tables"]


def registry_tables(programme: Programme, home: Path, as_of: date) -> dict[str, pa.Table]:
    """Every registry table but the rules', with exact types and in key order.

    What was answered before this night is not known here: those tables are empty.

    Args:
        programme: The programme as loaded.
        home: SITEWISE_HOME, whose lake and receipts are read.
        as_of: The night's date, which decides each wave's state.
    """
    rows = design_rows(programme, as_of) | measure_rows(programme) | form_rows(programme)
    rows |= unit_rows(programme) | comparability_rows(programme) | lake_rows(programme, home)
    rows |= aside_rows(programme, home) | population_rows(programme) | cost_rows(programme)
    return {table: registry_table(table, rows.get(table, [])) for table in SCHEMAS}
