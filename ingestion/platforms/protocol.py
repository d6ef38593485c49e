"""What a survey platform must be able to do, and the shape in which it hands over an export.

A platform is a module with three functions: list what there is to pull, fetch one original, read one
original. In: a source and, for reading, an original that has landed. Out: text tables with expressions that
say which columns identify a row. Keys, privacy and versions are not resolved here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from ingestion.formats.delimited import Ragged, TextTable
from ingestion.programme.model import Source

MAIN = "main"


@dataclass(frozen=True)
class Offered:
    """An original that can be pulled.

    Attributes:
        name: The name it lands under, unique within a pull.
        origin: Where it is fetched from: a path, or words that the platform itself understands.
    """

    name: str
    origin: str


@dataclass(frozen=True)
class Original:
    """An original that has landed."""

    name: str
    path: Path


@dataclass(frozen=True)
class Identity:
    """Which cells of a row identify it; expressions over the table's own columns, NULL where there is none.

    They are evaluated after identifying columns were pseudonymised.

    Attributes:
        record_id: Stable id of the submission, or of the row of a repeat; None: a hash of the row.
        parent_record_id: For a repeat: id of the row it belongs to.
        root_record_id: For a repeat: id of the submission it belongs to.
        submitted_at: Time of submission, as exported.
        time_formats: strptime formats of that time beside ISO 8601.
        form_version: Version of the form.
        version_order: Text that sorts the versions of a record, oldest first; None: the time of submission.
        is_complete: Whether the platform marks the row complete; None: whatever was submitted is complete.
        why_unusable: Reason for which the row holds no answers, else NULL.
    """

    record_id: pl.Expr | None = None
    parent_record_id: pl.Expr | None = None
    root_record_id: pl.Expr | None = None
    submitted_at: pl.Expr | None = None
    time_formats: tuple[str, ...] = ()
    form_version: pl.Expr | None = None
    version_order: pl.Expr | None = None
    is_complete: pl.Expr | None = None
    why_unusable: pl.Expr | None = None


@dataclass(frozen=True)
class RawTable:
    """One table of an export, all text.

    Attributes:
        cells: Original columns, type String, blank cells NULL.
        lines: Line of the file on which each row begins.
        ragged: Rows that did not fit the header.
        identity: Which cells identify a row.
        export: Ties the tables of one export together where they lie in several originals, else blank.
        file: Name of the file the rows stand in.
        note: What whoever pulled the file should know, or nothing.
    """

    cells: pl.DataFrame
    lines: pl.Series
    ragged: Sequence[Ragged]
    identity: Identity
    export: str
    file: str
    note: str = ""


@dataclass(frozen=True)
class RawExport:
    """What one original holds: its tables by name, the form's own rows as `main`."""

    tables: dict[str, RawTable] = field(default_factory=dict)


class Platform(Protocol):
    """What a platform's module offers."""

    def list_originals(self, source: Source, folder: Path) -> list[Offered]:
        """Lists what there is to pull, in name order; raises ExportFault if nothing is there."""

    def fetch(self, offered: Offered, target: Path) -> None:
        """Writes one original to a file that does not yet exist; raises ExportFault or OSError."""

    def read(self, original: Original, source: Source) -> RawExport:
        """Reads one original into text tables; raises ExportFault if it cannot be used."""


def raw_table(
    original: Original, text: TextTable, identity: Identity, export: str = "", file: str = ""
) -> RawTable:
    """A table of an export that lies in one original and one file, unless said otherwise."""
    return RawTable(text.cells, text.lines, text.ragged, identity, export, file or original.name)


def column_or_null(cells: pl.DataFrame, *names: str) -> pl.Expr:
    """The first of these columns that is filled in a row, NULL where none is or none exists."""
    present = [pl.col(name) for name in names if name in cells.columns]
    return pl.coalesce(present) if present else pl.lit(None, dtype=pl.String)


def record_or(source: Source, default: pl.Expr | None) -> pl.Expr | None:
    """The column that `keys.record` names, else the platform's own id of a record."""
    return pl.col(source.keys.record.column) if source.keys.record else default
