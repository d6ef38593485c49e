"""A warehouse whose upstream tables are written by hand, on which the real published models are built.

In: rows of the registry, the gates, the frame, the moments and the effects, in the columns of upstream.sql.
Out: its published tables, once as private data and once as public. No expectation lives here.

The programme: two pilot and three scaled sites. `delta` is withheld; `tiny` has five people in an arm.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.dbt_run import let_go

PROJECT = Path(__file__).parents[3] / "dbt_project"
Rows = Sequence[Mapping[str, Any]]
STAGES = {"alpha": "pilot", "beta": "pilot", "gamma": "scaled", "delta": "scaled", "tiny": "scaled"}
UPSTREAM = Path(__file__).with_name("upstream.sql")
RAW_REASON = "age_range: 2.9% of 103 against at most 1%"


def _registry() -> dict[str, Rows]:
    indicators = [
        {"indicator": "reads", "title": "Children who read", "unit": "percent", "statistic": "share"}
        | {"effect_scale": "risk_difference", "resolution": 100, "indicator_order": 1},
        {"indicator": "score", "title": "Score", "unit": "points", "statistic": "mean"}
        | {"effect_scale": "difference", "resolution": 1, "indicator_order": 2},
    ]
    rate = {"indicator": "sick", "title": "Days ill", "unit": "days per 100 days", "statistic": "rate"}
    rate |= {"effect_scale": "difference", "resolution": 1, "indicator_order": 3}
    common = {"direction": "higher_is_better", "role": "primary", "multiplier": 1.0}
    common |= {"smallest_effect": 5.0, "retention_margin": 0.5}
    analyses = [
        {"analysis": "main", "title": "Endline", "level": "site", "analysis_order": 1},
        {"analysis": "whole", "title": "All sites", "level": "network", "analysis_order": 2},
        {"analysis": "later", "title": "Follow-up", "level": "site", "analysis_order": 3},
    ]
    analysed = {"role": "headline", "is_randomised": True, "unit": "site_mean", "inference": "these_sites"}
    waves = {"main": "endline", "whole": "endline", "later": "followup"}
    dates = {"from_date": date(2025, 1, 1), "closes_date": date(2025, 2, 1)}
    return {
        "programme": [
            {"programme": "p", "title": "P", "is_public": False, "min_cell": 7, "round_to": 5}
            | {"unit_scope": "site", "as_of_date": date(2026, 1, 1)}
        ],
        "corrections": [
            {"source": "door", "log": "cleaning", "question": question, "action": "change", "state": state}
            | {"reason": reason, "row_count": count}
            for question, state, reason, count in (
                ("reads", "applied", None, 38),
                ("reads", "listed", "its old value is not what the cell holds", 3),
                (None, "listed", "no question of this name has passed the door", 12),
            )
        ],
        "sites": [
            {
                "site": site,
                "title": site.title(),
                "design": "cluster_rct",
                "eligible_count": 1003,
                "site_order": n,
            }
            for n, site in enumerate(STAGES, 1)
        ],
        "site_stages": [
            {"site": site, "stage": stage, "from_date": date(2024, 1, 1)} for site, stage in STAGES.items()
        ],
        "waves": [
            {"wave": "endline", "title": "Endline", "wave_order": 1, "is_baseline": False},
            {"wave": "followup", "title": "Follow-up", "wave_order": 2, "is_baseline": False},
        ],
        "site_waves": [
            {"site": site, "wave": wave, "state": state} | dates
            for site in STAGES
            for wave, state in {"endline": "closed", "followup": "in_field"}.items()
        ],
        "sources": [
            {
                "source": "door",
                "role": "survey",
                "platform": "csv",
                "receipt_state": "unchanged",
                "input_hash": "ab",
            },
            {"source": "late", "role": "survey", "platform": "csv", "receipt_state": "failed"}
            | {"receipt_message": "/a/machine/path could not be read"},
        ],
        "lake_tables": [{"source": "door", "lake_table": "main", "path": "lake/door", "row_count": 103}],
        "indicators": [
            *(common | row for row in indicators),
            common | rate | {"role": "exploratory", "direction": "lower_is_better", "multiplier": 100.0},
            common
            | rate
            | {"indicator": "spent", "statistic": "sum", "unit": "USD", "indicator_order": 4}
            | {"winsor_low": 0, "winsor_high": 500, "winsor_frozen_on": date(2024, 1, 10)}
            | {"winsor_ground": "the pilot's 99th percentile", "is_descriptive": True, "role": "exploratory"},
            *(common | row for row in _quantiles()),
        ],
        "indicator_terms": [
            {
                "indicator": "reads",
                "instrument": "test",
                "item": "reads",
                "term": "value",
                "is_reversed": False,
            },
            {
                "indicator": "score",
                "instrument": "test",
                "item": "score",
                "term": "value",
                "is_reversed": False,
            },
        ],
        "analyses": [analysed | row for row in analyses],
        "analysis_waves": [{"analysis": name, "wave": wave} for name, wave in waves.items()],
        "analysis_indicators": [
            {"analysis": name, "indicator": row["indicator"]} for name in waves for row in indicators
        ],
    }


def _quantiles() -> Rows:
    """Two places in one distribution: the middle, and one that few people lie beyond."""
    shape = {"statistic": "quantile", "unit": "USD", "resolution": 1, "effect_scale": "quantile_difference"}
    shape |= {"role": "exploratory", "is_descriptive": True}
    shares = {"middle": Decimal("0.5"), "top": Decimal("0.97")}
    return [
        shape | {"indicator": name, "title": name, "quantile": share, "indicator_order": 5 + place}
        for place, (name, share) in enumerate(shares.items())
    ]


def _effect(analysis: str, site: str, stage: str, n: int, **fields: Any) -> dict[str, Any]:
    row = {"analysis": analysis, "indicator": "reads", "wave": "endline", "site": site, "stage": stage}
    row |= {"dimension": "all", "level": "all", "measure": "risk_difference", "estimator": "cr2"}
    row |= {"is_headline": True, "estimate": 12.5, "estimate_se": 3.0, "df": 9.0, "estimate_low": 5.7}
    row |= {"estimate_high": 19.3, "p_value": 0.002, "mean_treatment": 52.5, "mean_control": 40.0}
    row |= {"sd_control": 49.0, "sd_pooled": 49.5, "n_treatment": n, "n_control": 101}
    row |= {"clusters_treatment": 10, "clusters_control": 10, "basis": "rows", "state": "estimated"}
    row |= {"is_own": True}
    return row | fields


def _withheld() -> dict[str, Any]:
    numbers = ("estimate", "estimate_se", "df", "estimate_low", "estimate_high", "p_value", "mean_treatment")
    numbers += ("mean_control", "sd_control", "sd_pooled", "n_treatment", "n_control")
    blank: dict[str, Any] = dict.fromkeys(numbers)
    said = {"state": "withheld", "why_missing": RAW_REASON, "estimator": "none"}
    return _effect("main", "delta", "scaled", 0, **blank, **said)


def _moments(site: str, arm: str, n: int, events: int, clusters: int = 2) -> Rows:
    """Clusters alike but for one event, which the first has more than its share where they are odd."""
    shares = [events // clusters + (k < events % clusters) for k in range(clusters)]
    people = [n // clusters + (k < n % clusters) for k in range(clusters)]
    place = {"analysis": "main", "indicator": "reads", "site": site, "wave": "endline", "arm": arm}
    return [
        place
        | {"cluster_id": f"{site}{arm}{k}", "dimension": "all", "level": "all", "n": people[k]}
        | {"mass": people[k] * 10**6, "total": shares[k] * 10**6, "total_squares": shares[k] * 10**6}
        for k in range(clusters)
    ]


def _rates(site: str, arm: str, events: int) -> Rows:
    """Two clusters of 50 people over 1,000 days each; events in steps of 1/100, exposure in millionths."""
    place = {"analysis": "main", "indicator": "sick", "site": site, "wave": "endline", "arm": arm}
    return [
        place
        | {"cluster_id": f"{site}{arm}{k}", "dimension": "all", "level": "all", "n": 50, "total_squares": 0}
        | {"mass": 1000 * 10**6 * 10**6, "total": events // 2 * 100 * 10**6}
        for k in range(2)
    ]


def _totals(site: str, arm: str, clusters: dict[int, int]) -> Rows:
    """Clusters of so many people with such a sum, each person standing for one."""
    place = {"analysis": "main", "indicator": "spent", "site": site, "wave": "endline", "arm": arm}
    return [
        place
        | {"cluster_id": f"{site}{arm}{k}", "dimension": "all", "level": "all", "n": people}
        | {"mass": people * 10**6, "total": total * 10**6, "total_squares": total * 100 * 10**6}
        for k, (people, total) in enumerate(clusters.items())
    ]


def _losses(site: str, stage: str, lost: int, n: int = 100) -> Rows:
    """Attrition of one site, or of a stage's: as many lost of each arm."""
    place = {"analysis": "main", "indicator": "reads", "wave": "endline", "site": site, "stage": stage}
    place |= {"measure": "attrition", "estimator": "count", "unit": "percent", "state": "measured"}
    sides = {"n_treatment": n, "n_control": n, "events_treatment": lost, "events_control": lost}
    return [
        place | sides | {"subject": subject, "value": 100 * lost / n, "events": lost * arms, "n": n * arms}
        for subject, arms in {"treatment": 1, "control": 1, "everybody": 2}.items()
    ]


