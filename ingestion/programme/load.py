"""Loads a programme folder, or says everything that is wrong with it.

In: the YAML files of one folder. Out: a `Programme`, or all faults at once. Shapes live in the models,
references between files in the checks; data are never looked at.
"""

from pathlib import Path

from ingestion.programme.check_aggregates import check_aggregates
from ingestion.programme.check_analyses import check_analyses
from ingestion.programme.check_comparability import check_comparability
from ingestion.programme.check_corrections import check_corrections
from ingestion.programme.check_costs import check_costs
from ingestion.programme.check_covariates import check_covariates
from ingestion.programme.check_measures import check_measures
from ingestion.programme.check_moderators import check_moderators
from ingestion.programme.check_names import check_names
from ingestion.programme.check_population import check_population
from ingestion.programme.check_privacy import check_privacy
from ingestion.programme.check_sites import check_sites
from ingestion.programme.check_source_pairs import check_source_pairs
from ingestion.programme.check_sources import check_sources
from ingestion.programme.check_units import check_units
from ingestion.programme.declared import Declared
from ingestion.programme.entries import Entry, read_entries
from ingestion.programme.faults import Fault, ProgrammeFaults
from ingestion.programme.files import read_folder
from ingestion.programme.model import Programme

__all__ = ["Entry", "Fault", "ProgrammeFaults", "check_programme", "load_programme", "read_entries"]


def load_programme(folder: Path) -> Programme:
    """The programme in that folder; warnings do not stop it.

    Raises:
        ProgrammeFaults: Everything that is wrong with it, each with file, line, field and remedy.
    """
    declared, faults = _judged(folder)
    if any(fault.severity == "error" for fault in faults):
        raise ProgrammeFaults(faults)
    return declared.programme(folder)


def check_programme(folder: Path) -> list[Fault]:
    """Every fault of the programme in that folder, warnings among them, in the order of files and lines."""
    return sorted(set(_judged(folder)[1]))


def _judged(folder: Path) -> tuple[Declared, list[Fault]]:
    declared, faults = read_folder(folder)
    one_by_one = (
        check_names,
        check_sites,
        check_population,
        check_sources,
        check_privacy,
        check_source_pairs,
        check_aggregates,
        check_corrections,
        check_costs,
        check_measures,
        check_units,
        check_analyses,
        check_covariates,
        check_comparability,
        check_moderators,
    )
    return declared, faults + [fault for check in one_by_one for fault in check(declared)]
