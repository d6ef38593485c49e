"""What rules may speak about: the programme's items, and the lake tables in which their cells lie.

In: registry tables. Out: `KnownItems`, which finds an item by the name a rule gives it. No rules, no SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import pyarrow as pa

from expectations.fault import nearest


@dataclass(frozen=True)
class Item:
    """One item of an instrument, with the limits and codes its instrument declares."""

    instrument: str
    item: str
    item_type: str
    low: float | None = None
    high: float | None = None
    is_required: bool = False
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`instrument.item`."""
        return f"{self.instrument}.{self.item}"


@dataclass(frozen=True)
class LakeTable:
    """One lake table and what can be read beside its rows.

    Attributes:
        source: The source.
        lake_table: The table.
        is_root: Its rows are records, not rows of a repeat.
        items: Items, as (instrument, item), that its own columns feed.
        inherited: Items of the rows it repeats under -> the table they lie in, the nearest first.
    """

    source: str
    lake_table: str
    is_root: bool
    items: frozenset[tuple[str, str]]
    inherited: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def place_of(self, item: tuple[str, str]) -> str | None:
        """The lake table in which an item lies beside this one's rows, or None."""
        return self.lake_table if item in self.items else self.inherited.get(item)


@dataclass(frozen=True)
class FormStatement:
    """What a form's definition states about one of its questions.

    Attributes:
        instrument: The instrument.
        path: Path of the question in the form.
        kind: constraint, relevance or required.
        item: The item that the question feeds; None where it feeds none.
        source_text: The statement in the form's own language.
        expression: The statement in the expression language; None where it could not be translated.
    """

    instrument: str
    path: str
    kind: str
    item: str | None
    source_text: str
    expression: str | None


@dataclass(frozen=True)
class KnownItems:
    """A programme's items, waves and lake tables, the items that indicators read, what its forms state."""

    items: Mapping[tuple[str, str], Item]
    tables: Sequence[LakeTable]
    waves: frozenset[str]
    measured: frozenset[tuple[str, str]]
    form_statements: Sequence[FormStatement] = ()

    @classmethod
    def read(cls, registry: Mapping[str, pa.Table]) -> "KnownItems":
        """Reads the tables that `compile.rule_tables` names."""
        codes: dict[tuple[str, str], list[str]] = {}
        for row in registry["item_codes"].to_pylist():
            codes.setdefault((row["instrument"], row["item"]), []).append(row["code"])
        items = {}
        for row in registry["items"].to_pylist():
            key = (row["instrument"], row["item"])
            limits = {"low": row["min_value"], "high": row["max_value"]}
            listed = tuple(sorted(set(codes.get(key, ()))))
            items[key] = Item(
                *key, row["item_type"], is_required=bool(row["is_required"]), codes=listed, **limits
            )
        fed: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for row in registry["lake_columns"].to_pylist():
            if row["role"] == "item":
                fed.setdefault((row["source"], row["lake_table"]), set()).add(
                    (row["instrument"], row["item"])
                )
        parents = {
            (row["source"], row["lake_table"]): row["parent_table"]
            for row in registry["lake_tables"].to_pylist()
        }
        tables = [
            LakeTable(*key, parents.get(key, "") is None, frozenset(of), _inherited(key, parents, fed))
            for key, of in sorted(fed.items())
        ]
        terms = registry["indicator_terms"].to_pylist()
        measured = frozenset((row["instrument"], row["item"]) for row in terms)
        waves = frozenset(registry["waves"].column("wave").to_pylist())
        names = [each.name for each in fields(FormStatement)]
        stated = (
            registry["form_expressions"].select(names).to_pylist() if "form_expressions" in registry else []
        )
        return cls(items, tables, waves, measured, [FormStatement(**row) for row in stated])

    def find(self, name: str) -> Item:
        """The item of `instrument.item`, or of a bare item name that one instrument only has.

        Raises:
            LookupError: With the message and the remedy as its arguments.
        """
        instrument, _, item = name.rpartition(".")
        found = [
            one for key, one in sorted(self.items.items()) if key[1] == item and instrument in ("", key[0])
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise LookupError(
                f"several instruments have an item '{item}'", f"write '{found[0].name}' or its like"
            )
        known = [one.name for one in self.items.values()]
        raise LookupError(
            f"there is no item '{name}'", nearest(name, known, "write `instrument.item` as declared")
        )


def _inherited(
    table: tuple[str, str],
    parents: Mapping[tuple[str, str], str | None],
    fed: Mapping[tuple[str, str], set[tuple[str, str]]],
) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    source, above = table[0], parents.get(table)
    seen = {table[1]}
    while above is not None and above not in seen:
        seen.add(above)
        found = dict.fromkeys(sorted(fed.get((source, above), ())), above) | found
        above = parents.get((source, above))
    return found
