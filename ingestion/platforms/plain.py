"""Files that belong to no survey platform, one by one or several in a zip archive.

In: an original, and how one file of its format is read. Out: `RawExport`. A record is identified by
`keys.record`, else by its content; nothing else in such files says who, when or in which version.

An archive is read as its files one after the other, in name order, as if they were one: a row that stands in
two of them is kept from the later one. Their lines are counted on through the files, and the receipt's note
tells where each begins.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.archive import SIGNATURE, unpack
from ingestion.formats.delimited import TextTable
from ingestion.platforms.protocol import MAIN, Identity, Original, RawExport, RawTable, record_or
from ingestion.programme.model import Source

Tables = Mapping[str, RawTable]
ReadOne = Callable[[bytes | Path, str], Tables]


def read_files(original: Original, suffixes: tuple[str, ...], read_one: ReadOne) -> RawExport:
    """Reads one file, or all files of its kind in an archive.

    Args:
        original: The original.
        suffixes: Endings by which files of this format are known in an archive, lower case.
        read_one: Reads one file from its path or its bytes under a name for messages.

    Raises:
        ExportFault: As `read_one`, and as `archive.unpack`.
    """
    if not _is_archive(original):
        return RawExport(read_one(original.path, original.name))
    unpacked = unpack(original.path, original.name, suffixes)
    parts = [
        (member, read_one(content, f"{original.name}/{member}"))
        for member, content in unpacked.members.items()
    ]
    names = dict.fromkeys(name for _, tables in parts for name in tables)
    merged = {name: _one_after_another(original.name, name, parts) for name in names}
    if unpacked.left_out and MAIN in merged:
        count, some = len(unpacked.left_out), ", ".join(unpacked.left_out[:5])
        note = f"{count} files in it are of another kind and were left out: {some}"
        merged[MAIN] = replace(merged[MAIN], note="; ".join(filter(None, (merged[MAIN].note, note))))
    return RawExport(merged)


def plain_table(text: TextTable, source: Source, file: str, note: str = "") -> RawTable:
    """The table of a file whose rows are records, identified by `keys.record` or their content."""
    identity = Identity(record_id=record_or(source, None))
    return RawTable(text.cells, text.columns, text.lines, text.ragged, identity, "", file, note=note)


def _is_archive(original: Original) -> bool:
    """By its name, since a workbook is an archive too; whatever is named so must be one."""
    if not original.name.lower().endswith(".zip"):
        return False
    with original.path.open("rb") as stream:
        if stream.read(len(SIGNATURE)) not in (SIGNATURE, b"PK\x05\x06"):
            raise ExportFault(original.name, "it is not a zip archive", "zip the exports again")
    return True


def _one_after_another(file: str, name: str, parts: list[tuple[str, Tables]]) -> RawTable:
    """One table over the archive's files; a single file keeps its own name and lines."""
    found = [(member, tables[name]) for member, tables in parts if name in tables]
    if len(found) == 1:
        return found[0][1]
    cells, lines, ragged, notes, begins = [], [], [], [], []
    columns: dict[str, None] = {}
    before = 0
    for member, table in found:
        cells.append(table.cells)
        columns.update(dict.fromkeys(table.columns))
        lines.append(table.lines.cast(pl.Int64) + before)
        ragged += [replace(row, line=row.line + before) for row in table.ragged]
        notes += [f"{member}: {table.note}"] if table.note else []
        begins.append(f"{member} from {before}")
        before += max([*table.lines.tail(1), *(row.line for row in table.ragged)], default=0)
    counted = f"its lines are counted on through its files: {', '.join(begins)}" if ragged else ""
    return replace(
        found[0][1],
        cells=pl.concat(cells, how="diagonal"),
        columns=tuple(columns),
        lines=pl.concat(lines),
        ragged=tuple(ragged),
        file=file,
        note="; ".join(filter(None, (*notes, counted))),
    )
