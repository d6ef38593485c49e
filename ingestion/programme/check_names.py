"""Checks that every id of a programme is declared once.

In: `Declared`. Out: a fault at each later declaration of an id.
"""

from collections.abc import Iterator
from typing import Any

from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault


def check_names(declared: Declared) -> Iterator[Fault]:
    """Faults of ids that are declared more than once."""
    kinds: tuple[list[Declaration[Any]], ...] = (
        declared.sites,
        declared.sources,
        declared.instruments,
        declared.indicators,
        declared.analyses,
    )
    for declarations in kinds:
        first: dict[str, Declaration[Any]] = {}
        for declaration in declarations:
            earlier = first.setdefault(declaration.name, declaration)
            if earlier is not declaration and declaration.name:
                place = f"{earlier.entry.file}:{earlier.entry.line}"
                message = f"the {declaration.kind} '{declaration.name}' is declared already at {place}"
                yield declaration.fault(declaration.kind, message, "rename one of the two, or remove it")
