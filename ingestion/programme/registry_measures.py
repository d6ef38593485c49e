"""Registry rows of what is measured: items, codes, units, conversions, indicators and subgroups.

In: a `Programme`. Out: rows by table. Nothing here depends on the night or on the lake.
"""

from collections.abc import Iterator

from ingestion.programme.conversions import wanted_unit
from ingestion.programme.model import DerivedItem, Indicator, Item, Programme
from ingestion.programme.model_indices import Standardised
from ingestion.programme.model_values import Bins, ReferenceSd, Threshold, Winsor
from ingestion.programme.registry_schemas import Row


def measure_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of the tables that follow from instruments, indicators and the maps of the sources."""
    return {
        "subgroups": _subgroups(programme),
        "items": list(_items(programme)),
        "item_codes": list(_item_codes(programme)),
        "missing_codes": [
            {"instrument": instrument.instrument, "code": code, "meaning": meaning}
            for instrument in programme.instruments
            for code, meaning in instrument.missing.items()
        ],
        "source_units": list(_source_units(programme)),
        "indicators": list(_indicators(programme)),
        "indicator_terms": list(_indicator_terms(programme)),
        "index_components": list(_index_components(programme)),
        "indicator_subgroups": [
            {"indicator": indicator.indicator, "dimension": dimension}
            for indicator in programme.indicators
            for dimension in dict.fromkeys(indicator.subgroups)
        ],
    }


def _subgroups(programme: Programme) -> list[Row]:
    levels = {
        (dimension, level)
        for source in programme.sources
        for dimension, column in source.keys.subgroups.items()
        for level in (column.map or {}).values()
    }
    return [{"dimension": dimension, "level": level} for dimension, level in levels]


def _items(programme: Programme) -> Iterator[Row]:
    for instrument in programme.instruments:
        for name, item in instrument.items.items():
            yield {
                "instrument": instrument.instrument,
                "item": name,
                "item_type": item.type,
                "unit": item.unit,
                "min_value": item.min,
                "max_value": item.max,
                "is_required": item.required,
                "is_derived": isinstance(item, DerivedItem),
            }


def _item_codes(programme: Programme) -> Iterator[Row]:
    for instrument in programme.instruments:
        for name, item in instrument.items.items():
            for code, label, value in _codes(item):
                row = {"instrument": instrument.instrument, "item": name}
                yield row | {"code": code, "label": label, "value": value}


def _codes(item: Item) -> Iterator[tuple[str, str, float | None]]:
    if item.type == "boolean":
        yield from ((code, "yes", 1.0) for code in dict.fromkeys(item.yes))
        yield from ((code, "no", 0.0) for code in dict.fromkeys(item.no))
    if item.type.startswith("select_"):
        yield from ((code, label, _number(code)) for code, label in item.choices.items())


def _number(code: str) -> float | None:
    return float(code) if code.lstrip("-").replace(".", "", 1).isdecimal() and code.isascii() else None


def _source_units(programme: Programme) -> Iterator[Row]:
    for source in programme.sources:
        if source.instrument is None:
            continue
        for name, item in programme.instrument(source.instrument).items.items():
            unit = source.units.get(f"{source.instrument}.{name}", item.unit)
            if unit is not None:
                yield {"source": source.source, "instrument": source.instrument, "item": name, "unit": unit}


def _indicators(programme: Programme) -> Iterator[Row]:
    same_names = ("indicator", "title", "statistic", "direction", "effect_scale", "smallest_effect")
    more_names = (
        "retention_margin",
        "role",
        "resolution",
        "min_answered",
        "scale_min",
        "scale_max",
        "over_repeat",
        "transform",
        "is_descriptive",
        "quantile",
    )
    for place, indicator in enumerate(programme.indicators, start=1):
        yield {
            **{name: getattr(indicator, name) for name in (*same_names, *more_names)},
            "unit": published_unit(indicator),
            "multiplier": float(indicator.per),
            "is_change": indicator.change_from_baseline,
            **_threshold(indicator.threshold),
            **_winsor(indicator.winsor),
            **_reference_sd(indicator.reference_sd),
            **_grid(indicator.grid),
            **_standardised(indicator.standardised),
            "indicator_order": place,
        }


def published_unit(indicator: Indicator) -> str:
    """The unit of an indicator's values: that of the YAML, or what its transform makes of it."""
    name = {"log": "ln", "asinh": "asinh"}.get(indicator.transform)
    return f"{name}({indicator.unit})" if name else indicator.unit


def _threshold(threshold: Threshold | None) -> Row:
    if threshold is None:
        return {}
    return {
        "threshold_low": threshold.low,
        "threshold_high": threshold.high,
        "is_low_included": threshold.above is None,
        "is_high_included": threshold.below is None,
    }


def _reference_sd(reference_sd: ReferenceSd | None) -> Row:
    if reference_sd is None:
        return {}
    return {
        "reference_sd": reference_sd.value,
        "reference_sd_on": reference_sd.frozen_on,
        "reference_sd_ground": reference_sd.ground,
    }


def _grid(bins: Bins | None) -> Row:
    return {} if bins is None else {f"grid_{name}": getattr(bins, name) for name in ("low", "high", "step")}


def _standardised(frozen: Standardised | None) -> Row:
    names = ("mean", "sd", "frozen_on", "ground")
    return {} if frozen is None else {f"index_{name}": getattr(frozen, name) for name in names}


def _index_components(programme: Programme) -> Iterator[Row]:
    for index in programme.indicators:
        for place, component in enumerate(index.of_indicators, start=1):
            is_other_way = programme.indicator(component.indicator).direction != index.direction
            is_reversed = is_other_way if component.reversed is None else component.reversed
            yield {
                "indicator": index.indicator,
                "component": component.indicator,
                "component_order": place,
                "mean": component.mean,
                "sd": component.sd,
                "sign": -1 if is_reversed else 1,
                "weight": 1.0 if component.weight is None else component.weight,
            }


def _winsor(winsor: Winsor | None) -> Row:
    if winsor is None:
        return {}
    return {f"winsor_{name}": getattr(winsor, name) for name in ("low", "high", "frozen_on", "ground")}


def _indicator_terms(programme: Programme) -> Iterator[Row]:
    for indicator in programme.indicators:
        for term, reference in indicator.terms:
            instrument, _, item = reference.partition(".")
            yield {
                "indicator": indicator.indicator,
                "instrument": instrument,
                "item": item,
                "term": term,
                "is_reversed": reference in indicator.reversed,
                "to_unit": wanted_unit(indicator, term, reference, programme.item, programme),
            }
