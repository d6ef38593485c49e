"""The shape of a redacted original: a zip archive of its text tables, the same for every platform.

`header.json` names the tables, the rows that could not be taken (by line alone), and how many were taken out.
Each table is two Parquet files: `cells_<n>` holds the columns as they stood, `rows_<n>` the line of every row
and what the platform said identifies it, since the format that said so is gone. Where an id was made of a
column, the column's name stands in the id in place of its value, so that pseudonyms follow the programme's
key as they do in an original.

In: tables as read, with the rows that go. Out: the file, and the tables again. Same tables, same bytes.
"""

import io
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ingestion.formats.delimited import Ragged
from ingestion.platforms.protocol import Identity, Original, RawExport, RawTable

if TYPE_CHECKING:
    from ingestion.rows.stamps import Part

_HEADER = "header.json"
_DATE = (1980, 1, 1, 0, 0, 0)
_IDS = ("record_id", "parent_record_id", "root_record_id")
_TRUTHS = ("is_complete", "is_withdrawn")
_STAYS, _LINE, _ROW = "_sw_stays", "line", "_sw_row"


@dataclass(frozen=True)
class Redacted:
    """One table of an original that is being redacted.

    Attributes:
        name: The table's name.
        part: The table.
        hit: Which of its rows go.
        hidden: Its columns that are pseudonymised today.
        instead: By column: what stands in it in place of what was told, row by row; NULL where that stays.
    """

    name: str
    part: "Part"
    hit: pl.Series
    hidden: Collection[str]
    instead: Mapping[str, pl.Series]


