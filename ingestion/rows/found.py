"""What a source's originals hold, original by original, before anything is decided about their rows.

In: what the platform's reader gives for each original. Out: `Found`: tables by name, and what is said of
records that are no more. Cells are not read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingestion.consent.redacted_file import read_redacted
from ingestion.door.privacy import key_columns
from ingestion.export_fault import ExportFault, closest
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original, RawExport, RawTable
from ingestion.programme.model import Source
from ingestion.rows.export_order import moments


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
        exports: What every original holds, by rank.
    """

    at: Sequence[int]
    tables: dict[str, list[tuple[RawTable, int]]] = field(default_factory=dict)
    gone: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    living: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    filled: list[Original] = field(default_factory=list)
    blank: list[Original] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exports: list[RawExport] = field(default_factory=list)

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

    def parents_first(self) -> list[str]:
        """The form's own table, then repeats by name, each after the table that holds its parents."""
        names = [MAIN]
        waiting = sorted(self.tables.keys() - {MAIN})
        while waiting:
            ready = [name for name in waiting if self.parent(name) in names]
            names += ready
            # Of repeats that name each other as parents, none can come first.
            if not ready:
                raise ValueError("repeats are each other's parents")
            waiting = [name for name in waiting if name not in ready]
        return names

    @property
    def withdrawn_count(self) -> int:
        """Rows of people who withdrew that had been taken out of redacted originals."""
        return sum(table.withdrawn_count for name in self.tables for table in self.of(name))

    @property
    def ragged_count(self) -> int:
        """Rows that could not be taken at all."""
        return sum(len(table.ragged) for name in self.tables for table in self.of(name))


def found_in(source: Source, originals: Sequence[Original]) -> Found:
    """Has a source's platform read its originals, oldest export first.

    Raises:
        ExportFault: One cannot be read, or a key's column is missing in it.
    """
    found = Found(moments(originals))
    for order, original in enumerate(originals):
        export = (
            read_redacted(original)
            if original.is_redacted
            else PLATFORMS[source.platform].read(original, source)
        )
        found.exports.append(export)
        found.gone += [(found.at[order], export.gone)] if export.gone else []
        found.living += [(found.at[order], export.living)] if export.living is not None else []
        tables = {name: table for name, table in export.tables.items() if table.columns}
        is_filled = any(
            len(table.lines) or table.ragged or table.withdrawn_count for table in tables.values()
        )
        (found.filled if is_filled else found.blank).append(original)
        says_nothing = not is_filled and not export.gone and export.living is None
        found.notes += [f"{original.name}: it holds no rows"] if says_nothing else []
        for name, table in tables.items():
            found.notes += [f"{table.file}: {table.note}"] if table.note else []
            if name == MAIN and not source.sends_no_people:
                _check_columns(source, table)
            found.tables.setdefault(name, []).append((table, order))
    return found


def _check_columns(source: Source, table: RawTable) -> None:
    columns = table.columns
    for key, column in key_columns(source).items():
        if column not in columns:
            raise ExportFault(
                table.file,
                f"{key} of source {source.source} names the column '{column}', which is not in the export"
                f"{closest(column, columns)}",
                f"correct {key} in sources.yml, or export the file again with that column",
            )