def _of_pools() -> dict[str, Rows]:
    """What is told of a pool's sites: the pilot's two, and the scaled ones, of which `tiny` is too small."""
    pools = {1: ("pilot", ["alpha", "beta"]), 2: ("scaled", ["gamma", "tiny"])}
    key = {"analysis": "main", "indicator": "reads", "wave": "endline", "design_group": "randomised"}
    key |= {"measure": "risk_difference"}
    pooled = {number: key | {"pool_id": number, "stage": stage} for number, (stage, _) in pools.items()}
    influence = {"estimator": "equal_mean", "site_estimate": 12.5, "weight_pct": 50.0}
    influence |= {"without_estimator": "equal_mean", "without_site_count": 1, "without": 11.0}
    influence |= {"without_se": 3.0, "without_df": 9.0, "without_low": 4.0, "without_high": 18.0}
    influence |= {"without_change": -1.5}
    so_far = {"estimator": "equal_mean", "inference": "these_sites", "estimate": 12.5, "estimate_se": 3.0}
    so_far |= {"df": 9.0, "estimate_low": 5.7, "estimate_high": 19.3, "started_date": date(2024, 1, 1)}
    few = {"model": "alone", "moderator": "log_eligible", "site_count": 2, "moderator_count": 1}
    few |= {"state": "too_few_sites", "why_missing": "2 sites have it, 10 or more are asked for"}
    return {
        "effects.int_pools": [
            pooled[number] | {"dimension": "all", "level": "all", "sites": sites}
            for number, (_, sites) in pools.items()
        ],
        "effects.int_site_influence": [
            pooled[number] | influence | {"site": site}
            for number, (_, sites) in pools.items()
            for site in sites
        ],
        "effects.int_cumulative_effects": [
            pooled[number] | so_far | {"site": site, "turn": turn, "site_count": turn}
            for number, (_, sites) in pools.items()
            for turn, site in enumerate(sites, start=1)
        ],
        "effects.int_meta_regression": [pooled[number] | few for number in pools],
    }


