"""KoboToolbox's repeats as tables of their own, tied to their submissions by ids that survive re-export.

In: the sheets of a workbook, or a table whose repeats lie side by side (`child[1]/name`). Out: the form's own
rows, and one table for each repeat. How JSON nests its repeats is `kobotoolbox_json`'s business.

Facts this rests on: in a workbook `_parent_index` points to `_index` of the sheet named by
`_parent_table_name`, and both are numbered anew in every export, so they tie sheets within one file only;
sheet names are cut at 31 characters, `_parent_table_name` is not. The oldest workbooks give the form's own
rows those columns too, with -1 and a blank.

A row of a repeat is identified by its submission and its place in it: `<submission>/<repeat>[n]`, nested
`<submission>/<repeat>[n]/<inner repeat>[m]`. Its table has three columns that the export does not:
`_submission`, `_row` and `_parent_row` (the latter blank where the parent is the submission itself); where
`keys.record` names the submission's id, that column stands in for `_submission`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, text_table
from ingestion.platforms.protocol import MAIN, Identity
from ingestion.programme.model import Source

IDS = ("meta/rootUuid", "_uuid", "meta/instanceID")
SUBMISSION, ROW, PARENT_ROW = "_submission", "_row", "_parent_row"
_SHEET_LENGTH = 31
_PLACE = re.compile(r"([^/\[\]]+)\[(\d+)\]/")


def record_column(source: Source) -> str:
    """The column of a repeat's table that names the submission."""
    return source.keys.record.column if source.keys.record else SUBMISSION


def submission_id(columns: Iterable[str], source: Source) -> pl.Expr:
    """The id of a submission from the columns of its row: `keys.record`, else the root UUID."""
    names = (source.keys.record.column,) if source.keys.record else IDS
    present = [pl.col(name) for name in names if name in columns]
    id_ = pl.coalesce(present) if present else pl.lit(None, dtype=pl.String)
    return id_ if source.keys.record else id_.str.strip_prefix("uuid:")


def repeat_identity(source: Source) -> Identity:
    """What identifies a row of a repeat's table."""
    root = pl.col(record_column(source))
    return Identity(
        record_id=root + pl.col(ROW),
        parent_record_id=root + pl.col(PARENT_ROW).fill_null(""),
        root_record_id=root,
    )


def repeat_name(path: str) -> str:
    """A repeat's name in the lake: the last step of its path, fit for a file's name."""
    name = re.sub(r"[^\w.-]", "_", path.rpartition("/")[2])
    return f"{name}_repeat" if name == MAIN or name.startswith(("_", ".")) else name


def tie_sheets(
    sheets: Mapping[str, TextTable], source: Source, file: str
) -> dict[str, tuple[TextTable, str]]:
    """A workbook's sheets by name in the lake, each with its parent's name there; the form's own is `main`.

    Raises:
        ExportFault: Not exactly one sheet holds submissions, or a sheet's parent is not in the workbook.
    """
    parents = {name: _parent(sheet) for name, sheet in sheets.items()}
    roots = [name for name, parent in parents.items() if parent is None]
    if len(roots) != 1:
        found = f"{len(roots)} of its sheets hold" if roots else "none of its sheets holds"
        raise ExportFault(
            file, f"{found} a form's own rows", "drop the workbook as KoboToolbox exports it, one form each"
        )
    names = {sheet: repeat_name(sheet) for sheet in sheets} | {roots[0]: MAIN}
    tied: dict[str, tuple[TextTable, str]] = {MAIN: (sheets[roots[0]], MAIN)}
    cells = sheets[roots[0]].cells.collect()
    record = record_column(source)
    known = {
        roots[0]: cells.select(
            pl.col("_index") if "_index" in cells.columns else pl.lit(None, dtype=pl.String).alias("_index"),
            submission_id(cells.columns, source).alias(record),
            pl.lit("").alias(ROW),
        )
    }
    waiting = [name for name in sheets if name != roots[0]]
    while waiting:
        ready = [name for name in waiting if _sheet(parents[name] or "", sheets, roots[0]) in known]
        if not ready:
            raise ExportFault(
                file,
                f"the parent of its sheet {waiting[0]} is not in the workbook",
                "export it again with all its sheets",
            )
        for name in ready:
            parent = _sheet(parents[name] or "", sheets, roots[0])
            table = _tied(sheets[name], known[parent], names[name], record)
            known[name] = table.cells.collect().select(
                pl.col("_index")
                if "_index" in table.columns
                else pl.lit(None, dtype=pl.String).alias("_index"),
                record,
                ROW,
            )
            tied[names[name]] = (table, names[parent])
        waiting = [name for name in waiting if name not in ready]
    return tied


