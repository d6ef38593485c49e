"""Checks of what site effects are regressed on: the sites' covariates, and an analysis' moderators.

In: `Declared`. Out: faults. Whether enough sites carry a moderator is told beside its result, not here.
"""

from collections.abc import Iterator

from ingestion.programme.declared import Declared, sound
from ingestion.programme.faults import Fault

BUILT_IN = ("log_eligible", "government")


def check_moderators(declared: Declared) -> Iterator[Fault]:
    """Faults of `covariates` in sites.yml and of `moderators` in analyses.yml."""
    for site in declared.sites:
        for covariate in site.value.covariates if site.value else ():
            if covariate in BUILT_IN:
                message = f"the covariate '{covariate}' has the name of one that follows from the site itself"
                yield site.fault(f"covariates.{covariate}", message, "give it a name of its own")
    known = {*BUILT_IN, *(name for site in sound(declared.sites) for name in site.covariates)}
    for analysis in declared.analyses:
        moderators = analysis.value.moderators if analysis.value else []
        for place, moderator in enumerate(moderators):
            at = f"moderators.{place}"
            if moderator in moderators[:place]:
                yield analysis.fault(at, f"'{moderator}' is listed twice", "list it once")
            elif moderator not in known and declared.is_sound("sites"):
                yield analysis.unknown(at, "site covariate", moderator, known)
