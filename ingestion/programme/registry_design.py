"""Registry rows of the design: the programme, its sites and waves, its analyses and what should be measured.

In: a `Programme` and the night's date. Out: rows by table. Neither items nor the lake are known here.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ingestion.programme.model import Analysis, Indicator, Programme
from ingestion.programme.model_registration import PilotSelection
from ingestion.programme.registry_schemas import Row
from ingestion.programme.words import normal_code


def design_rows(programme: Programme, as_of: date) -> dict[str, list[Row]]:
    """Rows of the tables that follow from the design alone."""
    return {
        "programme": [_programme(programme, as_of)],
        "sites": list(_sites(programme)),
        "site_codes": _site_codes(programme),
        "site_stages": [
            {"site": site.site, "stage": stage.stage, "from_date": stage.from_date}
            for site in programme.sites
            for stage in site.stages
        ],
        "waves": [
            {
                "wave": wave.wave,
                "title": wave.title or _words(wave.wave),
                "wave_order": place,
                "is_baseline": wave.is_baseline,
            }
            for place, wave in enumerate(programme.waves, start=1)
        ],
        "site_waves": list(_site_waves(programme, as_of)),
        "analyses": list(_analyses(programme)),
        "analysis_waves": [
            {"analysis": analysis.analysis, "wave": wave}
            for analysis in programme.analyses
            for wave in dict.fromkeys(analysis.waves)
        ],
        "analysis_looks": list(_looks(programme)),
        "analysis_indicators": [
            {
                "analysis": analysis.analysis,
                "indicator": indicator,
                "definition_hash": _definition_hash(
                    analysis,
                    programme.indicator(indicator),
                    [
                        programme.indicator(one.indicator)
                        for one in programme.indicator(indicator).of_indicators
                    ],
                ),
            }
            for analysis in programme.analyses
            for indicator in programme.analysis_indicators(analysis)
        ],
        "analysis_cohorts": [
            {"analysis": analysis.analysis, "cohort": cohort}
            for analysis in programme.analyses
            for cohort in dict.fromkeys(analysis.cohorts or ())
        ],
        "analysis_covariates": list(_covariates(programme)),
        "analysis_moderators": [
            {"analysis": analysis.analysis, "moderator": moderator, "moderator_order": place}
            for analysis in programme.analyses
            for place, moderator in enumerate(analysis.moderators, start=1)
        ],
        "site_covariates": [
            {"site": site.site, "covariate": covariate, "value": value}
            for site in programme.sites
            for covariate, value in site.covariates.items()
        ],
        "covariates": [
            {"covariate": covariate, "resolution": resolution}
            for covariate, resolution in _resolutions(programme).items()
        ],
        "analysis_amendments": [
            {"analysis": analysis.analysis, "on_date": note.on, "what": note.what, "why": note.why}
            for analysis in programme.analyses
            for note in analysis.amendments
        ],
        "expected_cells": list(_expected_cells(programme)),
    }


def _definition_hash(analysis: Analysis, indicator: Indicator, components: list[Indicator]) -> str:
    """Hash of what was registered: the fields as written, so that new fields with defaults change nothing."""
    written = [
        analysis.model_dump(mode="json", exclude_defaults=True, exclude={"title", "amendments"}),
        *(
            one.model_dump(mode="json", exclude_defaults=True, exclude={"title"})
            for one in (indicator, *components)
        ),
    ]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def _words(identifier: str) -> str:
    return identifier.replace("_", " ").capitalize()


def _programme(programme: Programme, as_of: date) -> Row:
    return {
        "programme": programme.programme,
        "title": programme.title,
        "base_currency": programme.currency.base if programme.currency else None,
        "price_year": programme.currency.price_year if programme.currency else None,
        "is_public": programme.privacy.public,
        "min_cell": programme.privacy.min_cell,
        "round_to": programme.privacy.round_to,
        "unit_scope": programme.units.unique_in,
        "as_of_date": as_of,
        "timezone": programme.nightly.timezone,
    }


def _sites(programme: Programme) -> Iterator[Row]:
    for place, site in enumerate(programme.sites, start=1):
        yield {
            "site": site.site,
            "title": site.title or _words(site.site),
            "country": site.country,
            "currency": site.currency,
            "design": site.design,
            "implementer": site.implementer,
            "eligible_count": site.population.eligible,
            "treated_share": site.treated_share,
            "site_order": place,
        }


def _site_codes(programme: Programme) -> list[Row]:
    codes = {normal_code(code): site.site for site in programme.sites for code in (site.site, *site.codes)}
    return [{"site_code": code, "site": site} for code, site in codes.items()]


def _site_waves(programme: Programme, as_of: date) -> Iterator[Row]:
    for site in programme.sites:
        for wave in programme.waves:
            dates = programme.wave_dates(site, wave)
            yield {
                "site": site.site,
                "wave": wave.wave,
                "from_date": dates.from_date,
                "closes_date": dates.closes,
                "frozen_date": dates.frozen,
                "state": dates.state(as_of),
            }


def _analyses(programme: Programme) -> Iterator[Row]:
    for place, analysis in enumerate(programme.analyses, start=1):
        sources = [
            source for source in programme.sources if source.is_frame and source.round == analysis.round
        ]
        same_names = (
            "analysis",
            "title",
            "role",
            "registered_on",
            "round",
            "replacements",
            "level",
            "adjust",
        )
        more_names = ("clusters", "unit", "inference", "pool_designs", "take_up")
        yield {
            **{name: getattr(analysis, name) for name in (*same_names, *more_names)},
            "family": analysis.family or analysis.analysis,
            "treatment_arm": analysis.contrast.treatment,
            "control_arm": analysis.contrast.control,
            "is_randomised": all(source.is_randomised for source in sources),
            "is_panel": analysis.panel,
            **_selection(analysis.pilot_selection),
            "spending_plan": analysis.looks.plan if analysis.looks else None,
            "analysis_order": place,
        }


def _selection(rule: PilotSelection) -> Row:
    is_test = rule.rule == "significant"
    return {
        "pilot_selection": rule.rule,
        "selection_alpha": (rule.alpha or 0.05) if is_test else None,
        "selection_sides": (rule.sides or "two") if is_test else None,
        "selection_value": rule.value,
        "selection_indicator": rule.on,
    }


def _looks(programme: Programme) -> Iterator[Row]:
    for analysis in programme.analyses:
        if analysis.looks:
            pairs = zip(analysis.looks.planned, analysis.looks.shares, strict=True)
            for look, (planned, share) in enumerate(pairs, start=1):
                row = {"analysis": analysis.analysis, "look": look, "planned_date": planned}
                yield row | {"information": share}


def _resolutions(programme: Programme) -> dict[str, Decimal]:
    return {
        covariate: column.resolution
        for source in programme.sources
        for covariate, column in source.keys.covariates.items()
    }


def _covariates(programme: Programme) -> Iterator[Row]:
    numbers = _resolutions(programme)
    for analysis in programme.analyses:
        for place, covariate in enumerate(analysis.covariates, start=1):
            kind = "number" if covariate in numbers else "levels"
            yield {
                "analysis": analysis.analysis,
                "covariate": covariate,
                "covariate_order": place,
                "kind": "baseline" if covariate == "baseline" else kind,
            }


def _expected_cells(programme: Programme) -> Iterator[Row]:
    covered = {
        (source.instrument, site, wave)
        for source in programme.sources
        if source.role == "survey"
        for site in programme.source_sites(source)
        for wave in source.waves
    }
    sent = {
        (indicator, site, wave): source.role
        for source in programme.sources
        for indicator in (source.indicators if source.is_aggregate else ())
        for site in programme.source_sites(source)
        for wave in source.waves
    }
    for indicator in programme.indicators:
        for site in programme.sites:
            for wave in programme.waves:
                if wave.is_baseline and indicator.change_from_baseline:
                    continue
                cell = {"site": site.site, "wave": wave.wave, "indicator": indicator.indicator}
                parts = [programme.indicator(one.indicator) for one in indicator.of_indicators] or [indicator]
                if wave.is_baseline and any(part.change_from_baseline for part in parts):
                    continue
                instruments = [instrument for part in parts for instrument in part.instruments]
                read = [(instrument, site.site, wave.wave) for instrument in instruments]
                if all(part.instruments for part in parts) and covered.issuperset(read):
                    yield cell | {"basis": "rows"}
                elif role := sent.get((indicator.indicator, site.site, wave.wave)):
                    yield cell | {"basis": role}
