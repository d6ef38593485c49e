"""The models as assets and their tests as checks, in two halves around the gate.

In: the manifest. Out: two Dagster definitions that run dbt in this process. What a model computes is its own
matter; that the halves are tags, a folder is a group, and a failed model ends the step is decided here. What
a model's YAML says of its rows is judged within the model; only gates are Dagster's checks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.assets import OWNERS
from orchestration.assets.metadata import table_metadata
from orchestration.dbt_run import ModelsFailed, NodeResult, build
from orchestration.home import Home
from orchestration.progress import announce
from orchestration.warehouse import WRITER_POOL, TableFacts, describe

Results = Iterator[dg.MaterializeResult]


class Translator(DagsterDbtTranslator):
    """Names, groups and owners of the models in Dagster."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """A model's group is its innermost folder; a source's is its schema."""
        if dbt_resource_props["resource_type"] == "source":
            return str(dbt_resource_props["source_name"])
        return str(dbt_resource_props["fqn"][-2])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """One team owns the models."""
        return OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description from the YAML beside the model, without its SQL."""
        return str(dbt_resource_props.get("description") or "")


TRANSLATOR = Translator()


def model_assets(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """The two halves: up to the facts, and from the moments on."""
    return [_half(manifest, "before_admission"), _half(manifest, "after_admission")]


def _half(manifest: Mapping[str, Any], tag: str) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        select=f"tag:{tag}",
        exclude="resource_type:unit_test",
        name=tag,
        dagster_dbt_translator=TRANSLATOR,
        pool=WRITER_POOL,
    )
    def half(context: dg.AssetExecutionContext, home: Home) -> Results:
        """Builds the models."""
        select = [f"tag:{tag}"] if not context.is_subset else _named(context, manifest)
        results = build(home.settings, select, on_node=announce)
        yield from _reported(manifest, results, describe(home.settings.warehouse))

    return half


def _named(context: dg.AssetExecutionContext, manifest: Mapping[str, Any]) -> list[str]:
    """Names, as dbt selects them, of the models that were asked for, where it was not the whole half."""
    keys = context.selected_asset_keys
    return [
        ".".join(node["fqn"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and TRANSLATOR.get_asset_key(node) in keys
    ]


def _reported(
    manifest: Mapping[str, Any],
    results: list[NodeResult],
    tables: Mapping[tuple[str, str], TableFacts],
) -> Results:
    """Materialisations in the order of the run; models that failed end the step.

    Raises:
        ModelsFailed: a model failed.
    """
    faults = []
    for result in results:
        node = manifest["nodes"][result.unique_id]
        if result.status == "error":
            faults.append(f"model {node['name']}: {result.message}")
        elif result.status == "success":
            facts = tables.get((node["schema"], node["name"]), TableFacts(None, ()))
            seconds = {"seconds": round(result.seconds, 3)}
            yield dg.MaterializeResult(
                asset_key=TRANSLATOR.get_asset_key(node), metadata={**table_metadata(facts), **seconds}
            )
    if faults:
        raise ModelsFailed("\n".join(faults))
