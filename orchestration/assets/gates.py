"""The two gates: which cells may be used, and whether the candidate may be published.

In: facts (first gate) and the published tables (second gate). Out: `quality` tables, and blocking checks.
How facts and candidates are judged is expectations' matter; here only what the verdicts stop.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from expectations.judge import judge_candidate, judge_facts, tables_of_nothing
from orchestration.assets import OWNERS
from orchestration.assets.metadata import arrow_metadata
from orchestration.assets.offenders import found as found_by
from orchestration.assets.offenders import site_states
from orchestration.assets.registry import NIGHT, fingerprint_of
from orchestration.dbt_run import table_keys
from orchestration.feedback import write_feedback
from orchestration.home import Home
from orchestration.quality.history import keep
from orchestration.release.content_hash import content_hash
from orchestration.settings import Settings
from orchestration.warehouse import WRITER_POOL, connected, read_table, table_names, write_tables

JUDGEMENTS = dg.AssetKey(["quality", "judgements"])
ADMISSION = dg.AssetKey(["quality", "admission"])
CANDIDATE = dg.AssetKey(["quality", "candidate"])
CELLS = """
    select
        site, wave, indicator, state as wave_state,
        case when basis = 'rows' then
            (select list(component order by component_order) from registry.index_components as x
            where x.indicator = cells.indicator)
        end as components
    from registry.expected_cells as cells join registry.site_waves using (site, wave)
    order by all
"""
SHOWN = 5
SITES = dg.DynamicPartitionsDefinition(name="sites")
SITE_STATES = dg.AssetSpec(
    ["quality", "sites"],
    deps=[ADMISSION],
    partitions_def=SITES,
    group_name="gates",
    owners=OWNERS,
    kinds={"python"},
    description="Each site's state after the first gate, one partition a site: what of it is withheld, and"
    " why. The gate reports it every night.",
)
SEVERITIES = {"critical": "What is broken is withheld.", "warning": "It is told, and withholds nothing."}
Results = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


@dg.multi_asset(
    name="admission_gate",
    specs=[
        dg.AssetSpec(
            JUDGEMENTS,
            deps=[["facts", "int_facts"], ["facts", "int_fact_examples"]],
            group_name="gates",
            owners=OWNERS,
            kinds={"python", "greatexpectations"},
            description="The state of every rule on every cell it applies to: error, fail, warn, pass or"
            " not applicable.",
        ),
        dg.AssetSpec(
            ADMISSION,
            deps=[["registry", "expected_cells"], ["registry", "site_waves"]],
            group_name="gates",
            owners=OWNERS,
            kinds={"python", "greatexpectations"},
            description="Which cells (site, wave, indicator) may be used, and why the others may not.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_cell_was_judged",
            asset=ADMISSION,
            blocking=True,
            description="Each expected cell has exactly one verdict. A cell that fails is withheld and stops"
            " nobody else; a cell without a verdict stops the night.",
        ),
        dg.AssetCheckSpec(
            "some_cell_is_admitted",
            asset=ADMISSION,
            blocking=True,
            description="At least one cell may be used; otherwise there is nothing to publish.",
        ),
        *(
            dg.AssetCheckSpec(
                f"{severity}_rules_hold",
                asset=JUDGEMENTS,
                description=f"No {severity} rule is broken anywhere, or could not be evaluated. {what}",
            )
            for severity, what in SEVERITIES.items()
        ),
    ],
    pool=WRITER_POOL,
)
def admission_gate(context: dg.AssetExecutionContext, home: Home) -> Results:
    """Judges the facts; sites that fail are withheld, the others go on."""
    warehouse = home.settings.warehouse
    with connected(warehouse, read_only=True) as connection:
        cells = connection.sql(CELLS).to_arrow_table()
    waivers = read_table(warehouse, "registry.waivers")
    judged = judge_facts(read_table(warehouse, "facts.int_facts"), cells, waivers)
    write_tables(warehouse, "quality", judged)
    [night] = read_table(warehouse, f"{NIGHT}.night").to_pylist()
    rules = read_table(warehouse, "registry.rules")
    keep(home.settings.home, night, judged["judgements"], rules, waivers)
    for key, name in ((JUDGEMENTS, "judgements"), (ADMISSION, "admission")):
        yield dg.MaterializeResult(asset_key=key, metadata=arrow_metadata(judged[name]))
    key = ["site", "wave", "indicator"]
    judgements, admission = judged["judgements"].to_pylist(), judged["admission"].to_pylist()
    _report_sites(context, judgements, admission)
    examples = read_table(warehouse, "facts.int_fact_examples").to_pylist()
    items = {row["rule"]: f"{row['instrument']}.{row['item']}" for row in rules.to_pylist() if row["item"]}
    write_feedback(home.settings.home, judgements, admission, examples, items)
    for severity in SEVERITIES:
        holds, metadata = found_by(judgements, severity)
        yield dg.AssetCheckResult(
            asset_key=JUDGEMENTS,
            check_name=f"{severity}_rules_hold",
            passed=holds,
            severity=dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN,
            metadata=metadata,
        )
    expected = sorted(tuple(row.values()) for row in cells.select(key).to_pylist())
    found = sorted(tuple(row.values()) for row in judged["admission"].select(key).to_pylist())
    admitted = sum(judged["admission"]["is_admitted"].to_pylist())
    yield dg.AssetCheckResult(
        asset_key=ADMISSION,
        check_name="every_cell_was_judged",
        passed=expected == found,
        metadata={"expected_cells": len(expected), "judged_cells": len(found)},
    )
    yield dg.AssetCheckResult(
        asset_key=ADMISSION,
        check_name="some_cell_is_admitted",
        passed=admitted > 0,
        metadata={"admitted_cells": admitted, "withheld_cells": len(found) - admitted},
    )


def _report_sites(context: dg.AssetExecutionContext, judgements: list[Any], admission: list[Any]) -> None:
    """Tells each site's state in its partition; sites that are no longer declared have none any more."""
    states = dict(site_states(judgements, admission))
    known = set(context.instance.get_dynamic_partitions("sites"))
    context.instance.add_dynamic_partitions("sites", sorted(states.keys() - known))
    for gone in sorted(known - states.keys()):
        context.instance.delete_dynamic_partition("sites", gone)
    for site, metadata in states.items():
        context.log_event(dg.AssetMaterialization(SITE_STATES.key, partition=site, metadata=metadata))