def _upstream() -> dict[str, Rows]:
    cells = [(site, indicator) for site in STAGES for indicator in ("reads", "score")]
    states = {"delta": "withheld"}
    place = {"dimension": "all", "level": "all", "measure": "risk_difference"}
    sides: dict[str, Any] = {}
    for side, estimate in (("pilot", 12.5), ("scaled", 10.0)):
        sides |= {f"{side}_estimate": estimate, f"{side}_se": 2.0, f"{side}_df": 9.0, f"{side}_site_count": 2}
        sides |= {f"{side}_low": estimate - 4.5, f"{side}_high": estimate + 4.5, f"{side}_basis": "rows"}
        sides |= {f"{side}_n_treatment": 206 if side == "pilot" else 108, f"{side}_n_control": 202}
    interim = {
        "retention_set": None,
        "verdict": "interim",
        "verdict_words": "interim",
        "why": "a wave is open",
    }
    asked = {"analysis": "main", "indicator": "reads", "wave": "endline", "measure": "risk_difference"}
    return {
        "cost.int_cost_effectiveness": [
            {"analysis": "main", "indicator": "reads", "wave": "endline", "site": site, "stage": stage}
            | {"measure": measure, "unit": "USD", "value": value, "people_power": power, "n": n}
            | {"value_low": value / 2, "value_high": value * 2, "df": 9.0, "n_treatment": 60, "n_control": 60}
            | {"participants_basis": "frame", "site_count": 2 if site == "network" else 1}
            | {"costed_count": 1, "rows_set_aside": 0, "state": "estimated"}
            for site, stage, n in (
                ("alpha", "pilot", 103),
                ("beta", "pilot", 98),
                ("network", "pilot", 201),
                ("gamma", "scaled", 103),
                ("tiny", "scaled", 5),
                ("network", "scaled", 108),
            )
            for measure, value, power in (
                ("total_cost", 1030.0, 0),
                ("cost_per_participant", 1030.0 / n, -1),
                ("effect_per_100", n / 10, 1),
            )
        ],
        "quality.judgements": [
            {
                "rule": "age_range",
                "rule_type": "range",
                "severity": "critical",
                "site": "delta",
                "wave": "endline",
            }
            | {"indicator": "*", "measured": 2.9, "comparison": "at_most", "threshold": 1.0, "violations": 3}
            | {"denominator": 103, "state": "fail", "reason": RAW_REASON.removeprefix("age_range: ")},
            {
                "rule": "age_range",
                "rule_type": "range",
                "severity": "critical",
                "site": "alpha",
                "wave": "endline",
            }
            | {
                "indicator": "*",
                "measured": 11.7,
                "comparison": "at_most",
                "threshold": 20.0,
                "violations": 12,
            }
            | {"denominator": 103, "state": "pass", "reason": "11.7% of 103 against at most 20%"},
        ],
        "quality.admission": [
            {"site": site, "indicator": indicator, "wave": wave}
            | (
                {"verdict": "fail", "is_admitted": False, "reason": RAW_REASON, "worst_rule": "age_range"}
                if site == "delta"
                else {
                    "verdict": "warn" if site == "beta" else "pass",
                    "is_admitted": True,
                    "reason": "all pass",
                }
            )
            for site, indicator in cells
            for wave in ("endline", "followup")
        ],
        "frame.int_dispositions": [
            {"unit_key": f"{site}{n}", "site": site, "wave": "endline"}
            | {"disposition": "dead" if n < 3 else "refused" if n < 15 else "complete"}
            for site in STAGES
            for n in range(103)
        ],
        "frame.int_measurements": [
            {"unit_key": f"x{n}", "wave": "endline", "site_found": "alpha", "is_in_frame": False}
            for n in range(9)
        ],
        "facts.int_coverage": [
            {
                "source": "door",
                "lake_table": "main",
                "column_name": "g/reads",
                "item": "reads",
                "role": "item",
            }
            | {"answered_count": 98, "missing_code_count": 2, "blank_count": 3, "unreadable_count": 0}
            | {"unmapped_count": 0},
            {"source": "door", "lake_table": "main", "column_name": "extra", "role": "unmapped"}
            | {"answered_count": 0, "missing_code_count": 0, "blank_count": 3, "unreadable_count": 0}
            | {"unmapped_count": 100},
        ],
        "effects.int_arm_quantiles": [
            {"analysis": "main", "indicator": name, "wave": "endline", "site": "alpha", "stage": "pilot"}
            | {
                "dimension": "all",
                "level": "all",
                "arm": "treatment",
                "is_grid": False,
                "n": 103,
                "value_steps": 9.0,
                "df": 4.0,
            }
            | {"cluster_count": 2, "low_steps": 8.0, "high_steps": 11.0, "se_steps": 0.7}
            for name in ("middle", "top")
        ],
        "moments.int_cell_moments": [
            *_moments("alpha", "treatment", 103, 61),
            *_moments("alpha", "control", 101, 40),
            *_moments("beta", "treatment", 103, 100),
            *_moments("beta", "control", 101, 60),
            *_moments("gamma", "treatment", 14, 14),
            *_moments("gamma", "control", 101, 60),
            *_moments("tiny", "treatment", 5, 3),
            *_moments("tiny", "control", 101, 40),
            *_totals("alpha", "treatment", {51: 500, 52: 610}),
            *(
                row | {"indicator": name}
                for name in ("middle", "top")
                for row in _totals("alpha", "treatment", {51: 500, 52: 610})
            ),
            *_rates("alpha", "treatment", 40),
            *_rates("beta", "treatment", 4),
            *_rates("beta", "control", 40),
        ],
        "effects.int_analysis_sites": [
            {"analysis": analysis, "wave": wave, "indicator": indicator, "site": site, "stage": STAGES[site]}
            | {"pool": "all" if analysis == "whole" else STAGES[site]}
            | {"state": "interim" if analysis == "later" else states.get(site, "included")}
            | {"reason": RAW_REASON if site == "delta" and analysis != "later" else None}
            | {"comparability_class": "B" if site == "beta" else "A"}
            for analysis, wave in {"main": "endline", "whole": "endline", "later": "followup"}.items()
            for site, indicator in cells
        ],
        "effects.int_site_effects": [
            _effect("main", "alpha", "pilot", 103),
            _effect("main", "beta", "pilot", 103, mean_treatment=97.1),
            _effect("main", "gamma", "scaled", 103),
            _effect("main", "tiny", "scaled", 5),
            _withheld(),
            _effect("whole", "network", "all", 311),
            _withheld() | {"indicator": "top", "site": "gamma", "measure": "quantile_difference"},
            _effect("main", "alpha", "pilot", 103) | {"indicator": "top", "measure": "quantile_difference"},
        ],
        "effects.int_pooled_effects": [
            {"analysis": "main", "indicator": "reads", "wave": "endline", "stage": stage, "site_count": 2}
            | place
            | {
                "estimator": "equal_mean",
                "unit": "site_mean",
                "inference": "these_sites",
                "is_headline": True,
            }
            | {"estimate": estimate, "estimate_se": 2.0, "df": 9.0}
            | {"design_group": "randomised", "p_value": 0.001, "basis": "rows", "quality_verdict": verdict}
            | {"n_treatment": n_treatment, "n_control": 202}
            | {"estimate_low": estimate - 4.5, "estimate_high": estimate + 4.5}
            | {"withheld_sites": f"delta: {RAW_REASON}" if stage == "scaled" else None}
            for stage, estimate, n_treatment, verdict in (
                ("pilot", 12.5, 206, "warn"),
                ("scaled", 10.0, 108, "pass"),
            )
        ],
        "validity.int_validity_rows": [
            *_losses("alpha", "pilot", 20),
            *_losses("beta", "pilot", 30),
            *_losses("network", "pilot", 50, 200),
            *_losses("gamma", "scaled", 20),
            *_losses("delta", "scaled", 3),
            *_losses("network", "scaled", 23, 200),
            asked
            | {"site": "alpha", "stage": "pilot", "measure": "minimum_detectable_effect", "value": 4.0}
            | {"subject": "risk_difference", "estimator": "cr2", "unit": "percentage points"}
            | {"state": "measured", "band": "powered"},
        ],
        **_of_pools(),
        "effects.int_effect_retention": [
            asked
            | sides
            | {"estimator": "equal_mean", "retention": 0.8, "retention_set": "bounded", "retention_low": 0.51}
            | {
                "retention_high": 1.4,
                "change": -2.5,
                "change_se": 2.8,
                "change_low": -8.4,
                "change_high": 3.4,
            }
            | {"margin": 0.5, "contrast_se": 2.2, "p_claim": 0.03, "verdict": "held", "why": ""}
            | {"change_verdict": "no_detectable_change", "verdict_words": "kept at least half"},
            asked | {"analysis": "later", "wave": "followup"} | interim,
            asked | {"analysis": "whole", "verdict": "not_applicable", "why": "no pilot site"},
        ],
    }


