"""Which cells may be used: the worst judgement over the rules that apply to each.

In: `quality.judgements` and the expected cells (site x wave x indicator). Out: `quality.admission`. Whether a
rule is broken was decided before; here judgements are only gathered, ranked and put into words.

A judgement touches every cell its key matches, `*` matching all. Errors, even of warning rules, withhold:
what was not judged is not known to be harmless. A failure of a warning rule warns. A cell without any
applicable rule is an error.

An index inherits the judgements of its components' cells at its site and wave: what withholds one of them
withholds the index, and so does a component that is not expected there.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import polars as pl
import pyarrow as pa

ADMISSION = pa.schema(
    [(name, pa.string()) for name in ("site", "wave", "indicator", "verdict")]
    + [("is_admitted", pa.bool_()), ("reason", pa.string()), ("worst_rule", pa.string())]
)
_CELL = ("site", "wave", "indicator")
_RANKS = {"error": 3, "fail": 2, "warn": 1, "pass": 0}
_SHOWN = 3


def admitted_cells(judgements: pa.Table, cells: pa.Table) -> pa.Table:
    """The verdict on every expected cell, sorted by site, wave and indicator.

    Args:
        judgements: rule, severity, site, wave, indicator, state, reason.
        cells: site, wave, indicator, wave_state; one row per expected cell. `components`, where it is there:
            the indicators behind an index, else null.
    """
    expected = pl.DataFrame(pl.from_arrow(cells.select([*_CELL, "wave_state"]))).unique(_CELL).sort(_CELL)
    touching: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in _matches(_ranked(judgements), expected).iter_rows(named=True):
        touching.setdefault(_key(row), []).append(row)
    is_told = "components" in cells.column_names
    behind = {_key(row): row["components"] or [] for row in (cells.to_pylist() if is_told else [])}
    rows = [
        _verdict(cell, _with_inherited(_key(cell), behind.get(_key(cell), []), touching))
        for cell in expected.iter_rows(named=True)
    ]
    return pa.Table.from_pylist(rows, schema=ADMISSION)


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _CELL)


def _with_inherited(
    key: tuple[str, ...], components: list[str], touching: dict[tuple[str, ...], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """A cell's judgements and those of the components behind it, worst first, each once."""
    found = list(touching.get(key, []))
    for component in components:
        inherited = touching.get((*key[:2], component), [])
        found += [row for row in inherited if not any(_is_same(row, other) for other in found)]
        if not inherited:
            reason = f"no judgement of its component {component} here"
            found.append({"rule": component, "rank": _RANKS["error"], "state": "error", "reason": reason})
    return sorted(found, key=lambda row: -row["rank"]) if components else found


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether they are one judgement: its key names the site, wave and indicator that it is of."""
    names = ("rule", "own_site", "own_wave", "own_indicator")
    return all(one.get(name) == other.get(name) for name in names)


def _ranked(judgements: pa.Table) -> pl.DataFrame:
    """Applicable judgements with their rank; a state that is not known ranks as an error."""
    columns = ["rule", "severity", *_CELL, "state", "reason"]
    frame = pl.DataFrame(pl.from_arrow(judgements.select(columns)))
    state = pl.col("state").fill_null("error")
    softened = (
        pl.when((state == "fail") & (pl.col("severity") == "warning")).then(pl.lit("warn")).otherwise(state)
    )
    rank = softened.replace_strict(_RANKS, default=_RANKS["error"], return_dtype=pl.Int8)
    return frame.filter(state != "not_applicable").with_columns(rank.alias("rank"))


def _matches(judgements: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Judgements beside the cells they touch, worst first; ties go by everything else that is told of one."""
    # A judgement that does not say what it touches touches everything, or it would withhold nothing.
    own = judgements.with_columns(pl.col(_CELL).fill_null("*")).rename(
        {name: f"own_{name}" for name in _CELL}
    )
    ties = ["rule", "own_site", "own_wave", "own_indicator", "severity", "state", "reason"]
    return pl.concat(_by_wildcards(own, cells)).sort(
        [*_CELL, "rank", *ties],
        descending=[False] * len(_CELL) + [True] + [False] * len(ties),
        nulls_last=True,
    )


def _by_wildcards(own: pl.DataFrame, cells: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for wildcards in product((True, False), repeat=len(_CELL)):
        part = own.filter(
            *((pl.col(f"own_{name}") == "*") == is_all for name, is_all in zip(_CELL, wildcards, strict=True))
        )
        named = [name for name, is_all in zip(_CELL, wildcards, strict=True) if not is_all]
        columns = [*_CELL, *own.columns]
        if named:
            keyed = part.with_columns(pl.col(f"own_{name}").alias(name) for name in named)
            yield cells.join(keyed, on=named, how="inner").select(columns)
        else:
            yield cells.join(part, how="cross").select(columns)


def _verdict(cell: dict[str, Any], judgements: list[dict[str, Any]]) -> dict[str, Any]:
    place = {name: cell[name] for name in _CELL}
    if not judgements:
        reason = f"no rule applies to this cell; its wave is {cell['wave_state'] or 'unknown'}"
        return place | {"verdict": "error", "is_admitted": False, "reason": reason, "worst_rule": None}
    worst = next(state for state, rank in _RANKS.items() if rank == judgements[0]["rank"])
    troubles = [row for row in judgements if row["rank"] > 0]
    return place | {
        "verdict": worst,
        "is_admitted": worst in ("pass", "warn"),
        "reason": _reason(troubles) if troubles else f"all {len(judgements)} applicable judgements pass",
        "worst_rule": troubles[0]["rule"] if troubles else None,
    }


def _reason(troubles: list[dict[str, Any]]) -> str:
    shown = "; ".join(f"{row['rule']}: {row['reason'] or row['state']}" for row in troubles[:_SHOWN])
    hidden = len(troubles) - _SHOWN
    return f"{shown}; and {hidden} more" if hidden > 0 else shown
