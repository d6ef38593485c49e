"""Parquet files as text: every column cast without loss.

In: the path or the bytes of one file. Out: a text table. What the columns mean is the platforms' business.

Numbers have their shortest digits and no `.0`, decimals all their places; dates and times are ISO 8601, with
their offset where the column has a zone; truth values are `true` and `false`; categories are their names. NaN
is blank. A column that nests others is refused by name, since no single text says what it holds.
"""

import io
from pathlib import Path

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, text_table
from ingestion.formats.header import checked_header
from ingestion.formats.numbers import number_text
from ingestion.formats.text import EXPORT_AGAIN

_SECONDS = "%H:%M:%S%.f"


def read_parquet(data: bytes | Path, file: str) -> TextTable:
    """Reads a Parquet file.

    Args:
        data: The file's path, or its bytes.
        file: The file's name, for messages.

    Raises:
        ExportFault: It is no Parquet file, cut off or damaged, or a column cannot be told as text.
    """
    stream = data.open("rb") if isinstance(data, Path) else io.BytesIO(data)
    try:
        with stream:
            frame = pl.read_parquet(stream, use_pyarrow=False)
            header = checked_header(frame.columns, file)
            _refuse_nested(frame, file)
            texts = frame.select(_text(name, kind) for name, kind in frame.schema.items())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise ExportFault(file, "it is not a whole Parquet file", EXPORT_AGAIN) from error
    cells = texts.select(pl.when(pl.all() != "").then(pl.all())) if texts.width else texts
    return text_table(cells.rename(dict(zip(cells.columns, header, strict=True))))


def _refuse_nested(frame: pl.DataFrame, file: str) -> None:
    if nested := [name for name, kind in frame.schema.items() if kind.is_nested() or kind == pl.Object]:
        raise ExportFault(
            file,
            f"{len(nested)} of its columns hold lists or structures: {', '.join(nested[:5])}",
            "write them out as columns or as a file of their own, or export JSON lines",
        )
    blobs = [
        name
        for name, kind in frame.schema.items()
        if kind == pl.Binary and _is_no_text(frame.to_series(frame.columns.index(name)))
    ]
    if blobs:
        raise ExportFault(
            file,
            f"{len(blobs)} of its columns hold bytes that are no text: {', '.join(blobs[:5])}",
            "leave them out of the export",
        )


def _is_no_text(column: pl.Series) -> bool:
    try:
        column.cast(pl.String)
    except pl.exceptions.PolarsError:
        return True
    return False


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_integer() or kind.is_float():
        return number_text(column).alias(name)
    if isinstance(kind, pl.Datetime):
        return column.dt.to_string(f"%Y-%m-%dT{_SECONDS}{'%:z' if kind.time_zone else ''}")
    if kind == pl.Time:
        return column.dt.to_string(_SECONDS)
    if kind == pl.Duration:
        return column.dt.to_string()
    return column.cast(pl.String)
