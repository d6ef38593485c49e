"""A warehouse in memory in which the real models, as dbt compiles them, run over hand-made rows.

In: rows for the registry, the gates' admission, the frame and the outcomes, columns as the models read them.
Out: a DuckDB connection on which the named models have been built. No expectation lives here.
"""

import functools
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.warehouse import write_tables

PROJECT = Path(os.environ.get("SITEWISE_DBT_PROJECT", Path(__file__).parents[3] / "dbt_project")).resolve()

COLUMNS = {
    "quality.admission": "site varchar, wave varchar, indicator varchar, verdict varchar,"
    " is_admitted boolean,"
    " reason varchar",
    "frame.int_frame": "round varchar, unit_key varchar, site varchar, arm varchar, cluster_id varchar,"
    " block_id varchar, weight decimal(18,6), is_replacement boolean, cohort varchar, wave varchar,"
    " frame varchar",
    "frame.int_dispositions": "unit_key varchar, site varchar, wave varchar, disposition varchar",
    "frame.int_primary_rounds": "site varchar, round varchar",
    "frame.int_subgroups": "round varchar, unit_key varchar, dimension varchar, level varchar",
    "frame.int_covariates": "round varchar, unit_key varchar, covariate varchar, steps bigint",
    "outcomes.int_outcomes": "indicator varchar, wave varchar, unit_key varchar, site_found varchar,"
    " value_steps bigint, exposure_steps bigint, baseline_steps bigint",
    "staging.stg_records": "source varchar, record_id varchar, submitted_at timestamp",
    "frame.int_measurements": "unit_key varchar, wave varchar, source varchar, record_id varchar",
    "staging.stg_moments": "site varchar, wave varchar, indicator varchar, dimension varchar,"
    " level varchar, arm varchar, block_id varchar, cluster_id varchar,"
    " n decimal(38,12), mean decimal(38,12), sd decimal(38,12),"
    " events decimal(38,12), exposure decimal(38,12), effect_se double, effect_df double, problem varchar",
    "staging.stg_costs": "source varchar, record_id varchar, site varchar, wave varchar, category varchar,"
    " behaviour varchar, payment varchar, cost double, participants bigint, problem varchar",
    "staging.stg_estimates": "site varchar, wave varchar, indicator varchar, dimension varchar,"
    " level varchar, measure varchar, estimate double, estimate_se double, df double,"
    " n bigint, n_treatment bigint, n_control bigint, citation varchar, why_no_error varchar,"
    " problem varchar",
}
SITES = (
    "int_looks",
    "int_site_stages",
    "int_comparability_answers",
    "int_comparability_findings",
    "int_comparability",
    "int_analysis_cells",
    "int_analysis_sites",
)
POOLS = (
    "int_pool_tau2",
    "int_pool_heterogeneity",
    "int_pool_estimates",
    "int_pool_next_site",
    "int_pooled_effects",
    "int_shrunken_effects",
    "int_partial_pools",
    "int_site_influence",
    "int_cumulative_effects",
    "int_meta_regression",
)
GROUPS = {
    "sites": SITES,
    "moments": (
        *SITES,
        "int_look_units",
        "int_site_adjustments",
        "int_analysis_units",
        "int_supplied_moments",
        "int_moments",
        "int_cell_moments",
        "int_histograms",
    ),
    "fits": (
        "int_fit_cells",
        "int_fits",
        "int_adjusted_cells",
        "int_adjusted_fits",
        "int_adjusted_effects",
        "int_fit_clusters",
        "int_robust_fits",
        "int_supplied_errors",
        "int_two_by_two",
        "int_mantel_haenszel",
        "int_ratio_fits",
        "int_ratio_effects",
        "int_take_up_cells",
        "int_take_up_fits",
        "int_take_up_effects",
        "int_subgroup_differences",
        "int_interaction_effects",
        "int_fit_effects",
        "int_arm_quantiles",
        "int_quantile_effects",
        "int_estimate_effects",
    ),
    "validity": (
        "int_validity_groups",
        "int_randomised_values",
        "int_attrition_groups",
        "int_attrition_clusters",
        "int_attrition",
        "int_selective_attrition",
        "int_lee_bounds",
        "int_baseline_units",
        "int_baseline_cells",
        "int_baseline_groups",
        "int_baseline_balance",
        "int_baseline_pairs",
        "int_baseline_draws",
        "int_baseline_covariances",
        "int_baseline_tests",
        "int_take_up",
        "int_spillover_clusters",
        "int_spillover",
        "int_attrition_rows",
        "int_population_samples",
        "int_sampling_scores",
        "int_generalizability",
        "int_population_covariates",
    ),
    "effects": ("int_site_effects", "int_pools", *POOLS),
    "changes": ("int_change_clusters", "int_site_changes"),
    "pools": POOLS,
    "retention": (
        "int_stage_effects",
        "int_retention_sides",
        "int_retention_claims",
        "int_retention_ratios",
        "int_retention_bars",
        "int_pilot_selection",
        "int_pilot_shrinkage",
        "int_withheld_pools",
        "int_withheld_verdicts",
        "int_effect_retention",
        "int_retention_by_estimator",
    ),
    "cost": (
        "int_site_costs",
        "int_cost_people",
        "int_cost_members",
        "int_cost_groups",
        "int_cost_effectiveness",
        "int_cost_points",
        "int_cost_steps",
        "int_cost_elasticity",
    ),
    "accounting": (
        "int_joint_cells",
        "int_cell_shares",
        "int_cell_effects",
        "int_composition",
        "int_effect_accounting",
    ),
}
DEFAULTS: dict[str, dict[str, object]] = {
    "registry.sites": {"design": "cluster_rct"},
    "registry.site_stages": {"from_date": date(2024, 1, 1)},
    "registry.waves": {"wave": "endline", "wave_order": 1, "is_baseline": False},
    "registry.site_waves": {"wave": "endline", "from_date": date(2024, 2, 1), "state": "closed"},
    "registry.indicators": {
        "indicator": "score",
        "title": "Score",
        "unit": "points",
        "statistic": "mean",
        "direction": "higher_is_better",
        "effect_scale": "difference",
        "smallest_effect": 0.1,
        "retention_margin": 0.5,
        "role": "primary",
        "resolution": Decimal(1),
        "indicator_order": 1,
    },
    "registry.analyses": {
        "analysis": "main",
        "role": "headline",
        "treatment_arm": "treatment",
        "control_arm": "control",
        "round": "randomised",
        "is_randomised": True,
        "replacements": "exclude",
        "level": "site",
        "adjust": "block",
        "clusters": "cluster",
        "unit": "site_mean",
        "inference": "population_of_sites",
        "pilot_selection": "none",
        "analysis_order": 1,
    },
    "registry.analysis_waves": {"analysis": "main", "wave": "endline"},
    "registry.analysis_indicators": {"analysis": "main", "indicator": "score"},
    "registry.expected_cells": {"wave": "endline", "indicator": "score"},
    "quality.admission": {"wave": "endline", "indicator": "score", "verdict": "pass", "is_admitted": True},
    "frame.int_frame": {"round": "randomised", "weight": 1, "is_replacement": False},
    "outcomes.int_outcomes": {"indicator": "score", "wave": "endline", "exposure_steps": 1},
    "staging.stg_moments": {"indicator": "score", "wave": "endline", "dimension": "all", "level": "all"},
    "staging.stg_costs": {"source": "costs", "wave": "endline", "category": "staff", "payment": "paid"}
    | dict.fromkeys(("behaviour", "participants", "problem")),
    "staging.stg_estimates": {"indicator": "score", "wave": "endline", "dimension": "all", "level": "all"},
}