def _write(path: Path, registry: Mapping[str, Rows], upstream: Mapping[str, Rows]) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema registry")
        for name in SCHEMAS:
            table = registry_table(name, registry.get(name, []))
            connection.register("rows", table)
            connection.execute(f"create table registry.{name} as select * from rows")
        connection.execute(UPSTREAM.read_text())
        for name, listed in upstream.items():
            names = sorted({field for row in listed for field in row})
            table = pa.table({field: [row.get(field) for row in listed] for field in names})
            connection.register("rows", table)
            connection.execute(f"insert into {name} by name select * from rows")


def _build(folder: Path, registry: Mapping[str, Rows], upstream: Mapping[str, Rows]) -> Path:
    warehouse = folder / "warehouse.duckdb"
    _write(warehouse, registry, upstream)
    places = {"SITEWISE_HOME": folder, "SITEWISE_WAREHOUSE": warehouse, "SITEWISE_DBT_PROJECT": PROJECT}
    with pytest.MonkeyPatch.context() as patch:
        for name, place in places.items():
            patch.setenv(name, str(place))
        options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--log-path", str(folder)]
        selected = ["--quiet", "run", "--select", "published"]
        try:
            done = dbtRunner().invoke([*selected, *options, "--target-path", str(folder / "target")])
        finally:
            let_go()
    assert done.success, done.exception or [
        (one.node.name, one.message)
        for one in done.result.results
        if str(one.status) not in ("success", "pass")
    ]
    return warehouse


