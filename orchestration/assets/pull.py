"""The pulls: every source each night in one step, or one source again by its own job.

In: the programme. Out: the lake, receipts, and for each source that delivered a materialisation of its
partition; one that did not gets none, so that the UI shows which one is late. No platform is known here.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ingestion.consent.redaction_log import held_between
from ingestion.programme.model import Programme
from ingestion.pull import pull_programme, pull_source
from ingestion.receipt import Receipt
from orchestration.assets import OWNERS
from orchestration.home import Home
from orchestration.programmes import load
from orchestration.settings import Settings
from orchestration.warehouse import WRITER_POOL, remove

SOURCES = dg.AssetKey(["lake", "sources"])
RECEIPTS = dg.AssetKey(["lake", "receipts"])
PARTITIONS = dg.DynamicPartitionsDefinition(name="sources")
# An empty export came, but it delivered nothing: its source is late.
DELIVERED = ("landed", "unchanged")


class PullFailed(RuntimeError):
    """A source could not be pulled; the message is its receipt's."""


@dg.asset(
    key=SOURCES,
    partitions_def=PARTITIONS,
    group_name="lake",
    owners=OWNERS,
    kinds={"python", "parquet"},
    pool=WRITER_POOL,
    description="The lake's tables of each source, one partition a source: its current rows as text, read"
    " from the originals in the landing. The nightly job reports each source that delivered; pull"
    " one again with the job `pull_source`.",
)
def sources(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """Pulls one source again."""
    programme, as_of = load(home.settings)
    with _warehouse_without_withdrawn(home.settings):
        receipt = pull_source(programme, context.partition_key, home.settings.home, as_of)
    if receipt.state not in DELIVERED:
        raise PullFailed(f"{receipt.source}: {receipt.message}")
    return dg.MaterializeResult(metadata=receipt_metadata(receipt))


@dg.multi_asset(
    name="receipts",
    specs=[
        dg.AssetSpec(
            RECEIPTS,
            group_name="lake",
            owners=OWNERS,
            kinds={"python", "json"},
            description="One night's pulls of every source: each landed under its content's hash, read into"
            " the lake, and told of in a receipt.",
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_source_delivered",
            asset=RECEIPTS,
            description="Each source was pulled tonight or stands unchanged. One that was not is marked, and"
            " stops nobody else.",
        )
    ],
    pool=WRITER_POOL,
)
def receipts(
    context: dg.AssetExecutionContext, home: Home
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Pulls every source; one that fails stops no other."""
    programme, as_of = load(home.settings)
    keep_partitions(context.instance, programme)
    late: dict[str, str] = {}
    states: dict[str, str] = {}
    with _warehouse_without_withdrawn(home.settings):
        for receipt in pull_programme(programme, home.settings.home, as_of=as_of):
            # A source that was made again without people who withdrew is told of twice: the last word holds.
            states[receipt.source] = receipt.state
            _tell(context, receipt, late)
    counts = Counter(states.values())
    yield dg.MaterializeResult(asset_key=RECEIPTS, metadata={f"{k}_sources": n for k, n in counts.items()})
    yield dg.AssetCheckResult(
        check_name="every_source_delivered",
        asset_key=RECEIPTS,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=late,
    )


def _tell(context: dg.AssetExecutionContext, receipt: Receipt, late: dict[str, str]) -> None:
    """Reports a source that delivered, and notes one that did not."""
    if receipt.state in DELIVERED:
        late.pop(receipt.source, None)
        metadata = receipt_metadata(receipt)
        context.log_event(dg.AssetMaterialization(SOURCES, partition=receipt.source, metadata=metadata))
        if receipt.definition_changed:
            context.log.warning(f"source {receipt.source}: its form was changed since the last good pull")
    else:
        late[receipt.source] = f"{receipt.state}: {receipt.message}"
        context.log.warning(f"source {receipt.source}: {receipt.state}: {receipt.message}")


@contextmanager
def _warehouse_without_withdrawn(settings: Settings) -> Iterator[None]:
    """Removes the warehouse where people withdrew who may be in it; the next night builds it anew."""
    before = len(list(held_between(settings.home)))
    try:
        yield
    finally:
        if len(list(held_between(settings.home))) > before:
            remove(settings.warehouse)


def keep_partitions(instance: dg.DagsterInstance, programme: Programme) -> None:
    """Makes the partitions the programme's sources: a source is one YAML entry, also here."""
    wanted = {source.source for source in programme.sources}
    known = set(instance.get_dynamic_partitions("sources"))
    instance.add_dynamic_partitions("sources", sorted(wanted - known))
    for gone in sorted(known - wanted):
        instance.delete_dynamic_partition("sources", gone)


def receipt_metadata(receipt: Receipt) -> dict[str, str | int | bool]:
    """A receipt's counts: no name of a person's column, no value."""
    return {
        "state": receipt.state,
        "receipt": receipt.receipt_id,
        "originals": len(receipt.originals),
        "tables": len(receipt.tables),
        "rows_read": receipt.rows_read,
        "dagster/row_count": receipt.rows_kept,
        "rows_replaced": receipt.rows_replaced,
        "rows_not_accepted": receipt.rows_not_accepted,
        "rows_quarantined": receipt.rows_quarantined,
        "rows_deleted": receipt.rows_deleted,
        "rows_withdrawn": receipt.rows_withdrawn,
        "columns_dropped": len(receipt.columns_dropped),
        "definition_changed": receipt.definition_changed,
    }
