"""Checks of analyses: what they name exists, their arms were assigned, and their design hangs together.

In: `Declared`. Out: faults.
"""

from collections.abc import Iterator

from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Analysis, Contrast, Source

_Of = Declaration[Analysis]


def check_analyses(declared: Declared) -> Iterator[Fault]:
    """Faults of analyses.yml."""
    for declaration in declared.analyses:
        if declaration.value is not None:
            yield from _references(declaration, declaration.value, declared)
            yield from _design(declaration, declaration.value, declared)
            if declared.is_sound("sources"):
                yield from _round(declaration, declaration.value, declared)
    yield from _one_headline(declared)


def _references(declaration: _Of, analysis: Analysis, declared: Declared) -> Iterator[Fault]:
    waves = declared.wave_names()
    for place, wave in enumerate(analysis.waves):
        if waves is not None and wave not in waves:
            yield declaration.unknown(f"waves.{place}", "wave", wave, waves)
    indicators = declared.names("indicators")
    for place, indicator in enumerate(analysis.indicators or ()):
        if indicator not in indicators:
            yield declaration.unknown(f"indicators.{place}", "indicator", indicator, indicators)
    selected_on = analysis.pilot_selection.on
    if selected_on is not None and selected_on not in indicators:
        yield declaration.unknown("pilot_selection.on", "indicator", selected_on, indicators)


def _design(declaration: _Of, analysis: Analysis, declared: Declared) -> Iterator[Fault]:
    for path, contrast in _contrasts(analysis):
        if contrast.treatment == contrast.control:
            yield declaration.fault(path, "an arm is compared with itself", "name two different arms")
    if analysis.contrasts and (expanded := {one.analysis for one in analysis.by_contrast()}):
        for name in sorted(expanded & declared.names("analyses")):
            message = f"its contrast would be named '{name}', as another analysis is"
            yield declaration.fault("contrasts", message, "give that analysis another name")
    designs = {site.design for site in sound(declared.sites)}
    if analysis.clusters == "none" and analysis.role != "cross_check" and designs - {"rct"}:
        message = "clusters are ignored although sites are not individually randomised"
        remedy = "write clusters: cluster, or role: cross_check if it is one"
        yield declaration.fault("clusters", message, remedy)
    if analysis.level == "site":
        for path, value in (("adjust", analysis.adjust), ("clusters", analysis.clusters)):
            if value == "site":
                message = f"'{path}: site' has no meaning where each site is analysed alone"
                yield declaration.fault(path, message, "write level: network, or choose another value")
    elif analysis.inference == "population_of_sites":
        message = "an analysis over the network says nothing about a population of sites"
        yield declaration.fault("inference", message, "write inference: these_sites, or level: site")
    if analysis.unit == "person_weighted":
        for site in sound(declared.sites):
            if site.population.eligible is None:
                message = f"the site '{site.site}' cannot be weighted: its eligible people are unknown"
                yield declaration.fault("unit", message, "add population: {eligible: ..} to that site")


def _round(declaration: _Of, analysis: Analysis, declared: Declared) -> Iterator[Fault]:
    listed = sound(declared.sources)
    frames = [source for source in listed if source.is_frame]
    if not frames and any(source.is_aggregate for source in listed):
        return
    sources = [source for source in frames if source.round == analysis.round]
    if not sources:
        rounds = {source.round for source in frames if source.round}
        yield declaration.unknown("round", "round", analysis.round, rounds)
        return
    arms = _arms(sources)
    for path, contrast in _contrasts(analysis):
        for side, arm in (("treatment", contrast.treatment), ("control", contrast.control)):
            if arms is not None and arm not in arms:
                message = f"no source of the round '{analysis.round}' assigns the arm '{arm}'"
                known = ", ".join(sorted(arms)) or "none so far"
                remedy = f"compare arms among {known}, or map it under keys.arm"
                yield declaration.fault(f"{path}.{side}", message, remedy)
    if analysis.clusters == "cluster" and not any(source.keys.cluster for source in sources):
        message = f"no source of the round '{analysis.round}' says which cluster a unit belongs to"
        remedy = "map keys.cluster there, or write clusters: none where people were randomised one by one"
        yield declaration.fault("clusters", message, remedy)
    yield from _cohorts(declaration, analysis, sources)


def _contrasts(analysis: Analysis) -> list[tuple[str, Contrast]]:
    if analysis.contrasts is None:
        return [("contrast", analysis.contrast)]
    return [(f"contrasts.{place}", contrast) for place, contrast in enumerate(analysis.contrasts)]


def _arms(sources: list[Source]) -> set[str] | None:
    arms: set[str] = set()
    for source in sources:
        if source.arms is None:
            return None
        arms |= set(source.arms)
    return arms


def _cohorts(declaration: _Of, analysis: Analysis, sources: list[Source]) -> Iterator[Fault]:
    columns = [source.keys.cohort for source in sources if source.keys.cohort]
    mapped = {cohort for column in columns for cohort in (column.map or {}).values()}
    for place, cohort in enumerate(analysis.cohorts or ()):
        if not columns or (all(column.map for column in columns) and cohort not in mapped):
            yield declaration.unknown(f"cohorts.{place}", "cohort", cohort, mapped)


def _one_headline(declared: Declared) -> Iterator[Fault]:
    everything = sorted(declared.names("indicators"))
    seen: dict[tuple[str, str], str] = {}
    for declaration in declared.analyses:
        analysis = declaration.value
        if analysis is None or analysis.role != "headline":
            continue
        cells = {(wave, name) for wave in analysis.waves for name in analysis.indicators or everything}
        rivals = sorted({seen[cell] for cell in cells if cell in seen})
        for rival in rivals:
            message = f"the headline '{rival}' already answers for the same indicators and waves"
            yield declaration.fault("role", message, "keep one headline: give the other role: further")
        seen |= dict.fromkeys(cells, declaration.name)
