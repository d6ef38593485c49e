"""Everything that Dagster sees: assets, checks, jobs, the schedule, the home.

In: the environment and the models' manifest. Out: `definitions`. Loading it needs no programme and no data,
and imports neither the gates' engine nor dbt's runner (but to parse models that have changed). Assets and
their computations live in assets/.
"""

import dagster as dg
from dagster import JobDefinition

from orchestration.assets.gates import SITE_STATES, admission_gate, candidate_gate
from orchestration.assets.models import model_assets
from orchestration.assets.pull import receipts, sources
from orchestration.assets.registry import registry_assets
from orchestration.assets.release import release_asset
from orchestration.dbt_run import manifest
from orchestration.home import Home
from orchestration.jobs import NIGHTLY, nightly, pull_source
from orchestration.progress import night_logger
from orchestration.schedules import nightly_schedule
from orchestration.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of one deployment."""
    parsed = manifest(settings)
    return dg.Definitions(
        assets=[
            sources,
            receipts,
            registry_assets(parsed),
            *model_assets(parsed),
            admission_gate,
            SITE_STATES,
            candidate_gate(parsed),
            release_asset(parsed),
        ],
        jobs=[nightly, pull_source],
        schedules=[nightly_schedule(settings)],
        resources={"home": Home()},
        executor=dg.in_process_executor,
        loggers={"console": night_logger},
    )


definitions = build_definitions(Settings.from_environment())


def nightly_job() -> JobDefinition:
    """The night's job, for running it in this process."""
    return definitions.resolve_job_def(NIGHTLY)
