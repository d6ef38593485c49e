"""What rules may speak about: the programme's items, and the lake tables in which their cells lie.

In: registry tables. Out: `KnownItems`, which finds an item by the name a rule gives it. No rules, no SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """One lake table and the items, as (instrument, item), that its columns feed."""

    source: str
    lake_table: str
    is_root: bool
    items: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class KnownItems:
    """A programme's items and waves, the lake tables that hold items, and the items that indicators read."""

    items: Mapping[tuple[str, str], Item]
    tables: Sequence[LakeTable]
    waves: frozenset[str]
    measured: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, registry: Mapping[str, pa.Table]) -> "KnownItems":
        """Reads `items`, `item_codes`, `lake_columns`, `lake_tables`, `waves` and `indicator_terms`."""
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
        roots = {
            (row["source"], row["lake_table"])
            for row in registry["lake_tables"].to_pylist()
            if row["parent_table"] is None
        }
        tables = [
            LakeTable(*key, is_root=key in roots, items=frozenset(of)) for key, of in sorted(fed.items())
        ]
        terms = registry["indicator_terms"].to_pylist()
        measured = frozenset((row["instrument"], row["item"]) for row in terms)
        return cls(items, tables, frozenset(registry["waves"].column("wave").to_pylist()), measured)

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
