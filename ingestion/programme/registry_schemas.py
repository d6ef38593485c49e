"""The registry's tables, column by column: the contract between a programme's YAML and everything after it.

In: rows as plain dicts. Out: Arrow tables with exact types, sorted by their keys (the columns marked `*`), so
that the same programme gives the same bytes. What the rows mean is decided elsewhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "factor": pa.decimal128(38, 18),
    "grid": pa.decimal128(38, 12),
}

_COLUMNS = {
    "programme": """*programme, title, base_currency, price_year int, is_public bool, min_cell int,
        round_to int, unit_scope, as_of_date date, timezone""",
    "sites": """*site, title, country, currency, design, implementer, eligible_count bigint,
        treated_share double, site_order int""",
    "site_codes": "*site_code, site",
    "site_stages": "*site, stage, *from_date date",
    "waves": "*wave, title, wave_order int, is_baseline bool",
    "site_waves": "*site, *wave, from_date date, closes_date date, frozen_date date, state",
    "sources": """*source, role, platform, instrument, round, is_randomised bool, mode, frame,
        max_age_days int, earlier_row_count bigint, orphan_count bigint, receipt_state,
        receipt_message, input_hash, export_time, last_submitted_at""",
    "source_sites": "*source, *site",
    "source_waves": "*source, *wave",
    "source_keys": "*source, *key",
    "quarantine": "*source, *file, *reason, *field, row_count bigint",
    "corrections": "*source, *log, *question, *action, *state, *reason, row_count bigint",
    "lake_tables": "*source, *lake_table, parent_table, path, row_count bigint",
    "lake_columns": """*source, *lake_table, *column_name, column_order int, role, instrument, *item,
        preference int""",
    "subgroups": "*dimension, *level",
    "items": """*instrument, *item, item_type, unit, min_value double, max_value double, is_required bool,
        is_derived bool""",
    "item_codes": "*instrument, *item, *code, label, value double",
    "form_fields": """*instrument, *path, name, item, field_type, choice_list, is_required bool,
        constraint_text, relevance_text, required_text, low_value double, high_value double, unit,
        is_identifier bool, label, repeat, line int""",
    "form_choices": "*instrument, *choice_list, *code, label",
    "form_expressions": """*instrument, *path, *kind, item, source_text, expression, why_untranslated,
        line int""",
    "missing_codes": "*instrument, *code, meaning",
    "source_units": "*source, *instrument, *item, unit",
    "conversions": "*from_unit, *to_unit, factor factor, dated date, ground",
    "money_factors": "*from_unit, *to_unit, *site, *wave, factor factor, dated date, ground",
    "cost_factors": "*currency, *price_year int, factor factor, dated date, ground",
    "indicators": """*indicator, title, unit, statistic, direction, effect_scale, smallest_effect double,
        retention_margin double, role, resolution grid, multiplier double, min_answered int, scale_min double,
        scale_max double, over_repeat, transform, is_change bool, is_descriptive bool, threshold_low grid,
        threshold_high grid, is_low_included bool, is_high_included bool, winsor_low grid, winsor_high grid,
        winsor_frozen_on date, winsor_ground, reference_sd double, reference_sd_on date, reference_sd_ground,
        quantile grid, grid_low grid, grid_high grid, grid_step grid,
        index_mean double, index_sd double, index_frozen_on date, index_ground text,
        indicator_order int""",
    "indicator_terms": "*indicator, *instrument, *item, *term, is_reversed bool, to_unit",
    "index_components": """*indicator, *component, component_order int, mean double, sd double, sign int,
        weight double""",
    "indicator_subgroups": "*indicator, *dimension",
    "analyses": """*analysis, family, title, role, registered_on date, treatment_arm, control_arm, round,
        is_randomised bool, replacements, level, adjust, clusters, unit, inference, pool_designs,
        pilot_selection, selection_alpha double, selection_sides, selection_value double,
        selection_indicator, spending_plan,
        take_up, is_panel bool, analysis_order int""",
    "analysis_looks": "*analysis, *look int, planned_date date, information double",
    "analysis_waves": "*analysis, *wave",
    "analysis_indicators": "*analysis, *indicator, definition_hash",
    "analysis_cohorts": "*analysis, *cohort",
    "analysis_covariates": "*analysis, *covariate, covariate_order int, kind",
    "analysis_moderators": "*analysis, *moderator, moderator_order int",
    "site_covariates": "*site, *covariate, value double",
    "covariates": "*covariate, resolution grid",
    "indicator_references": """*indicator, is_registered bool, instrument, wording, language,
        recall_days double, mode, population, unit""",
    "reference_windows": "*indicator, *wave, from_day int, to_day int, after",
    "comparability_rules": "*indicator, *difference, class, tolerance double",
    "asked": """*source, *site, *wave, *indicator, is_sent bool, instrument, wording, language, translation,
        recall_days double, mode, population, unit, from_day int, to_day int""",
    "wording_links": "*instrument, *wording, *linked",
    "wording_items": """*instrument, *wording, *item, item_type, unit, min_value double, max_value double,
        codes""",
    "population_areas": "*area, site, dated date, ground",
    "population_covariates": "*area, *covariate, covariate_order int, value double",
    "analysis_amendments": "*analysis, *on_date date, *what, why",
    "earlier_answers": """*analysis, *indicator, *wave, *answer_number int, answered_on date, verdict,
        effect double, effect_se double, pilot_estimate double, pilot_se double, scaled_estimate double,
        scaled_se double, retention double, retention_low double, retention_high double, retention_set,
        definition_hash, what_changed,
        registered_note, is_registered bool, numbers_state""",
    "earlier_inputs": "*source, input_hash",
    "news": "*kind",
    "expected_cells": "*site, *wave, *indicator, basis",
}


def _columns(table: str) -> list[list[str]]:
    return [column.split() for column in _COLUMNS[table].split(",")]


SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema([(name.lstrip("*"), _TYPES[(kind or ["text"])[0]]) for name, *kind in _columns(table)])
    for table in _COLUMNS
}
KEYS: dict[str, list[str]] = {
    table: [name[1:] for name, *_ in _columns(table) if name.startswith("*")] for table in _COLUMNS
}


def registry_table(table: str, rows: Iterable[Row]) -> pa.Table:
    """The rows as that registry table, sorted by its key; fields a row lacks are null.

    Raises:
        ValueError: A row has a field that the table does not have.
    """
    schema, listed = SCHEMAS[table], list(rows)
    for row in listed:
        if unknown := set(row) - set(schema.names):
            raise ValueError(f"registry table {table} has no column {', '.join(sorted(unknown))}")
    listed.sort(key=lambda row: [(row.get(key) is not None, row.get(key)) for key in KEYS[table]])
    return pa.Table.from_pylist([dict(row) for row in listed], schema=schema)
