"""What the platform writers share: identifiers, answers as text, and bytes of CSV and zip that never vary.

In: submissions. Out: text columns, file bytes. No platform's shape lives here.
"""

import io
import uuid
import zipfile
from typing import Literal

import numpy as np
import polars as pl

FIXED_TIME = (2026, 10, 31, 6, 0, 0)


def with_identifiers(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Adds `root`, a submission's lasting uuid, and `instance`, which an edit changes."""
    drawn = [
        str(uuid.UUID(bytes=part.tobytes(), version=4))
        for part in rng.integers(0, 256, (2 * len(rows), 16), np.uint8)
    ]
    root, other = (
        pl.Series(drawn[: len(rows)], dtype=pl.String),
        pl.Series(drawn[len(rows) :], dtype=pl.String),
    )
    return rows.with_columns(
        root=root, instance=pl.when(pl.col("is_edited")).then(pl.lit(other)).otherwise(pl.lit(root))
    )


def yes_no(name: str) -> pl.Expr:
    """A 0/1 answer as no/yes; missing codes stay as they are."""
    text = pl.col(name).cast(pl.String)
    return (
        pl.when(pl.col(name) == 1)
        .then(pl.lit("yes"))
        .when(pl.col(name) == 0)
        .then(pl.lit("no"))
        .otherwise(text)
    )


def chosen(choice: int) -> pl.Expr:
    """Whether a choice (counted from 0) of `languages` was ticked, as 0/1; null where it was not asked."""
    place: int = 2**choice
    return pl.col("languages") // place % 2


def chosen_codes(count: int) -> pl.Expr:
    """The ticked choices of `languages` as a list of codes from 1, separated by spaces."""
    codes = [pl.when(chosen(choice) == 1).then(pl.lit(str(choice + 1))) for choice in range(count)]
    return pl.concat_str(codes, separator=" ", ignore_nulls=True)


def csv_bytes(table: pl.DataFrame, separator: str = ",", line: str = "\n", quote_all: bool = False) -> bytes:
    """A table as UTF-8 CSV without a byte-order mark; nulls are empty cells."""
    style: Literal["always", "necessary"] = "always" if quote_all else "necessary"
    return table.write_csv(separator=separator, line_terminator=line, quote_style=style).encode()


def zip_bytes(entries: dict[str, bytes]) -> bytes:
    """A zip archive whose entries carry one fixed time, so that the same content gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
