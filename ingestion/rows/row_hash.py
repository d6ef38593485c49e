"""Record ids for files that have none: a hash of the whole row.

In: a table of text. Out: one id per row. Rows with the same cells get the same id, in whatever order the
columns stand and whatever blank columns were added; so an exact duplicate counts as one record.
"""

import hashlib
import hmac
from collections.abc import Iterable
from functools import partial

import polars as pl


def row_hash(cells: pl.LazyFrame, columns: Iterable[str], key: bytes) -> pl.Series:
    """Hashes every row, keyed where the programme has a key: 32 hexadecimal digits.

    Args:
        cells: Cells as text, not yet read; they are read in parts.
        columns: Their names.
        key: The key, or nothing.
    """
    # The length before each value keeps two different rows from spelling the same text.
    parts = [
        pl.concat_str(
            pl.lit(f"{name}="),
            pl.col(name).str.len_bytes().cast(pl.String),
            pl.lit(":"),
            pl.col(name),
            pl.lit("\n"),
        ).fill_null("")
        for name in sorted(columns)
    ]
    digest = partial(hmac.digest, key, digest="sha256") if key else _sha256
    rows = cells.select(pl.concat_str(parts).alias("row"))
    hashes = [
        pl.Series("row", [digest(row.encode()).hex()[:32] for row in part["row"]], dtype=pl.String)
        for part in rows.collect_batches(engine="streaming")
    ]
    return pl.concat([pl.Series("row", [], dtype=pl.String), *hashes])


def _sha256(row: bytes) -> bytes:
    return hashlib.sha256(row).digest()
