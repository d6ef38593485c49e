"""Times a thousand rules over ten million respondents, beside a hand-written query for the same facts.

Run: `python tests/benchmarks/rules.py [--rows N]`. Thirty items, two hundred sites, two waves; a lake table
of text, as exports are. Measured is the model of the facts that answers give, run by dbt on a warehouse whose
registry and records were written before the clock starts. The plain way is `rules_by_hand.sql`, run by the
same engine with as many threads: it must find the same violations and denominators.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from moments_to_marts import peak_memory
from rich.console import Console

from expectations.compile import rule_tables
from expectations.rule import load_rules
from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.dbt_run import build
from orchestration.settings import Settings
from orchestration.warehouse import connected, write_tables

SITES, WAVES, CODES = 200, ("baseline", "endline"), tuple("12345")
NUMBERS = [f"i{number:02d}" for number in range(1, 21)]
CHOICES = [f"c{number:02d}" for number in range(1, 11)]
MEMORY = "3GB"
SYSTEM = (
    *("record_id", "parent_record_id", "site_code", "unit_id", "wave", "submitted_at", "form_version", "arm"),
    *("cluster_code", "block_code", "weight", "replaces_unit_id", "cohort", "order_by", "disposition"),
)


@dataclass(frozen=True)
class Entry:
    """A rule as `load_rules` takes it."""

    data: dict[str, Any]
    file: Path = Path("rules.yml")
    line: int = 1

    def line_of(self, path: str) -> int:
        """They stand in no file."""
        return self.line


def rules() -> list[dict[str, Any]]:
    """700 ranges, 200 lists of allowed codes, 70 checks over two items and 30 required answers."""
    found: list[dict[str, Any]] = []
    for item in NUMBERS:
        found += [
            {"rule": f"{item}_range_{low}", "type": "range", "item": item, "min": low, "max": 1000 - low}
            for low in range(1, 36)
        ]
    for item in CHOICES:
        for number in range(20):
            allowed = [code for place, code in enumerate(CODES) if (number + 1) >> place & 1]
            found.append(
                {
                    "rule": f"{item}_allowed_{number}",
                    "type": "allowed_values",
                    "item": item,
                    "allowed": allowed,
                }
            )
    for number in range(70):
        one, other = NUMBERS[number % 20], NUMBERS[(number * 7 + 1) % 20]
        expression = f"{one} <= {other} + {900 + number}"
        found.append({"rule": f"check_{number}", "type": "check", "expression": expression})
    found += [
        {"rule": f"{item}_required", "type": "required_answered", "item": item} for item in NUMBERS + CHOICES
    ]
    told = {"severity": "warning", "threshold_pct": 5, "set_by": "a benchmark", "ground": "a benchmark"}
    return [told | {"description": rule["rule"], "set_on": date(2026, 1, 1)} | rule for rule in found]


def registry(row_count: int) -> dict[str, pa.Table]:
    """One survey of one instrument at every site in both waves."""
    columns = [f"_sw_{name}" for name in SYSTEM] + NUMBERS + CHOICES
    place = {"source": "survey", "lake_table": "main"}
    rows: dict[str, list[dict[str, Any]]] = {
        "programme": [
            {"programme": "bench", "title": "Bench", "is_public": True, "min_cell": 1, "round_to": 1}
        ],
        "sites": [
            {"site": f"s{number}", "design": "cluster_rct", "site_order": number} for number in range(SITES)
        ],
        "site_codes": [{"site_code": f"S{number}", "site": f"s{number}"} for number in range(SITES)],
        "waves": [
            {"wave": wave, "title": wave, "wave_order": number, "is_baseline": not number}
            for number, wave in enumerate(WAVES)
        ],
        "site_waves": [
            {
                "site": f"s{number}",
                "wave": wave,
                "from_date": date(2025, 1, 1),
                "closes_date": date(2025, 2, 1),
            }
            | {"state": "closed"}
            for number in range(SITES)
            for wave in WAVES
        ],
        "sources": [{"source": "survey", "role": "survey", "platform": "csv", "instrument": "form"}],
        "source_sites": [{"source": "survey", "site": f"s{number}"} for number in range(SITES)],
        "source_waves": [{"source": "survey", "wave": wave} for wave in WAVES],
        "lake_tables": [place | {"path": "lake/main.parquet", "row_count": row_count}],
        "lake_columns": [
            place
            | {"column_name": name, "column_order": order, "role": "system" if name[0] == "_" else "item"}
            | ({} if name[0] == "_" else {"instrument": "form", "item": name, "preference": 1})
            for order, name in enumerate(columns, 1)
        ],
        "items": [
            {"instrument": "form", "item": name, "item_type": kind, "is_required": True}
            for names, kind in ((NUMBERS, "integer"), (CHOICES, "select_one"))
            for name in names
        ],
        "item_codes": [
            {"instrument": "form", "item": name, "code": code, "label": code}
            for name in CHOICES
            for code in CODES
        ],
    }
    tables = {name: registry_table(name, rows.get(name, [])) for name in SCHEMAS}
    return tables | rule_tables(load_rules(map(Entry, rules())), tables)


def write_lake(path: Path, row_count: int) -> None:
    """Made-up answers as text: one in fifty blank, a few beyond any limit."""
    path.parent.mkdir(exist_ok=True)
    system = {name: "null::varchar" for name in SYSTEM} | {
        "record_id": "i::varchar",
        "unit_id": "i::varchar",
        "site_code": f"'s' || (i % {SITES})",
        "wave": "if(i // 7 % 2 = 0, 'baseline', 'endline')",
        "disposition": "'complete'",
    }
    told = [f"{sql} as _sw_{name}" for name, sql in system.items()]
    told += [
        f"if(hash(i, {seed}) % 50 = 0, null, (hash(i, {seed}, 1) % 1010)::varchar) as {name}"
        for seed, name in enumerate(NUMBERS)
    ]
    told += [
        f"if(hash(i, {seed}) % 50 = 0, null, (1 + hash(i, {seed}, 2) % 6)::varchar) as {name}"
        for seed, name in enumerate(CHOICES, 50)
    ]
    with duckdb.connect() as engine:
        engine.execute(f"copy (select {', '.join(told)} from range({row_count}) as r(i)) to '{path}'")


def by_hand(path: Path) -> tuple[float, list[tuple[Any, ...]]]:
    """Seconds of the plain query, and what it finds by rule, site and wave."""
    query = Path(__file__).with_name("rules_by_hand.sql").read_text()
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as engine:
        engine.execute(f"create view answers as from '{path}'")
        started = time.perf_counter()
        table = engine.sql(query).to_arrow_table()
        seconds = time.perf_counter() - started
    asked = {rule["rule"]: _asked(rule) for rule in rules()}
    return seconds, sorted(
        (rule, row["site"], row["wave"], int(row[rule]), row[of])
        for row in table.to_pylist()
        for rule, of in asked.items()
    )


def _asked(rule: dict[str, Any]) -> str:
    """The hand-written column that counts for how many records a rule says something."""
    if rule["type"] == "required_answered":
        return "records"
    if rule["type"] == "check":
        one, other = rule["expression"].split(" <= ")
        return f"{one}_{other.split(' + ')[0]}_answered"
    return f"{rule['item']}_answered"


def main() -> None:
    """Writes the lake, times both ways, compares what they found, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), "bench", 2)
        settings.prepare()
        lake = Path(folder) / "lake" / "main.parquet"
        write_lake(lake, options.rows)
        write_tables(settings.warehouse, "registry", registry(options.rows))
        build(settings, ["+int_fact_answers", "--exclude", "int_fact_answers"])
        with peak_memory() as memory:
            results = build(settings, ["int_fact_answers"])
        failed = [result for result in results if result.status not in ("success", "pass")]
        if failed:
            raise SystemExit("\n".join(f"{result.unique_id}: {result.message}" for result in failed))
        seconds = max(result.seconds for result in results)
        with connected(settings.warehouse, read_only=True) as connection:
            told = connection.execute(
                "select rule, site, wave, violations, denominator from facts.int_fact_answers order by all"
            ).fetchall()
        bare, same = by_hand(lake)
    if told != same:
        pairs = zip(told, same, strict=False)
        raise SystemExit(f"the two ways differ: {[pair for pair in pairs if pair[0] != pair[1]][:3]}")
    console = Console(width=100)
    console.print(
        f"{len(rules()):,} rules, {options.rows:,} records, {len(told):,} facts, the same both ways"
    )
    console.print(
        f"facts {seconds:.1f} s, peak {memory[0]:.0f} MB; by hand {bare:.1f} s; ratio {seconds / bare:.2f}"
    )


if __name__ == "__main__":
    main()