class Published:
    """The published tables of one built warehouse: call it with SQL, or take the tables whole."""

    def __init__(self, warehouse: Path) -> None:
        self.warehouse = warehouse

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query whose tables need no schema."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute("use published; " + sql).fetchall()

    def tables(self) -> dict[str, pa.Table]:
        """Every published table by name."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            named = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'published'"
            )
            return {
                name: connection.sql(f"from published.{name}").to_arrow_table()
                for (name,) in named.fetchall()
            }


def _release(folder: Path, is_public: bool) -> Published:
    registry = _registry()
    registry["programme"] = [{**registry["programme"][0], "is_public": is_public}]
    return Published(_build(folder, registry, _upstream()))


@pytest.fixture(scope="session")
def private_release(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A programme that protects its people (min_cell 7, round_to 5)."""
    return _release(tmp_path_factory.mktemp("private"), is_public=False)


@pytest.fixture(scope="session")
def public_release(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The same programme, its data declared public."""
    return _release(tmp_path_factory.mktemp("public"), is_public=True)


@pytest.fixture(scope="session")
def release_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Published]:
    """Builds a release of other rows: `registry` and `upstream` stand in the place of those above."""

    def build(registry: Mapping[str, Rows], upstream: Mapping[str, Rows]) -> Published:
        return Published(_build(tmp_path_factory.mktemp("other"), {**_registry(), **registry}, upstream))

    return build
