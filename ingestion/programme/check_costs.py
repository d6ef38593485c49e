"""Checks of registers of costs: their columns and words, and whether there is a currency to count them in.

In: `Declared`. Out: faults. What the rows hold is judged in the warehouse.
"""

from collections.abc import Iterator

from ingestion.programme import aggregates
from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault
from ingestion.programme.model import Source
from ingestion.programme.model_costs import WORDS


def check_costs(declared: Declared) -> Iterator[Fault]:
    """Faults of the registers of costs, and of sources of other roles that say they keep one."""
    for declaration in declared.sources:
        source = declaration.value
        if source is None or source.register_ is None:
            continue
        if source.role != "register":
            message = f"'register' has no meaning for a source with role {source.role}"
            yield declaration.fault("register", message, "write role: register, or remove it")
        else:
            yield from _costs(declaration, source, declared)


def _costs(declaration: Declaration[Source], source: Source, declared: Declared) -> Iterator[Fault]:
    if source.wave is None:
        remedy = "add wave: NAME, or wave: {column: PERIOD, map: {...}}: by which wave it was spent"
        yield declaration.fault("wave", "a register of costs needs 'wave'", remedy)
    if declared.head is not None and declared.head.currency is None:
        message = "costs are counted in the programme's currency, and it names none"
        remedy = "add currency: {base: USD, price_year: 2025} to programme.yml"
        yield declaration.fault("register", message, remedy)
    foreign = {
        "instrument": source.instrument,
        "privacy": source.privacy,
        "units": source.units or None,
        "indicators": source.indicators or None,
        "keys": source.keys if "keys" in declaration.entry.data else None,
    }
    for path, value in foreign.items():
        if value is not None:
            message = f"'{path}' has no meaning for a register of costs, which tells of no people"
            yield declaration.fault(path, message, "remove it, and name its columns under columns")
    known = aggregates.COLUMNS["costs"]
    for word, column in source.columns.items():
        if word not in known:
            yield declaration.unknown(f"columns.{word}", "column", word, known)
        for code, meant in (column.map or {}).items() if word in WORDS else ():
            if meant not in WORDS[word]:
                message = f"'{meant}' is no {word} of costs"
                yield declaration.fault(f"columns.{word}.map.{code}", message, f"write {_either(word)}")


def _either(word: str) -> str:
    *most, last = WORDS[word]
    return f"{', '.join(most)} or {last}"