def candidate_gate(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The gate over everything in schema `published`."""
    published = [
        dg.AssetKey(["published", node["name"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] == "published"
        and node["config"]["materialized"] != "ephemeral"
    ]
    keys = table_keys(manifest)

    @dg.multi_asset(
        name="candidate_gate",
        specs=[
            dg.AssetSpec(
                CANDIDATE,
                deps=published,
                group_name="gates",
                owners=OWNERS,
                kinds={"python", "greatexpectations"},
                description="The verdict on tonight's published tables, bound to the hash of their content.",
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "candidate_may_be_published",
                asset=CANDIDATE,
                blocking=True,
                description="Shapes, keys, ranges, totals and intervals of the published tables hold.",
            )
        ],
        pool=WRITER_POOL,
    )
    def gate(context: dg.AssetExecutionContext, home: Home) -> Results:
        """Hashes and judges the candidate, and records the verdict for that hash."""
        content, checks, is_passing = judge(home.settings, keys)
        metadata = {"content_hash": content, "checks": checks.num_rows, **_told(checks)}
        yield dg.MaterializeResult(asset_key=CANDIDATE, metadata=metadata)
        yield dg.AssetCheckResult(
            asset_key=CANDIDATE,
            check_name="candidate_may_be_published",
            passed=is_passing,
            metadata=metadata,
        )

    return gate


def judge(settings: Settings, keys: Mapping[str, list[str]]) -> tuple[str, pa.Table, bool]:
    """Judges the candidate and writes `quality.candidate` and `quality.candidate_checks`.

    Returns:
        The content's hash, the checks, and whether the candidate may be published.
    """
    warehouse = settings.warehouse
    names = table_names(warehouse, "published")
    tables = {name: read_table(warehouse, f"published.{name}") for name in names}
    [programme] = read_table(warehouse, "registry.programme").to_pylist()
    min_cell = 0 if programme["is_public"] else programme["min_cell"]
    asked = {
        table: set(read_table(warehouse, f"registry.{table}")[column].to_pylist())
        for table, column in (("sources", "role"), ("expected_cells", "basis"))
    }
    nothing = tables_of_nothing(asked["sources"], asked["expected_cells"])
    verdict = judge_candidate(tables, {name: keys.get(name, []) for name in names}, min_cell, nothing)
    checks = verdict.checks.rename_columns({name: f"{name}_name" for name in ("table", "check", "column")})
    content = content_hash(warehouse, keys=keys).total
    [night] = read_table(warehouse, f"{NIGHT}.night").to_pylist()
    row = {"content_hash": content, "is_passing": verdict.is_passing, **fingerprint_of(night)}
    written = {"candidate": pa.Table.from_pylist([row]), "candidate_checks": checks}
    write_tables(warehouse, "quality", written)
    return content, checks, verdict.is_passing


def _told(checks: pa.Table) -> dict[str, Any]:
    """How many checks failed or warned, and the first that failed; details are counts of rows."""
    failed = [row for row in checks.to_pylist() if row["state"] in ("fail", "error")]
    first = {
        f"{row['table_name']}.{row['column_name'] or '*'} {row['check_name']}": row["detail"]
        for row in failed[:SHOWN]
    }
    return {"failed_checks": len(failed), "warnings": checks["state"].to_pylist().count("warn"), **first}