def _parent(sheet: TextTable) -> str | None:
    """The name in a repeat's sheet of the table its parents stand in; None: it is no repeat's sheet."""
    if "_parent_table_name" not in sheet.columns:
        return None
    name = sheet.cells.select(pl.col("_parent_table_name").drop_nulls().first()).collect().item()
    if name is None and not any(id_ in sheet.columns for id_ in IDS):
        return ""
    return None if name is None else str(name)


def _sheet(parent: str, sheets: Mapping[str, TextTable], root: str) -> str:
    """The sheet that a `_parent_table_name` means; sheets' names are cut short, the form's own may differ."""
    if parent in sheets:
        return parent
    cut = [name for name in sheets if len(name) == _SHEET_LENGTH and parent.startswith(name.rstrip("."))]
    return cut[0] if len(cut) == 1 else root


def _tied(sheet: TextTable, parents: pl.DataFrame, name: str, record: str) -> TextTable:
    """A repeat's rows with their submission and their place, by the order in which the sheet lists them."""
    above = (
        parents.filter(pl.col("_index").is_not_null())
        .unique("_index", keep="first")
        .rename({"_index": "_parent_index", ROW: PARENT_ROW})
    )
    rows = sheet.cells.collect().drop([column for column in (record,) if column in sheet.columns])
    if "_parent_index" not in rows.columns:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias("_parent_index"))
    rows = rows.join(above, on="_parent_index", how="left", maintain_order="left")
    place = pl.int_range(1, pl.len() + 1).over("_parent_index")
    rows = rows.with_columns(
        (pl.col(PARENT_ROW).fill_null("") + pl.format("/{}[{}]", pl.lit(name), place)).alias(ROW)
    ).with_columns(pl.when(pl.col(PARENT_ROW) != "").then(pl.col(PARENT_ROW)))
    return replace(sheet, cells=rows.lazy(), columns=tuple(rows.columns))


def split_wide(text: TextTable, source: Source) -> dict[str, tuple[TextTable, str]]:
    """Takes repeats that lie side by side out of a table: `child[1]/name` becomes `child/name` of a row.

    A row is there where any of its cells is filled. Names and parents as in `tie_sheets`.
    """
    rows: dict[str, dict[str, str]] = {}
    for column in text.columns:
        steps = list(_PLACE.finditer(column))
        for step in steps:
            rows.setdefault(column[: step.end() - 1], {})
        if steps:
            rows[column[: steps[-1].end() - 1]][column] = re.sub(r"\[\d+\]", "", column)
    if not rows:
        return {MAIN: (text, MAIN)}
    plain = [column for column in text.columns if not _PLACE.search(column)]
    cells = text.cells.collect().with_columns(text.lines.alias("_line"))
    parts: dict[str, list[pl.DataFrame]] = {}
    parents: dict[str, str] = {}
    for prefix in sorted(rows):
        name, parent, part = _wide_row(cells, prefix, rows[prefix], source)
        parents.setdefault(name, parent)
        parts.setdefault(name, []).append(part)
    tables = {MAIN: (replace(text, cells=cells.select(plain).lazy(), columns=tuple(plain)), MAIN)}
    for name, frames in parts.items():
        table = pl.concat(frames, how="diagonal").sort("_line", maintain_order=True)
        tables[name] = (text_table(table.drop("_line"), table["_line"]), parents[name])
    return tables


def _wide_row(
    cells: pl.DataFrame, prefix: str, own: Mapping[str, str], source: Source
) -> tuple[str, str, pl.DataFrame]:
    """The rows of one place, e.g. `child[2]`, with the name of their table and of their parents'."""
    places = [(repeat_name(step[1]), step[2]) for step in _PLACE.finditer(f"{prefix}/")]
    below = [column for column in cells.columns if column.startswith(f"{prefix}/")]
    part = cells.filter(pl.any_horizontal(pl.col(below).is_not_null())).select(
        "_line",
        *[pl.col(column).alias(leaf) for column, leaf in own.items()],
        submission_id(cells.columns, source).alias(record_column(source)),
        pl.lit(_row(places)).alias(ROW),
        pl.lit(_row(places[:-1]) or None, dtype=pl.String).alias(PARENT_ROW),
    )
    return places[-1][0], places[-2][0] if len(places) > 1 else MAIN, part


def _row(places: Sequence[tuple[str, str]]) -> str:
    return "".join(f"/{name}[{number}]" for name, number in places)
