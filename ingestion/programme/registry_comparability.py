"""Registry rows of comparability: each indicator's reference and rules, and what was asked in each cell.

In: a `Programme`. Out: rows by table. What is declared once of a source or a wording is spread over the cells
it speaks of; which class follows is judged in the warehouse.
"""

from collections.abc import Iterator
from typing import Any

from ingestion.programme.model import Indicator, Instrument, Programme, Source
from ingestion.programme.model_comparability import FACTS, Asked, Reference, Wording
from ingestion.programme.registry_schemas import Row
from ingestion.programme.wording_items import wording_items


def comparability_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of the tables that say what every site is compared with, and what its people were asked."""
    return {
        "indicator_references": [_reference(indicator, programme) for indicator in programme.indicators],
        "reference_windows": [
            {"indicator": indicator.indicator, "wave": wave, **window.model_dump()}
            for indicator in programme.indicators
            if indicator.reference
            for wave, window in indicator.reference.window.items()
        ],
        "comparability_rules": [row for indicator in programme.indicators for row in _rules(indicator)],
        "asked": list(_asked(programme)),
        "wording_links": _links(programme),
        "wording_items": [
            row for instrument in programme.instruments for row in _wording_items(programme, instrument)
        ],
    }


def _reference(indicator: Indicator, programme: Programme) -> Row:
    reference = indicator.reference or Reference()
    parts = [programme.indicator(one.indicator) for one in indicator.of_indicators] or [indicator]
    return {
        "indicator": indicator.indicator,
        "is_registered": all(part.reference is not None for part in parts),
        "instrument": reference.instrument or next(iter(indicator.instruments), None),
        "wording": reference.wording,
        "language": _joined(reference.language),
        "recall_days": reference.recall,
        "mode": reference.mode,
        "population": reference.population,
        "unit": indicator.unit,
    }


def _rules(indicator: Indicator) -> Iterator[Row]:
    rules = indicator.comparability
    tolerances = {"small_recall": rules.small_recall_pct, "near_window": float(rules.near_window_days)}
    for difference, name in rules.classes.items():
        row = {"indicator": indicator.indicator, "difference": difference, "class": name}
        yield row | {"tolerance": tolerances.get(difference)}


def _asked(programme: Programme) -> Iterator[Row]:
    for source in programme.sources:
        for indicator in _measured(programme, source):
            for site in programme.source_sites(source):
                for wave in dict.fromkeys(source.waves):
                    said = _said(programme, source, site, wave, indicator)
                    window = said.pop("window", None)
                    yield {
                        "source": source.source,
                        "site": site,
                        "wave": wave,
                        "indicator": indicator,
                        "is_sent": source.is_aggregate,
                        **{name: said.get(name) for name in FACTS if name not in ("window", "recall")},
                        "language": _joined(said.get("language")),
                        "recall_days": said.get("recall"),
                        "from_day": window and window.from_day,
                        "to_day": window and window.to_day,
                    }


def _measured(programme: Programme, source: Source) -> list[str]:
    if source.is_aggregate:
        return list(dict.fromkeys(source.indicators))
    if source.role != "survey":
        return []
    return [
        indicator.indicator
        for indicator in programme.indicators
        if source.instrument in indicator.instruments
    ]


def _said(programme: Programme, source: Source, site: str, wave: str, indicator: str) -> dict[str, Any]:
    """What is declared of a cell: of the wording, and over it of the source, the later entry winning."""
    own: dict[str, Any] = {} if source.instrument is None else {"instrument": source.instrument}
    for asked in source.asked:
        if asked.holds(site, wave, indicator):
            own |= _facts(asked)
    instrument = programme.instrument(source.instrument) if source.instrument else None
    wording = instrument.wordings.get(str(own.get("wording"))) if instrument else None
    return (_facts(wording) if wording else {}) | own


def _facts(part: Asked | Wording) -> dict[str, Any]:
    found = {name: getattr(part, name, None) for name in FACTS}
    return {name: fact for name, fact in found.items() if fact is not None}


def _joined(languages: object) -> str | None:
    return ",".join(sorted({str(one).lower() for one in languages})) if isinstance(languages, list) else None


def _links(programme: Programme) -> list[Row]:
    pairs = {
        (instrument.instrument, *pair)
        for instrument in programme.instruments
        for name, wording in instrument.wordings.items()
        for linked in wording.linked or ()
        for pair in ((name, linked), (linked, name))
    }
    return [
        {"instrument": instrument, "wording": wording, "linked": linked}
        for instrument, wording, linked in pairs
    ]


def _wording_items(programme: Programme, instrument: Instrument) -> Iterator[Row]:
    asked = {"": instrument.items} | {
        name: wording_items(instrument, wording, programme.folder)
        for name, wording in instrument.wordings.items()
    }
    for wording, items in asked.items():
        for name, item in items.items():
            codes = item.choices or (("yes", "no") if item.type == "boolean" else ())
            yield {
                "instrument": instrument.instrument,
                "wording": wording,
                "item": name,
                "item_type": item.type,
                "unit": item.unit,
                "min_value": item.min,
                "max_value": item.max,
                "codes": ", ".join(sorted(codes, key=lambda code: (len(code), code))) or None,
            }
