"""Keys and waves: from a source's own columns to the system columns that every root table of the lake has.

In: rows with their record ids, and the source's `keys` and `wave`. Out: `_sw_*` columns; rows whose mapped
value is not in the map are quarantined, by the column's name, never by the value. Site codes stay raw here:
which site a code means is settled in the warehouse.
"""

import polars as pl

from ingestion.fates import QUARANTINED, mark
from ingestion.privacy import normalised_id
from ingestion.programme.model import Column, Source

PARENT_ID = "_sw_parent_record_id"
SUBMITTED_AT = "_sw_submitted_at"
FORM_VERSION = "_sw_form_version"
SITE_CODE, UNIT_ID, WAVE, ARM = "_sw_site_code", "_sw_unit_id", "_sw_wave", "_sw_arm"
ORDER_BY, DISPOSITION = "_sw_order_by", "_sw_disposition"

_PLAIN = {
    ARM: "arm",
    "_sw_cluster_code": "cluster",
    "_sw_block_code": "block",
    "_sw_weight": "weight",
    "_sw_cohort": "cohort",
    ORDER_BY: "order_by",
    DISPOSITION: "disposition",
}


def system_columns(source: Source) -> list[str]:
    """The system columns of a source's root table, in the order in which the lake has them."""
    subgroups = sorted(f"_sw_subgroup_{dimension}" for dimension in source.keys.subgroups)
    first = ["_sw_record_id", PARENT_ID, SITE_CODE, UNIT_ID, WAVE, SUBMITTED_AT, FORM_VERSION]
    frame = [ARM, "_sw_cluster_code", "_sw_block_code", "_sw_weight", "_sw_replaces_unit_id", "_sw_cohort"]
    return [*first, *frame, ORDER_BY, DISPOSITION, *subgroups]


def with_keys(rows: pl.DataFrame, source: Source, pseudonyms: list[str]) -> pl.DataFrame:
    """Adds the system columns that a source's keys and wave give.

    Args:
        rows: The root table's rows, identifying columns already pseudonymised.
        source: The source.
        pseudonyms: Columns that hold pseudonyms, which are taken as they are.
    """
    keys = source.keys
    rows = rows.with_columns(
        _text(pl.col(keys.site.column)).str.to_uppercase().alias(SITE_CODE),
        _id(keys.unit, pseudonyms).alias(UNIT_ID),
        _id(keys.replaces, pseudonyms).alias("_sw_replaces_unit_id"),
    )
    for name, field in _PLAIN.items():
        rows = _mapped(rows, name, f"keys.{field}", getattr(keys, field))
    for dimension, column in sorted(keys.subgroups.items()):
        rows = _mapped(rows, f"_sw_subgroup_{dimension}", f"keys.subgroups.{dimension}", column)
    if source.wave is None or source.wave.column is None:
        return rows.with_columns(
            pl.lit(source.wave.wave if source.wave else None, dtype=pl.String).alias(WAVE)
        )
    wave = Column(column=source.wave.column, map=dict(source.wave.map))
    rows = _mapped(rows, WAVE, "wave", wave)
    return mark(
        rows,
        pl.col(WAVE).is_null(),
        QUARANTINED,
        f"the column '{wave.column}' is blank, so it has no wave",
        wave.column,
    )


def _mapped(rows: pl.DataFrame, name: str, field: str, key: Column | None) -> pl.DataFrame:
    """Adds one key's column, through its map if it has one."""
    if key is None:
        return rows.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    text = _text(pl.col(key.column))
    if key.map is None:
        return rows.with_columns(text.alias(name))
    rows = rows.with_columns(
        text.replace_strict(
            list(key.map), list(key.map.values()), default=None, return_dtype=pl.String
        ).alias(name)
    )
    is_strange = text.is_not_null() & pl.col(name).is_null()
    return mark(
        rows,
        is_strange,
        QUARANTINED,
        f"the value in column '{key.column}' is not in the map of {field}",
        key.column,
    )


def _id(key: Column | None, pseudonyms: list[str]) -> pl.Expr:
    if key is None:
        return pl.lit(None, dtype=pl.String)
    return pl.col(key.column) if key.column in pseudonyms else normalised_id(pl.col(key.column))


def _text(column: pl.Expr) -> pl.Expr:
    clean = column.str.strip_chars()
    return pl.when(clean != "").then(clean)
