"""Checks of the programme's head and its sites against each other: waves, dates, stages, codes, conversions.

In: `Declared`. Out: faults. Sources, indicators and analyses are checked elsewhere.
"""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import get_args

from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault
from ingestion.programme.model import Head, Site, Wave
from ingestion.programme.words import StageName, normal_code


def check_sites(declared: Declared) -> Iterator[Fault]:
    """Faults of programme.yml and sites.yml."""
    for head in declared.heads:
        if head.value is not None:
            yield from _waves(head, head.value)
            yield from _conversions(head, head.value)
    yield from _codes(declared)
    waves = {wave.wave: wave for wave in declared.head.waves} if declared.head else {}
    for declaration in declared.sites:
        if declaration.value is not None:
            yield from _stages(declaration, declaration.value)
            if declared.head:
                yield from _own_waves(declaration, declaration.value, waves)


def _waves(declaration: Declaration[Head], head: Head) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, wave in enumerate(head.waves):
        path = f"waves.{place}"
        if wave.wave in seen:
            yield declaration.fault(path, f"the wave '{wave.wave}' is declared twice", "keep one of the two")
        seen.add(wave.wave)
        yield from _order(declaration, path, wave.from_date, wave.closes, wave.frozen)


def _order(
    declaration: Declaration[Head] | Declaration[Site],
    path: str,
    from_date: date,
    closes: date,
    frozen: date | None,
) -> Iterator[Fault]:
    if from_date > closes:
        yield declaration.fault(path, "the wave closes before it begins", "put 'from' before 'closes'")
    if frozen is not None and frozen < closes:
        yield declaration.fault(path, "the wave is frozen before it closes", "put 'closes' before 'frozen'")


def _conversions(declaration: Declaration[Head], head: Head) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for place, conversion in enumerate(head.conversions):
        pair = (conversion.from_unit, conversion.to_unit)
        path = f"conversions.{place}"
        shown = f"{conversion.from_unit} to {conversion.to_unit}"
        if pair in seen:
            yield declaration.fault(path, f"{shown} is given twice", "keep one of the two")
        if conversion.from_unit == conversion.to_unit:
            yield declaration.fault(path, f"{shown} is no conversion", "remove it")
        seen.add(pair)


def _codes(declared: Declared) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for declaration in declared.sites:
        if declaration.value is not None:
            owners.setdefault(normal_code(declaration.name), declaration.name)
    for declaration in declared.sites:
        for place, code in enumerate(declaration.value.codes if declaration.value else ()):
            owner = owners.setdefault(normal_code(code), declaration.name)
            if owner != declaration.name:
                message = f"the code '{code}' also stands for site '{owner}' (case and spaces do not count)"
                yield declaration.fault(f"codes.{place}", message, "leave it at the one site it belongs to")


def _stages(declaration: Declaration[Site], site: Site) -> Iterator[Fault]:
    ranks = {stage: rank for rank, stage in enumerate(get_args(StageName))}
    for place, (before, after) in enumerate(pairwise(site.stages), start=1):
        if after.from_date <= before.from_date:
            message = "a stage begins no later than the one before it"
            yield declaration.fault(f"stages.{place}", message, "list stages by their dates, oldest first")
        if ranks[after.stage] <= ranks[before.stage]:
            message = f"'{after.stage}' cannot follow '{before.stage}'"
            yield declaration.fault(f"stages.{place}", message, f"keep the order {', '.join(ranks)}")


def _own_waves(declaration: Declaration[Site], site: Site, waves: dict[str, Wave]) -> Iterator[Fault]:
    for name, own in site.waves.items():
        path = f"waves.{name}"
        if name not in waves:
            yield declaration.unknown(path, "wave", name, waves)
            continue
        wave = waves[name]
        from_date, closes = own.from_date or wave.from_date, own.closes or wave.closes
        yield from _order(declaration, path, from_date, closes, own.frozen or wave.frozen)
