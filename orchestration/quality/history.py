"""Every verdict, threshold and waiver of every night, kept beside the releases.

`<home>/quality/<what>/<as-of date>-<hash12>.parquet`, one file for each of `verdicts`, `thresholds` and
`waivers` a night, whose name follows from what is in it: a night that is judged twice alike is kept once, one
that is judged twice differently twice, told apart by `judged_at` and the rules' fingerprint. In: tables of
the first gate. Out: the same, to be queried over all nights, by DuckDB or `sitewise quality`:

    select as_of_date, state, measured, threshold from read_parquet('.sitewise/quality/verdicts/*.parquet')
    where rule = 'one_interview_per_unit_and_wave' and site = 'kakamega' order by as_of_date, judged_at
"""

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.release.listing import sync

_VERDICTS = ("rule", "rule_type", "severity", "site", "wave", "indicator", "state", "measured", "comparison")
_THRESHOLDS = (
    "rule",
    "rule_type",
    "severity",
    "comparison",
    "threshold",
    "unit",
    "set_by",
    "set_on",
    "ground",
)
_KEY = ("rule", "site", "wave", "indicator")
HISTORIES = ("verdicts", "thresholds", "waivers")


def keep(
    home: Path, night: Mapping[str, Any], judgements: pa.Table, rules: pa.Table, waivers: pa.Table
) -> list[Path]:
    """Keeps what a night found; call it under the home's lock.

    Args:
        home: SITEWISE_HOME.
        night: The night's `as_of_date` and, as `rules`, the fingerprint of its rules and waivers.
        judgements: `quality.judgements`.
        rules: `registry.rules`.
        waivers: `registry.waivers`.

    Returns:
        The night's files.
    """
    verdicts = judgements.select([*_VERDICTS, "threshold", "violations", "denominator", "waiver"])
    applicable = verdicts.filter(pc.not_equal(verdicts["state"], "not_applicable"))
    thresholds = rules.select(_THRESHOLDS).group_by(list(_THRESHOLDS), use_threads=False).aggregate([])
    tables = {
        "verdicts": applicable.sort_by([(name, "ascending") for name in _KEY]),
        "thresholds": thresholds.sort_by("rule"),
        "waivers": waivers,
    }
    return [_kept(home / "quality" / name, night, table) for name, table in tables.items()]


def query(home: Path, sql: str, parameters: list[str] | None = None) -> pa.Table:
    """Queries `verdicts`, `thresholds` and `waivers` of all nights.

    Each row has its `as_of_date`, `rules_fingerprint` and `judged_at`.

    Raises:
        FileNotFoundError: No night has been kept yet.
    """
    connection = duckdb.connect()
    try:
        for name in HISTORIES:
            folder = home / "quality" / name
            if not any(folder.glob("*.parquet")):
                raise FileNotFoundError(folder)
            files = str(folder / "*.parquet").replace("'", "''")
            connection.execute(
                f"create view {name} as select * from read_parquet('{files}', union_by_name = true)"
            )
        return connection.sql(sql, params=parameters or []).to_arrow_table()
    finally:
        connection.close()


def _kept(folder: Path, night: Mapping[str, Any], table: pa.Table) -> Path:
    as_of: date = night["as_of_date"]
    dated = _beside(_beside(table, "rules_fingerprint", night["rules"]), "as_of_date", as_of, pa.date32())
    digest = hashlib.sha256()
    for row in dated.to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    target = folder / f"{as_of.isoformat()}-{digest.hexdigest()[:12]}.parquet"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    # The home is its owner's alone, and so is what lies in it.
    fresh = folder / f".arriving-{os.getpid()}"
    # The clock is told and not hashed: only what was found makes a night another one.
    pq.write_table(_beside(dated, "judged_at", datetime.now(UTC), pa.timestamp("us", "UTC")), fresh)
    sync(fresh)
    fresh.replace(target)
    sync(folder)
    return target


def _beside(table: pa.Table, name: str, value: Any, of_type: pa.DataType | None = None) -> pa.Table:
    """The table with one value in a first column."""
    kind = of_type or pa.string()
    return table.add_column(0, pa.field(name, kind), pa.array([value] * len(table), kind))
