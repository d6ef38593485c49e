"""A large table is written as if all its rows were kept, while it is being settled whether they are.

In: a table of one original, with what its first rows tell. Out: the table in the lake's folder, if it turned
out that every row is kept as it was supposed; else nothing, and the table is written as any other. Both ways
give the same bytes: a draft costs a moment where it was in vain, and saves the time in which the fates are
settled where it was not.

Nothing is drafted where rows are told to be left out, or might be someone's who withdrew.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ingestion.lake import stage
from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Source
from ingestion.receipt import LakeTable
from ingestion.rows.fates import FATE
from ingestion.rows.found import Found
from ingestion.rows.keeping import SORTED_ROWS, all_rows
from ingestion.rows.settling import Settled
from ingestion.rows.stamps import Part


class _InVain(Exception):
    """Ends the writing of a draft."""


class Draft:
    """The draft of one table, or none. Use `drafting`."""

    def __init__(
        self, source: Source, columns: Sequence[str], into: Path, apart: Path, pool: ThreadPoolExecutor
    ) -> None:
        self._source, self._columns, self._pool = source, columns, pool
        self._into, self._apart = into, apart
        self._part: Part | None = None
        self._written: Future[LakeTable] | None = None
        self._is_in_vain = threading.Event()

    def begin(self, part: Part) -> None:
        """Starts to write a part, unless something of it is not in its rows."""
        if part.beside:
            return
        rows = all_rows(self._source, MAIN, part, self._columns)
        # Looked at from piece to piece, since a stream that writes a file cannot be stopped otherwise.
        rows = rows.map_batches(self._unless_in_vain, streamable=True, validate_output_schema=False)
        self._part = part
        self._written = self._pool.submit(stage, rows, self._apart, MAIN, len(part.table.lines))

    def finished(self, table: Settled) -> LakeTable | None:
        """The table that was written, or None if it is not the one that came of it.

        Raises:
            OSError: As `stage`.
        """
        is_whole = table.marked[FATE].null_count() == table.marked.height
        if self._written is not None and is_whole and table.parts[0] is self._part:
            written = self._written.result()
            file = f"{MAIN}.parquet"
            (self._apart / file).replace(self._into / file)
            return written
        self.stop()
        return None

    def stop(self) -> None:
        """Ends the writing; whatever came of it is of no use."""
        self._is_in_vain.set()
        if self._written is not None:
            self._written.exception()

    def _unless_in_vain(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._is_in_vain.is_set():
            raise _InVain
        return rows


class _NoDraft(Draft):
    def begin(self, part: Part) -> None:
        """Writes nothing."""


@contextmanager
def drafting(source: Source, found: Found, columns: Sequence[str], into: Path) -> Iterator[Draft]:
    """A draft of the form's own table; what is not finished in the context is stopped.

    Args:
        source: The source.
        found: What its originals hold.
        columns: The table's columns that pass the door, in the lake's order.
        into: The folder that is being staged.
    """
    # A place of its own: what writes a draft may still write for a moment after it was told to end.
    with TemporaryDirectory(dir=into, prefix=".draft-") as apart, ThreadPoolExecutor(1) as pool:
        kind = Draft if _is_worth_it(source, found) else _NoDraft
        draft = kind(source, columns, into, Path(apart), pool)
        try:
            yield draft
        finally:
            draft.stop()


def _is_worth_it(source: Source, found: Found) -> bool:
    """Whether a table is large, and nothing says that rows of it go."""
    tables = found.of(MAIN)
    if len(tables) != 1 or len(tables[0].lines) <= SORTED_ROWS:
        return False
    identity, accept = tables[0].identity, source.accept
    leaves_out = (
        accept.where or accept.from_date or accept.to_date or accept.complete_only or source.first_per_unit
    )
    may_tell = (identity.why_unusable, identity.review, identity.is_withdrawn, source.keys.withdrawn)
    return not (leaves_out or found.gone or found.living or any(each is not None for each in may_tell))
