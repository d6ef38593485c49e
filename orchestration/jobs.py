"""The jobs: the night, and one source again.

In: the assets. Out: job definitions. Both run in one process (a step's start costs more than its work), and
both hold the home's lock through the resource their steps ask for.
"""

import dagster as dg

from orchestration.assets.pull import PARTITIONS, SOURCES

NIGHTLY = "nightly"
QUIET = {"loggers": {"console": {}}}

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(SOURCES),
    executor_def=dg.in_process_executor,
    config=QUIET,
    description="The whole night: pull every source, build up to the facts, judge, build the effects, judge"
    " the candidate, publish. Where nothing changed, it stops after the registry.",
)

pull_source = dg.define_asset_job(
    "pull_source",
    selection=dg.AssetSelection.assets(SOURCES),
    partitions_def=PARTITIONS,
    executor_def=dg.in_process_executor,
    config=QUIET,
    description="Pulls one source again, alone: choose it as the partition.",
)
