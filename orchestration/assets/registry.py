"""The registry's tables, and the decision whether tonight has any news.

In: the programme, the lake's receipts, the rules. Out: a fresh warehouse with schema `registry`, or nothing
at all where nothing changed, upon which Dagster skips every later step.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration.assets import OWNERS
from orchestration.assets.metadata import arrow_metadata
from orchestration.assets.pull import RECEIPTS, SOURCES
from orchestration.change import fingerprint, is_unchanged
from orchestration.home import Home
from orchestration.programmes import declared_tables, load
from orchestration.release.answers import earlier_tables
from orchestration.settings import Settings
from orchestration.warehouse import WRITER_POOL, remove, write_tables

NIGHT = "night"


def compute_registry(settings: Settings) -> tuple[dict[str, pa.Table], pa.Table]:
    """Everything that is known before the models run: the programme's tables and the night's own row.

    Raises:
        ProgrammeFaults: the programme's YAML has faults.
        RuleFaults: a rule has faults.
    """
    programme, as_of = load(settings)
    tables = declared_tables(programme, settings.home, as_of)
    tonight = fingerprint(tables, as_of)
    row = {
        "programme": programme.programme,
        "as_of_date": as_of,
        "title": programme.title,
        "approval": programme.publish.approve,
        "signing_key": programme.publish.sign.env if programme.publish.sign else "",
        **tonight,
    }
    # What was answered before is no input of the night's fingerprint: else no night would be without news.
    tables |= earlier_tables(settings.releases, tonight)
    return tables, pa.Table.from_pylist([row])


def registry_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One asset for each registry table that the models declare as their source."""
    declared = [source for source in manifest["sources"].values() if source["source_name"] == "registry"]
    specs = [
        dg.AssetSpec(
            dg.AssetKey(["registry", source["name"]]),
            deps=[RECEIPTS, SOURCES],
            group_name="registry",
            owners=OWNERS,
            kinds={"python", "duckdb"},
            description=source["description"] or source["source_description"],
            skippable=True,
        )
        for source in sorted(declared, key=lambda source: source["name"])
    ]

    @dg.multi_asset(name="registry", specs=specs, pool=WRITER_POOL)
    def registry(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
        """Writes the registry into a fresh warehouse; yields nothing where nothing changed."""
        settings = home.settings
        tables, night = compute_registry(settings)
        row = night.to_pylist()[0]
        if is_unchanged(settings, fingerprint_of(row)):
            context.log.info("nothing changed")
            return
        remove(settings.warehouse)
        write_tables(settings.warehouse, "registry", tables)
        write_tables(settings.warehouse, NIGHT, {"night": night})
        for spec in specs:
            table = tables[spec.key.path[-1]]
            yield dg.MaterializeResult(asset_key=spec.key, metadata=arrow_metadata(table))

    return registry


def fingerprint_of(night: Mapping[str, Any]) -> dict[str, str]:
    """The fingerprint part of the night's row."""
    return {kind: night[kind] for kind in ("inputs", "registry", "rules", "time", "code")}
