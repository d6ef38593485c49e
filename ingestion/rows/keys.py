"""Keys and waves: from a source's own columns to the system columns that every root table of the lake has.

In: rows not yet read, and the source's `keys` and `wave`. Out: the same with `_sw_*` columns, and the marks
by which rows whose mapped value is not in the map are quarantined, by the column's name, never by the value.
Site codes stay raw here: which site a code means is settled in the warehouse.
"""

from collections.abc import Collection, Iterator

import polars as pl

from ingestion.door.pseudonyms import normalised_id
from ingestion.formats.times import iso_time
from ingestion.programme.model import Column, Source
from ingestion.rows.fates import PARENT, QUARANTINED, RECORD_ID, Mark

PARENT_ID = PARENT
SUBMITTED_AT = "_sw_submitted_at"
FORM_VERSION, REVIEW = "_sw_form_version", "_sw_review"
SITE_CODE, UNIT_ID, WAVE, ARM = "_sw_site_code", "_sw_unit_id", "_sw_wave", "_sw_arm"
ORDER_BY, DISPOSITION = "_sw_order_by", "_sw_disposition"
REPLACES = "_sw_replaces_unit_id"
# It is no column of the lake, where nobody is who withdrew.
WITHDRAWN = "_sw_withdrawn"
_YES_OR_NO = {"yes": "yes", "no": "no"}

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
    covariates = sorted(f"_sw_covariate_{covariate}" for covariate in source.keys.covariates)
    first = [RECORD_ID, PARENT_ID, SITE_CODE, UNIT_ID, WAVE, SUBMITTED_AT, FORM_VERSION, REVIEW]
    frame = [ARM, "_sw_cluster_code", "_sw_block_code", "_sw_weight", REPLACES, "_sw_cohort"]
    interview = [f"_sw_{name}" for name in source.keys.told]
    return [*first, *frame, ORDER_BY, DISPOSITION, *interview, *subgroups, *covariates]


def with_keys(
    rows: pl.LazyFrame, source: Source, pseudonyms: Collection[str], time_formats: tuple[str, ...] = ()
) -> pl.LazyFrame:
    """Adds the system columns that a source's keys and wave give.

    Args:
        rows: The root table's rows, identifying columns already pseudonymised.
        source: The source.
        pseudonyms: Columns that hold pseudonyms, which are taken as they are.
        time_formats: How the export writes times, beside ISO 8601.
    """
    keys = source.keys
    # Without a type, nothing has to be written but the column's name; DuckDB reads it as NULL of any type.
    none = pl.lit(None)
    wave = none if source.wave is None or source.wave.wave is None else pl.lit(source.wave.wave)
    columns = {
        SITE_CODE: _text(pl.col(keys.site.column)).str.to_uppercase(),
        UNIT_ID: _id(keys.unit, pseudonyms),
        REPLACES: _id(keys.replaces, pseudonyms),
        WAVE: wave,
        **{name: none if key is None else _mapped(key) for name, _, key in _mapped_keys(source)},
        **dict(_interview(source, pseudonyms, time_formats)),
    }
    return rows.with_columns(column.alias(name) for name, column in columns.items())


def key_marks(source: Source) -> Iterator[Mark]:
    """The marks of rows whose keys cannot be used; they read the columns that `with_keys` adds."""
    for name, field, key in _mapped_keys(source):
        if key is not None and key.map is not None:
            is_strange = _text(pl.col(key.column)).is_not_null() & pl.col(name).is_null()
            reason = f"the value in column '{key.column}' is not in the map of {field}"
            yield Mark(is_strange, QUARANTINED, reason, key.column)
    if source.wave is not None and source.wave.column is not None:
        reason = f"the column '{source.wave.column}' is blank, so it has no wave"
        yield Mark(pl.col(WAVE).is_null(), QUARANTINED, reason, source.wave.column)


def _mapped_keys(source: Source) -> Iterator[tuple[str, str, Column | None]]:
    """System column, field of sources.yml and key of what may go through a map."""
    for name, field in _PLAIN.items():
        yield name, f"keys.{field}", getattr(source.keys, field)
    for dimension, column in sorted(source.keys.subgroups.items()):
        yield f"_sw_subgroup_{dimension}", f"keys.subgroups.{dimension}", column
    for covariate, column in sorted(source.keys.covariates.items()):
        yield f"_sw_covariate_{covariate}", f"keys.covariates.{covariate}", column
    if source.wave is not None and source.wave.column is not None:
        yield WAVE, "wave", Column(column=source.wave.column, map=dict(source.wave.map))
    if (withdrawn := source.keys.withdrawn) is not None:
        yield WITHDRAWN, "keys.withdrawn", Column(column=withdrawn.column, map=withdrawn.map or _YES_OR_NO)


def _interview(
    source: Source, pseudonyms: Collection[str], time_formats: tuple[str, ...]
) -> Iterator[tuple[str, pl.Expr]]:
    """System column and expression of what the source tells of its interviews."""
    keys = source.keys
    if keys.enumerator is not None:
        yield "_sw_enumerator", _id(keys.enumerator, pseudonyms)
    for name, key in (("_sw_started_at", keys.started_at), ("_sw_ended_at", keys.ended_at)):
        if key is not None:
            yield name, iso_time(pl.col(key.column), time_formats)
    if keys.position is not None:
        yield "_sw_position", _text(pl.col(keys.position.column))
    elif keys.latitude is not None and keys.longitude is not None:
        pair = _text(pl.col(keys.latitude.column)), _text(pl.col(keys.longitude.column))
        yield "_sw_position", pl.concat_str(*pair, separator=" ")


def _mapped(key: Column) -> pl.Expr:
    text = _text(pl.col(key.column))
    if key.map is None:
        return text
    return text.replace_strict(list(key.map), list(key.map.values()), default=None, return_dtype=pl.String)


def _id(key: Column | None, pseudonyms: Collection[str]) -> pl.Expr:
    if key is None:
        return pl.lit(None, dtype=pl.String)
    return pl.col(key.column) if key.column in pseudonyms else normalised_id(pl.col(key.column))


def _text(column: pl.Expr) -> pl.Expr:
    clean = column.str.strip_chars()
    return pl.when(clean != "").then(clean)
