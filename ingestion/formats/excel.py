"""Excel workbooks, .xlsx and .xls, as text: every cell as it is stored, never as a display format rounds it.

In: the path or the bytes of one workbook. Out: `Sheet`, a text table per sheet, hidden sheets too. What the
columns mean is the platforms' business, and formulas are never evaluated.

A cell's text, where the reader underneath (calamine) would say something else:
- a number has its shortest digits that give the stored value again (calamine rounds at 9 decimals), and no
  `.0`; leading zeros are kept where the cell is text;
- a date is `2024-11-03`, also where its time is midnight; with a time `2024-11-03T09:15:00`, milliseconds
  only where there are any; a time of day `09:15:00`; a duration of a day and more shows as a date of 1900;
- truth values are TRUE and FALSE; an error is its own text, e.g. `#N/A`, so that it is met as an unreadable
  answer rather than lost, and the note counts it;
- a formula whose value the file does not carry is blank, and so are all but the first cell of merged cells:
  the note says where.

The first row with a filled cell is the header; blank rows are no rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats import workbook_parts
from ingestion.formats.archive import SIGNATURE
from ingestion.formats.delimited import TextTable
from ingestion.formats.header import checked_header
from ingestion.formats.text import EXPORT_AGAIN

if TYPE_CHECKING:
    import fastexcel

_OLE = b"\xd0\xcf\x11\xe0"
_ERRORS = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#DATA!",
}
_SAVE_AS_XLSX = "open it in a spreadsheet program and save it as .xlsx, without a password"


@dataclass(frozen=True)
class Sheet(TextTable):
    """A sheet as text.

    Attributes:
        note: What whoever delivered it should know, or nothing.
        is_hidden: Whether the workbook hides it.
    """

    note: str = ""
    is_hidden: bool = False


@dataclass(frozen=True)
class Grid:
    """A sheet's cells before its first row was taken for a header.

    Attributes:
        cells: Columns of type String, blank cells NULL, from the first filled column on; no blank row.
        rows: The row of the sheet, from 1, in which each row stands.
        note: What whoever delivered it should know, or nothing.
        is_hidden: Whether the workbook hides it.
    """

    cells: pl.DataFrame
    rows: pl.Series
    note: str = ""
    is_hidden: bool = False


def read_workbook(data: bytes | Path, file: str, sheets: Collection[str] | None = None) -> dict[str, Sheet]:
    """Reads the sheets of a workbook that have a header.

    Args:
        data: The workbook's path, or its bytes.
        file: The workbook's name, for messages.
        sheets: Names of the sheets wanted; those that are not there are left out. None: all.

    Returns:
        The sheets that are not blank, in the workbook's order.

    Raises:
        ExportFault: It is no workbook, damaged, encrypted, hostile, or a header cannot be used.
    """
    return {
        name: with_header(grid, f"{file}, sheet {name}")
        for name, grid in read_grids(data, file, sheets).items()
        if grid.cells.height
    }


def read_grids(data: bytes | Path, file: str, sheets: Collection[str] | None = None) -> dict[str, Grid]:
    """Reads the sheets of a workbook cell by cell, blank ones too, without regard to headers.

    Args:
        data: As in `read_workbook`.
        file: As in `read_workbook`.
        sheets: As in `read_workbook`.

    Raises:
        ExportFault: It is no workbook, damaged, encrypted or hostile.
    """
    import fastexcel

    is_xlsx = _is_xlsx(data, file)
    oddities = workbook_parts.read_oddities(data, file) if is_xlsx else {}
    try:
        workbook = fastexcel.read_excel(data)
        names = [name for name in workbook.sheet_names if sheets is None or name in sheets]
        return {name: _grid(workbook, name, oddities.get(name, "")) for name in names}
    except fastexcel.FastExcelError as error:
        raise _unreadable(file, str(error)) from error
    except BaseException as error:
        # What the reader did not foresee in a damaged file; its kind cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(file, "") from error


def with_header(grid: Grid, place: str) -> Sheet:
    """Takes the first row of a sheet that is not blank for its header.

    Columns with neither name nor cells are left out: they are the traces of formatting.

    Args:
        grid: The sheet.
        place: Its file and name, for messages.

    Raises:
        ExportFault: The header cannot be used.
    """
    names, body = grid.cells.row(0), grid.cells.slice(1)
    kept = [at for at, name in enumerate(names) if name is not None or body.to_series(at).is_not_null().any()]
    header = checked_header([names[at] or f"(column {at + 1})" for at in kept], place)
    cells = pl.DataFrame([body.to_series(at).alias(name) for at, name in zip(kept, header, strict=True)])
    lines = grid.rows.slice(1)
    return Sheet(cells.lazy(), tuple(header), lines, (), note=grid.note, is_hidden=grid.is_hidden)


def _is_xlsx(data: bytes | Path, file: str) -> bool:
    if isinstance(data, Path):
        with data.open("rb") as stream:
            start = stream.read(8)
    else:
        start = data[:8]
    if start.startswith(SIGNATURE):
        return True
    if start.startswith(_OLE):
        return False
    raise ExportFault(
        file,
        "it is no Excel workbook, whatever its name says",
        "name its true platform, e.g. csv, or " + _SAVE_AS_XLSX,
    )


def _unreadable(file: str, said: str) -> ExportFault:
    """What calamine says is looked at for its kind only: it may quote a cell."""
    lower = said.lower()
    if "password" in lower or "encrypt" in lower:
        return ExportFault(file, "the workbook is encrypted", _SAVE_AS_XLSX)
    return ExportFault(
        file, "the workbook is damaged or of an unknown kind", f"{EXPORT_AGAIN}, or {_SAVE_AS_XLSX}"
    )


def _grid(workbook: "fastexcel.ExcelReader", name: str, oddities: str) -> Grid:
    """Loads a sheet under three types, which together tell what kind each cell is of."""
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    batch, failed = sheet.to_arrow_with_errors()
    texts = pl.DataFrame(batch)
    errors: list[tuple[int, int, str]] = [
        (*error.offset_position, _error_text(error.detail)) for error in (failed.errors if failed else ())
    ]
    numbers = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="float").to_polars()
    spans = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="duration").to_polars()
    columns = [
        _cell_texts(text, number, span).alias(f"column {place}")
        for place, (text, number, span) in enumerate(zip(texts, numbers, spans, strict=True), start=1)
    ]
    cells = _with_errors(pl.DataFrame(columns), errors)
    rows = pl.int_range(1, cells.height + 1, eager=True).alias("line")
    if cells.width:
        is_filled = cells.select(filled=pl.any_horizontal(pl.all().is_not_null()))["filled"]
        cells, rows = cells.filter(is_filled), rows.filter(is_filled)
    counted = (
        f"{len(errors)} cells hold an error, the first {errors[0][2]} in row {errors[0][0] + 1}"
        if errors
        else ""
    )
    note = "; ".join(part for part in (counted, oddities) if part)
    return Grid(cells, rows, note, sheet.visible != "visible")


def _cell_texts(text: pl.Series, number: pl.Series, span: pl.Series) -> pl.Series:
    """One column's texts, from the same cells read as text, as numbers, and as times since 1900."""
    cells = pl.select(
        text=text.cast(pl.String), number=number.cast(pl.Float64), span=span.cast(pl.Duration("ms"))
    )
    shown, value, since = pl.col("text"), pl.col("number"), pl.col("span")
    moment = shown.str.replace(" ", "T")
    when = (
        pl.when(since < pl.duration(days=1))
        .then(moment.str.slice(11))
        .otherwise(moment.str.strip_suffix("T00:00:00"))
    )
    # Text that looks like a number parses to the very number; where it does not, its digits were rounded.
    is_rounded = value.is_finite() & (shown.cast(pl.Float64, strict=False) != value)
    told = (
        pl.when(since.is_not_null())
        .then(when)
        .when(value.is_not_null() & shown.is_in(["true", "false"]))
        .then(shown.str.to_uppercase())
        .when(is_rounded)
        .then(value.cast(pl.String))
        .otherwise(shown)
    )
    return cells.select(pl.when(told != "").then(told).alias("cell"))["cell"]


def _error_text(detail: str) -> str:
    """`Expected string but got 'Error(NA)'` -> `#N/A`."""
    return _ERRORS.get(detail.rpartition("Error(")[2].partition(")")[0], "#ERROR!")


def _with_errors(cells: pl.DataFrame, errors: list[tuple[int, int, str]]) -> pl.DataFrame:
    by_column: dict[int, list[tuple[int, str]]] = {}
    for row, column, text in errors:
        by_column.setdefault(column, []).append((row, text))
    for column, found in by_column.items():
        filled = cells.to_series(column).scatter([row for row, _ in found], [text for _, text in found])
        cells = cells.with_columns(filled)
    return cells
