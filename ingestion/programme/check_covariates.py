"""Checks of what effects are adjusted for, and of the indicator that tells who took the treatment up.

In: `Declared`. Out: faults. A covariate is known before treatment, so only frames may name one.
"""

from collections.abc import Iterator

from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Analysis, Source

BASELINE = "baseline"


def check_covariates(declared: Declared) -> Iterator[Fault]:
    """Faults of `keys.covariates` in sources.yml, and of `covariates` and `take_up` in analyses.yml."""
    grids: dict[str, tuple[str, object]] = {}
    for source in declared.sources:
        if source.value is not None:
            yield from _columns(source, source.value, grids)
    for analysis in declared.analyses:
        if analysis.value is not None:
            if declared.is_sound("sources"):
                yield from _named(analysis, analysis.value, declared)
            yield from _take_up(analysis, analysis.value, declared)


def _columns(
    declaration: Declaration[Source], source: Source, grids: dict[str, tuple[str, object]]
) -> Iterator[Fault]:
    for covariate, column in source.keys.covariates.items():
        at = f"keys.covariates.{covariate}"
        if not source.is_frame:
            message = f"a source with role {source.role} tells no covariates: they are known before treatment"
            yield declaration.fault(at, message, "name it in a listing or assignment source")
        if covariate == BASELINE or covariate in source.keys.subgroups:
            message = f"the covariate '{covariate}' has the name of something else"
            yield declaration.fault(at, message, "give it a name of its own")
        first, grid = grids.setdefault(covariate, (declaration.name, column.resolution))
        if grid != column.resolution:
            message = f"its resolution differs from that in the source '{first}'"
            yield declaration.fault(f"{at}.resolution", message, "write the same one in both")


def _named(declaration: Declaration[Analysis], analysis: Analysis, declared: Declared) -> Iterator[Fault]:
    frames = [source for source in sound(declared.sources) if source.is_frame]
    numbers = {name for source in frames for name in source.keys.covariates}
    dimensions = {name: column.map for source in frames for name, column in source.keys.subgroups.items()}
    for place, covariate in enumerate(analysis.covariates):
        at = f"covariates.{place}"
        if covariate in analysis.covariates[:place]:
            yield declaration.fault(at, f"'{covariate}' is listed twice", "list it once")
        elif covariate not in {BASELINE, *numbers, *dimensions}:
            yield declaration.unknown(at, "covariate", covariate, {BASELINE, *numbers, *dimensions})
        elif covariate not in numbers and covariate != BASELINE and dimensions[covariate] is None:
            message = f"the levels of the dimension '{covariate}' are not known beforehand"
            yield declaration.fault(at, message, f"map them under keys.subgroups.{covariate} in sources.yml")


def _take_up(declaration: Declaration[Analysis], analysis: Analysis, declared: Declared) -> Iterator[Fault]:
    if analysis.take_up is None:
        return
    indicators = {item.name: item.value for item in declared.indicators}
    if analysis.take_up not in indicators:
        yield declaration.unknown("take_up", "indicator", analysis.take_up, indicators)
    elif (indicator := indicators[analysis.take_up]) is not None and indicator.statistic != "share":
        message = f"'{analysis.take_up}' is no share, so it does not say who took the treatment up"
        yield declaration.fault("take_up", message, "name an indicator with statistic: share")