def write_redacted(target: Path, export: RawExport, tables: Sequence[Redacted], ids: frozenset[str]) -> None:
    """Writes an original without the rows that go.

    Args:
        target: The file.
        export: The original as read.
        tables: Its tables that have columns.
        ids: The platform's ids of the records that go.
    """
    header: dict[str, Any] = {
        "sitewise_redacted": 1,
        "gone": sorted(export.gone - ids),
        "living": None if export.living is None else sorted(export.living - ids),
        "tables": [],
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for place, table in enumerate(tables):
            raw = table.part.table
            rows, made_of = _rows(table)
            stays = (~table.hit).alias(_STAYS)
            beside = [stays, *(new.alias(f"{_STAYS}{column}") for column, new in table.instead.items())]
            cells = pl.concat([raw.cells.select(raw.columns), pl.LazyFrame(beside)], how="horizontal")
            cells = cells.with_columns(
                pl.coalesce(f"{_STAYS}{column}", column).alias(column) for column in table.instead
            )
            scratch = target.with_name(f"{target.name}.arriving")
            cells.filter(_STAYS).select(raw.columns).sink_parquet(scratch, compression="zstd")
            _put(archive, f"cells_{place}.parquet", scratch)
            rows.filter(stays).write_parquet(scratch, compression="zstd")
            _put(archive, f"rows_{place}.parquet", scratch)
            scratch.unlink()
            header["tables"].append(
                {
                    "name": table.name,
                    "file": raw.file,
                    "export": raw.export,
                    "parent": raw.parent,
                    "note": raw.note,
                    "columns": list(raw.columns),
                    "ragged": [asdict(row) for row in raw.ragged],
                    "withdrawn_count": raw.withdrawn_count + int(table.hit.sum()),
                    "time_formats": list(raw.identity.time_formats),
                    "made_of": made_of,
                }
            )
        if export.attachments is not None:
            stream = io.BytesIO()
            export.attachments.filter(~pl.col("record_id").is_in(list(ids)).fill_null(False)).write_parquet(
                stream
            )
            archive.writestr(zipfile.ZipInfo("attachments.parquet", _DATE), stream.getvalue())
        archive.writestr(zipfile.ZipInfo(_HEADER, _DATE), json.dumps(header, indent=1, sort_keys=True))


def read_redacted(original: Original) -> RawExport:
    """Reads what `write_redacted` wrote."""
    with zipfile.ZipFile(original.path) as archive:
        header = json.loads(archive.read(_HEADER))
        tables = {
            table["name"]: _table(archive, place, table) for place, table in enumerate(header["tables"])
        }
        has_files = "attachments.parquet" in archive.namelist()
        files = pl.read_parquet(io.BytesIO(archive.read("attachments.parquet"))) if has_files else None
    living = None if header["living"] is None else frozenset(header["living"])
    return RawExport(tables, frozenset(header["gone"]), living, files)


def _table(archive: zipfile.ZipFile, place: int, told: Mapping[str, Any]) -> RawTable:
    cells, rows = (
        pl.scan_parquet(io.BytesIO(archive.read(f"{kind}_{place}.parquet"))) for kind in ("cells", "rows")
    )
    lines = rows.select(_LINE).collect()[_LINE]
    named = rows.collect_schema().names()
    said = rows.select(pl.col(name).alias(_column(name)) for name in named if name != _LINE)
    made_of: Mapping[str, Sequence[str]] = told["made_of"]
    identity = {name: _again(name, made_of.get(name, ())) for name in named if name != _LINE}
    return RawTable(
        pl.concat([cells, said], how="horizontal"),
        tuple(told["columns"]),
        lines,
        tuple(Ragged(**row) for row in told["ragged"]),
        Identity(**identity, time_formats=tuple(told["time_formats"])),
        told["export"],
        told["file"],
        told["note"],
        told["parent"],
        told["withdrawn_count"],
    )


def _rows(table: Redacted) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """Line and identity of every row, and of which columns the ids in it are made."""
    raw = table.part.table
    frame = pl.DataFrame({_LINE: raw.lines})
    made_of: dict[str, list[str]] = {}
    for each in fields(Identity):
        said = getattr(raw.identity, each.name)
        if each.name == "time_formats" or said is None:
            continue
        columns, told = _made(table, each.name, said)
        if columns:
            made_of[each.name] = columns
        kind = pl.Boolean if each.name in _TRUTHS else pl.String
        frame = frame.with_columns(told.cast(kind).alias(each.name))
    return frame, made_of


def _made(table: Redacted, name: str, said: pl.Expr) -> tuple[list[str], pl.Series]:
    """What an expression gives, and of which columns it is made: at least of those that are hidden today.

    An id that is made of as many columns as can be follows whatever may be hidden later.
    """
    raw, hidden = table.part.table, set(table.hidden)
    roots = {root for root in said.meta.root_names() if root in raw.columns}
    if name in _IDS:
        for columns in (sorted(roots), sorted(roots & hidden)):
            told = _template(table, name, said, columns) if columns else None
            if told is not None:
                return columns, told
    if roots & hidden:
        raise ValueError(f"the {name} of a redacted row cannot be told without its pseudonym")
    return [], _evaluated(raw.cells, said)


def _template(table: Redacted, name: str, said: pl.Expr, columns: Sequence[str]) -> pl.Series | None:
    """The ids with signs for columns in place of values; None where these would not give the same ids."""
    blanks = {
        column: pl.when(pl.col(column).is_not_null()).then(pl.lit(_token(place)))
        for place, column in enumerate(columns)
    }
    told = _evaluated(table.part.table.cells.with_columns(**blanks), said)
    beside = pl.concat([table.part.rows, told.alias(_column(name)).to_frame().lazy()], how="horizontal")
    again = _evaluated(beside, _again(name, columns))
    return told if again.equals(_evaluated(table.part.rows, said), check_names=False) else None


def _evaluated(cells: pl.LazyFrame, said: pl.Expr) -> pl.Series:
    """An expression for every row, also where it names no column."""
    rows = cells.with_row_index(_ROW).select(_ROW, said.alias(_STAYS))
    return rows.collect(engine="streaming")[_STAYS]


def _again(name: str, columns: Sequence[str]) -> pl.Expr:
    said = pl.col(_column(name))
    for place, column in enumerate(columns):
        said = said.str.replace_all(_token(place), pl.col(column).fill_null(""), literal=True)
    return said


def _token(place: int) -> str:
    return f"\ue000{place}\ue001"


def _column(name: str) -> str:
    return f"_sw_redacted_{name}"


def _put(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    with archive.open(info, "w", force_zip64=True) as target, file.open("rb") as origin:
        while piece := origin.read(1 << 20):
            target.write(piece)
