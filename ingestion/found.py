"""What a source's originals hold, original by original, before anything is decided about their rows.

In: what the platform's reader gives for each original. Out: `Found`: tables by name, and what is said of
records that are no more. Cells are not read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingestion.platforms.protocol import MAIN, Original, RawTable


@dataclass
class Found:
    """What the originals hold.

    Attributes:
        tables: By name: a table of one original, and the original's rank.
        gone: Moment of an export and the ids that it says are deleted.
        living: Moment of an export and all ids that exist at it.
        at: The moment of every original's export, by rank.
        filled: The originals that hold at least one row.
        blank: The originals that hold none.
        notes: What whoever pulled them should know.
    """

    at: Sequence[int]
    tables: dict[str, list[tuple[RawTable, int]]] = field(default_factory=dict)
    gone: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    living: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    filled: list[Original] = field(default_factory=list)
    blank: list[Original] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def columns(self, name: str) -> set[str]:
        """The columns of one table in any original."""
        return {column for table, _ in self.tables[name] for column in table.columns}

    def parent(self, name: str) -> str | None:
        """The table that holds a repeat's parents; the form's own where that table is in no original."""
        if name == MAIN:
            return None
        parent = self.tables[name][-1][0].parent
        return parent if parent in self.tables else MAIN

    def of(self, name: str) -> list[RawTable]:
        """One table as every original has it."""
        return [table for table, _ in self.tables[name]]

    @property
    def ragged_count(self) -> int:
        """Rows that could not be taken at all."""
        return sum(len(table.ragged) for name in self.tables for table in self.of(name))