# Models whose terms follow from the registry while they are compiled. They are told the covariates they have;
# of designs and take-up, that there is all there can be, since terms that nobody uses change no number.
ADJUSTED_MODELS = ("int_analysis_units", "int_moments", "int_adjusted_cells", "int_adjusted_fits")
ANY_DESIGN = {
    "sites": [{"site": design, "design": design} for design in ("comparison", "matched_comparison")],
    "analyses": [{"analysis": "any", "take_up": "any"}],
}


@functools.cache
def compiled_models(adjusting: str = "") -> dict[str, str]:
    """The SQL of every model of the second half's core, as dbt compiles it, by name.

    Args:
        adjusting: Covariates and levels of subgroups in the registry, as JSON, by which models are compiled:
            then only the models that ask.
    """
    chosen = ADJUSTED_MODELS if adjusting else ("moments", "effects", "validity", "cost")
    with tempfile.TemporaryDirectory() as folder:
        if adjusting:
            rows_of = json.loads(adjusting) | ANY_DESIGN
            tables = {name: registry_table(name, rows) for name, rows in rows_of.items()}
            write_tables(Path(folder, "warehouse.duckdb"), "registry", tables)
        os.environ["SITEWISE_HOME"] = folder
        os.environ["SITEWISE_WAREHOUSE"] = f"{folder}/warehouse.duckdb"
        os.environ["SITEWISE_DBT_PROJECT"] = str(PROJECT)
        places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        places += ["--target-path", f"{folder}/target", "--log-path", folder]
        done = dbtRunner().invoke(["--quiet", "compile", "--select", *chosen, *places])
        if not done.success:
            raise AssertionError(f"dbt could not compile: {done.exception or done.result}")
        return {path.stem: path.read_text() for path in Path(folder, "target", "compiled").rglob("int_*.sql")}


