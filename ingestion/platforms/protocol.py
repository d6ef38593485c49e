"""What a survey platform must be able to do, and the shapes in which it hands over what it has.

A platform is a module with three functions: `ask` its API for what changed since a cursor, `read` an original
into text tables, `define` a form from its definition. In: a source, its connection, and, for reading, an
original that has landed. Out: bodies to land, and text tables with expressions that say which columns
identify a row. Files that people drop are listed and fetched by `drops`, for every platform alike. Keys,
privacy and versions are not resolved here, and nothing is written outside the path that a body is given.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import Ragged, TextTable
from ingestion.programme.model import Connection, Source

if TYPE_CHECKING:
    from ingestion.platforms.http import Api

MAIN = "main"
Kind = Literal["data", "definition", "attachment"]


@dataclass(frozen=True)
class Offered:
    """An original that can be pulled from a drop.

    Attributes:
        name: The name it lands under, unique within a pull.
        origin: Where it is fetched from: a path, or words that whoever lists it understands.
    """

    name: str
    origin: str


@dataclass(frozen=True)
class Ask:
    """One question to a platform's API: everything since the cursor, or everything.

    Attributes:
        source: The source.
        connection: Its connection; secrets are read with `http.secret`.
        api: The client, which retries and never logs a secret.
        cursor: What the last good pull left for this one; empty in a full pull.
        now: Time of the pull, UTC.
    """

    source: Source
    connection: Connection
    api: "Api"
    cursor: Mapping[str, str]
    now: datetime

    @property
    def is_full(self) -> bool:
        """Whether everything is asked for: a first pull, or the weekly one that catches what cursors miss."""
        return not self.cursor

    @property
    def asset(self) -> str:
        """The form, survey or project that is pulled."""
        return self.source.pull.asset or ""


@dataclass(frozen=True)
class Body:
    """One original from an API.

    Attributes:
        name: The name it lands under: the same from pull to pull for the same part, and without a time.
        write: Writes it to a path that does not exist yet; raises ExportFault.
        kind: What it holds.
    """

    name: str
    write: Callable[[Path], None]
    kind: Kind = "data"


@dataclass(frozen=True)
class Outcome:
    """How a pull by API ended; returned by `ask` after its last body.

    Attributes:
        mode: `snapshot`: the bodies are all there is; `delta`: they add to the pulls before.
        cursor: What the next pull is to be given; never a secret, never a cell of an answer.
        note: What whoever pulled should know, or nothing.
    """

    mode: Literal["snapshot", "delta"]
    cursor: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True)
class Original:
    """An original that has landed.

    Attributes:
        name: The name it landed under.
        path: Where it lies.
        kind: What it holds.
        exported_at: Time the platform exported it, ISO 8601 UTC, where that is known otherwise than by name.
        is_redacted: It was rewritten without people who withdrew, and is read as `redacted_file` wrote it.
    """

    name: str
    path: Path
    kind: Kind = "data"
    exported_at: str | None = None
    is_redacted: bool = False


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
        review: The platform's review state in one of `programme.words.Review`, NULL where not reviewed.
        is_withdrawn: Whether the platform says that the respondent withdrew; None: it cannot say.
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
    review: pl.Expr | None = None
    is_withdrawn: pl.Expr | None = None
    why_unusable: pl.Expr | None = None


@dataclass(frozen=True)
class RawTable:
    """One table of an export, all text.

    Attributes:
        cells: Original columns, type String, blank cells NULL; not yet read where that can wait.
        columns: Their names, in the export's order.
        lines: Line, or row of the sheet, on which each row begins.
        ragged: Rows that could not be taken: too short, too long, or unreadable.
        identity: Which cells identify a row.
        export: Ties the tables of one export together where they lie in several originals, else blank.
        file: Name of the file the rows stand in.
        note: What whoever pulled the file should know, or nothing.
        parent: For a repeat: the table its parents stand in.
        withdrawn_count: Rows of people who withdrew that were taken out of a redacted original.
    """

    cells: pl.LazyFrame
    columns: Sequence[str]
    lines: pl.Series
    ragged: Sequence[Ragged]
    identity: Identity
    export: str
    file: str
    note: str = ""
    parent: str = MAIN
    withdrawn_count: int = 0


@dataclass(frozen=True)
class RawExport:
    """What one original holds.

    Attributes:
        tables: Its tables by name, the form's own rows as `main`.
        gone: Ids of records that this export says are deleted.
        living: Ids of all records that exist at this export, where it lists them; others are deleted.
        attachments: Files that answers name: columns `record_id`, `question`, `name`, `url` (String).
        lacks_repeats: Whether its writer leaves the rows of repeats out, so that their absence says nothing.
    """

    tables: Mapping[str, RawTable] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    living: frozenset[str] | None = None
    attachments: pl.DataFrame | None = None
    lacks_repeats: bool = False


class Platform(Protocol):
    """What a platform's module offers; one that has no API or no form definition refuses with a remedy."""

    def ask(self, ask: Ask) -> Generator[Body, None, Outcome]:
        """Yields the definition, then what changed; raises ExportFault, upon which nothing of it counts."""

    def read(self, original: Original, source: Source) -> RawExport:
        """Reads one original into text tables; raises ExportFault if it cannot be used."""

    def define(self, path: Path) -> Definition:
        """Reads the form definition that this platform exports; raises ExportFault."""


def no_api(ask: Ask) -> Generator[Body, None, Outcome]:
    """The `ask` of platforms that only drop files."""
    raise ExportFault(
        "sources.yml",
        f"source {ask.source.source} pulls through a connection, but {ask.source.platform} has no API",
        "write pull: {drop: exports/*}",
    )
    yield  # makes this a generator, as every `ask` is


def no_definition(path: Path) -> Definition:
    """The `define` of platforms that carry no form definition."""
    raise ExportFault(
        path.name,
        "files of this platform define no form",
        "name an XLSForm, a REDCap dictionary or the like, or write the instrument's items out",
    )


def in_memory(name: str, content: bytes, kind: Kind = "data") -> Body:
    """A body whose bytes are already here."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    return Body(name, write, kind)


def raw_table(
    original: Original,
    text: TextTable,
    identity: Identity,
    export: str = "",
    file: str = "",
    parent: str = MAIN,
) -> RawTable:
    """A table of an export that lies in one original and one file, unless said otherwise."""
    return RawTable(
        text.cells,
        text.columns,
        text.lines,
        text.ragged,
        identity,
        export,
        file or original.name,
        parent=parent,
    )


def column_or_null(columns: Collection[str], *names: str) -> pl.Expr:
    """The first of these columns that is filled in a row, NULL where none is or none exists."""
    present = [pl.col(name) for name in names if name in columns]
    return pl.coalesce(present) if present else pl.lit(None, dtype=pl.String)


def record_or(source: Source, default: pl.Expr | None) -> pl.Expr | None:
    """The column that `keys.record` names, else the platform's own id of a record."""
    return pl.col(source.keys.record.column) if source.keys.record else default
