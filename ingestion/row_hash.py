"""Record ids for files that have none: a hash of the whole row.

In: a frame of text. Out: one id per row. Rows with the same cells get the same id, in whatever order the
columns stand and whatever blank columns were added; so an exact duplicate counts as one record.
"""

import hashlib
import hmac

import polars as pl


def row_hash(cells: pl.DataFrame, key: bytes) -> pl.Series:
    """Hashes every row, keyed where the programme has a key: 32 hexadecimal digits."""
    # The length before each value keeps two different rows from spelling the same text.
    parts = [
        pl.concat_str(
            pl.lit(f"{name}="),
            pl.col(name).str.len_bytes().cast(pl.String),
            pl.lit(":"),
            pl.col(name),
            pl.lit("\n"),
        ).fill_null("")
        for name in sorted(cells.columns)
    ]
    rows = cells.select(pl.concat_str(parts).alias("row"))["row"]

    def digest(text: str) -> str:
        return (
            hmac.digest(key, text.encode(), "sha256") if key else hashlib.sha256(text.encode()).digest()
        ).hex()[:32]

    return pl.Series("row", [digest(row) for row in rows], dtype=pl.String)