class EffectsWarehouse:
    """An empty warehouse in memory with every fixture table and the plugin's functions."""

    def __init__(self, threads: int = 2) -> None:
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("attach ':memory:' as warehouse; use warehouse")
        if str(PROJECT / "plugins") not in sys.path:
            sys.path.insert(0, str(PROJECT / "plugins"))
        for place in sorted((PROJECT / "plugins").glob("*_functions.py")):
            spec = importlib.util.spec_from_file_location(place.stem, place)
            assert spec and spec.loader
            functions = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(functions)
            functions.register(self.connection)
        for schema in (
            "registry",
            "quality",
            "staging",
            "frame",
            "outcomes",
            "facts",
            "moments",
            "effects",
            "validity",
            "cost",
        ):
            self.connection.execute(f"create schema {schema}")
        for table, columns in COLUMNS.items():
            self.connection.execute(f"create table {table} ({columns})")
        for table in SCHEMAS:
            self.connection.register("empty", registry_table(table, []))
            self.connection.execute(f"create table registry.{table} as from empty")

    def insert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Adds rows to a fixture table; columns left out take the table's default, else NULL."""
        complete = [{**DEFAULTS.get(table, {}), **row} for row in rows]
        schema, name = table.split(".")
        self.connection.register(
            "rows", registry_table(name, complete) if schema == "registry" else pa.Table.from_pylist(complete)
        )
        self.connection.execute(f"insert into {table} by name from rows")

    def programme(
        self,
        stages: Mapping[str, str],
        indicators: Sequence[Mapping[str, object]] = ({},),
        analyses: Sequence[Mapping[str, object]] = ({},),
        waves: Sequence[str] = ("endline",),
    ) -> None:
        """Registers sites at their stages, closed and admitted, every indicator expected in every wave."""
        names = [{**DEFAULTS["registry.indicators"], **row}["indicator"] for row in indicators]
        cells = [{"site": s, "wave": w, "indicator": i} for s in stages for w in waves for i in names]
        self.insert("registry.sites", [{"site": site} for site in stages])
        self.insert(
            "registry.site_stages", [{"site": site, "stage": stage} for site, stage in stages.items()]
        )
        self.insert("registry.waves", [{"wave": wave, "is_baseline": wave == "baseline"} for wave in waves])
        self.insert(
            "registry.site_waves", [{"site": site, "wave": wave} for site in stages for wave in waves]
        )
        self.insert("registry.indicators", indicators)
        self.insert("registry.expected_cells", cells)
        self.insert("quality.admission", cells)
        for row in analyses:
            self.insert("registry.analyses", [row])
            key = {"analysis": {**DEFAULTS["registry.analyses"], **row}["analysis"]}
            self.insert("registry.analysis_waves", [key | {"wave": wave} for wave in waves])
            self.insert("registry.analysis_indicators", [key | {"indicator": name} for name in names])

    def units(self, units: pd.DataFrame) -> None:
        """Adds units with their frame and outcomes, in columns named as in int_frame and int_outcomes."""
        for table in ("frame.int_frame", "outcomes.int_outcomes"):
            columns = {
                column.split()[0] for column in COLUMNS[table].replace("decimal(18,6)", "").split(", ")
            }
            defaults = {name: value for name, value in DEFAULTS[table].items() if name not in units}
            rows = units[[name for name in units if name in columns]].assign(**defaults)
            self.connection.register("rows", rows.drop_duplicates() if table == "frame.int_frame" else rows)
            self.connection.execute(f"insert into {table} by name from rows")

    def build(self, *models: str) -> None:
        """Builds the models in the order named, each as a table; a group's name stands for its models."""
        adjusting = self.adjusting()
        for name in (model for named in models for model in GROUPS.get(named, (named,))):
            compiled = compiled_models(adjusting if name in ADJUSTED_MODELS else "")
            schema = "moments" if name in set(GROUPS["moments"]) - set(SITES) else "effects"
            if name in GROUPS["validity"] or name == "int_detectable_effects":
                schema = "validity"
            schema = "cost" if name in GROUPS["cost"] else schema
            self.connection.execute(f"create or replace table {schema}.{name} as {compiled[name]}")

    def adjusting(self) -> str:
        """What the registry says of adjustments, as JSON; blank where nothing is adjusted."""
        asked = """
            select 1 from registry.analysis_covariates
            union all select 1 from registry.sites where design in ('comparison', 'matched_comparison')
            union all select 1 from registry.analyses where take_up is not null
        """
        covariates = """
            select distinct 'any' as analysis, covariate, kind from registry.analysis_covariates order by all
        """
        levels = """
            select dimension, level from registry.subgroups
            where dimension in (select covariate from registry.analysis_covariates) order by all
        """
        found = {
            "analysis_covariates": self.rows(covariates).to_dict("records"),
            "subgroups": self.rows(levels).to_dict("records"),
        }
        return json.dumps(found) if len(self.rows(asked)) else ""

    def rows(self, query: str) -> pd.DataFrame:
        """The query's rows."""
        return self.connection.execute(query).df()


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, dict[str, Any]]]:
    """The cases of a file of reference numbers, computed elsewhere in R, by id."""

    def cases(name: str) -> dict[str, dict[str, Any]]:
        listed = json.loads((Path(__file__).parent / f"reference/{name}.json").read_text())["cases"]
        return {case["id"]: case for case in listed}

    return cases


