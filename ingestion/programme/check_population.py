"""Checks of the target population: its file is there, and every line of it can be used.

In: `Declared`. Out: faults, at the field of programme.yml that names the file or at the file's own line.
"""

from collections.abc import Iterator

from ingestion.programme.declared import Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model_population import read_areas
from ingestion.programme.words import normal_code


def check_population(declared: Declared) -> Iterator[Fault]:
    """Faults of `target_population` in programme.yml and of the file that it names."""
    for head in declared.heads:
        population = head.value and head.value.target_population
        if not population:
            continue
        if population.areas.startswith("/") or ".." in population.areas.split("/"):
            message, remedy = "the file of areas lies outside the programme folder", "write a path within it"
            yield head.fault("target_population.areas", message, remedy)
            continue
        if len(set(population.covariates)) < len(population.covariates):
            message = "a covariate of the target population is named twice"
            yield head.fault("target_population.covariates", message, "keep one of the two")
        if not declared.is_sound("sites"):
            continue
        sites = {normal_code(code): s.site for s in sound(declared.sites) for code in (s.site, *s.codes)}
        areas, faults = read_areas(declared.folder, population, sites)
        for fault in faults[:20]:
            field = "programme.target_population.areas"
            yield Fault(population.areas, fault.line, field, fault.message, fault.remedy)
        if not faults and not any(area.site for area in areas):
            message = "none of the areas is a site of the programme"
            yield head.fault(
                "target_population.site", message, "fill that column of the file with site codes"
            )
