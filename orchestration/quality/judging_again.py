"""What the verdicts would be under the rules and waivers of now, without measuring anything again.

In: the facts of the last night, as the warehouse has them, and the programme's YAML. Out: the cells whose
verdict would be another. Nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from expectations.judge import judge_facts
from orchestration.assets.gates import CELLS
from orchestration.programmes import declared_tables, load
from orchestration.settings import Settings
from orchestration.warehouse import connected, read_table

_MEASURED_BY = {
    "rules": ("rule", "wave", "rule_type", "instrument", "item", "valid_from", "parameters"),
    "rule_terms": ("rule", "source", "lake_table", "violation_sql", "applicable_sql"),
}
_SAID = ("severity", "comparison", "threshold")


@dataclass(frozen=True)
class JudgedAgain:
    """What judging again found.

    Attributes:
        cells: `site, wave, indicator, verdict_before, verdict, reason` of each cell whose verdict changes.
        unmeasured: Rules of now that the facts do not hold, which only a night can measure.
        otherwise: Rules that now measure something else; they were judged by what was measured.
    """

    cells: pa.Table
    unmeasured: list[str]
    otherwise: list[str]


def judge_again(settings: Settings) -> JudgedAgain:
    """Judges the last night's facts by the rules and waivers that the YAML now states.

    Raises:
        ProgrammeFaults: the programme's YAML has faults.
        RuleFaults: a rule or a waiver has faults.
    """
    programme, as_of = load(settings)
    tables = declared_tables(programme, settings.home, as_of)
    facts = _under(read_table(settings.warehouse, "facts.int_facts"), settings, tables["rules"])
    with connected(settings.warehouse, read_only=True) as connection:
        cells = connection.sql(CELLS).to_arrow_table()
    judged = pl.DataFrame(pl.from_arrow(judge_facts(facts, cells, tables["waivers"])["admission"]))
    before = pl.DataFrame(pl.from_arrow(read_table(settings.warehouse, "quality.admission")))
    key = ["site", "wave", "indicator"]
    changed = (
        before.select(*key, pl.col("verdict").alias("verdict_before"))
        .join(judged.select(*key, "verdict", "reason"), on=key)
        .filter(pl.col("verdict") != pl.col("verdict_before"))
        .sort(key)
    )
    before_rules, rules = (
        set(table["rule"].to_pylist())
        for table in (read_table(settings.warehouse, "registry.rules"), tables["rules"])
    )
    otherwise = _measuring_otherwise(settings, tables) & before_rules & rules
    return JudgedAgain(changed.to_arrow(), sorted(rules - before_rules), sorted(otherwise))


def _measuring_otherwise(settings: Settings, tables: Mapping[str, pa.Table]) -> set[str]:
    """Rules of which more than the limit or the weight has changed."""
    found: set[str] = set()
    for name, columns in _MEASURED_BY.items():
        then, now = (
            {tuple(row.values()) for row in table.select(columns).to_pylist()}
            for table in (read_table(settings.warehouse, f"registry.{name}"), tables[name])
        )
        found |= {row[0] for row in then ^ now}
    return found


def _under(facts: pa.Table, settings: Settings, rules: pa.Table) -> pa.Table:
    """The facts beside the thresholds of now; one that a source sets for itself stays."""
    then, now = (
        pl.DataFrame(pl.from_arrow(table)).unique("rule", maintain_order=True).select("rule", *_SAID)
        for table in (read_table(settings.warehouse, "registry.rules"), rules)
    )
    stated = then.rename({name: f"{name}_then" for name in _SAID}).join(
        now.rename({name: f"{name}_now" for name in _SAID}), on="rule"
    )
    told = pl.DataFrame(pl.from_arrow(facts)).join(stated, on="rule", how="inner", maintain_order="left")
    is_own = pl.col("threshold") != pl.col("threshold_then")
    return (
        told.with_columns(
            pl.col("severity_now").alias("severity"),
            pl.col("comparison_now").alias("comparison"),
            pl.when(is_own).then("threshold").otherwise("threshold_now").alias("threshold"),
        )
        .select(facts.column_names)
        .to_arrow()
        .cast(facts.schema)
    )