@pytest.fixture(scope="session")
def effects_warehouse() -> type[EffectsWarehouse]:
    """Opens an empty warehouse each time it is called."""
    return EffectsWarehouse


@pytest.fixture(scope="session")
def insert_pools() -> Callable[..., None]:
    """Writes hand-made pools by name (their stage) into int_pools: lists y, v and what else matters."""

    def insert(warehouse: EffectsWarehouse, pools: Mapping[str, Mapping[str, Any]]) -> None:
        warehouse.connection.execute("""
            create table effects.int_pools (
                pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar,
                design_group varchar, is_headline_group boolean, withheld_sites varchar, is_interim boolean,
                excluded_sites varchar, dimension varchar, level varchar, measure varchar, sites varchar[],
                y double[], v double[], df double[], started date[], eligible double[], n_treatment bigint,
                n_control bigint, basis varchar, quality_verdict varchar
            )
        """)
        fixed = {"analysis": "main", "indicator": "score", "wave": "endline", "design_group": "randomised"}
        fixed |= {"is_headline_group": True, "is_interim": False, "basis": "rows", "measure": "difference"}
        fixed |= {"excluded_sites": None}
        rows = []
        for number, (name, pool) in enumerate(pools.items()):
            size = len(pool["y"])
            # the lists come in order of precision, as int_pools writes them
            order = sorted(range(size), key=lambda i: (pool["v"][i], i))
            listed = {
                "sites": [f"site_{i:03}" for i in range(size)],
                "df": [20.0] * size,
                "started": [date(2024, 1, 1)] * size,
                "eligible": None,
            } | {key: pool[key] for key in ("y", "v", "sites", "df", "started", "eligible") if key in pool}
            rows.append(
                fixed
                | {"pool_id": number, "stage": name, "dimension": "all", "level": "all"}
                | {key: values and [values[i] for i in order] for key, values in listed.items()}
                | {key: pool[key] for key in ("is_interim", "excluded_sites", "measure") if key in pool}
            )
        warehouse.insert("effects.int_pools", rows)

    return insert
