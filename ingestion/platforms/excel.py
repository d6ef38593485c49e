"""Excel workbooks, .xlsx and .xls, whose rows are records: one sheet of each, its first row the header.

`pull.sheet` names the sheet; without it the workbook must show one sheet only. A record is identified by
`keys.record`, else by its content. Several workbooks may come in one zip archive.
"""

from collections.abc import Mapping
from pathlib import Path

from ingestion.export_fault import ExportFault, closest
from ingestion.formats.excel import Grid, read_grids, with_header
from ingestion.platforms.plain import Tables, plain_table, read_files
from ingestion.platforms.protocol import MAIN, Original, RawExport, no_api, no_definition
from ingestion.programme.model import Source

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one workbook's sheet, or those of an archive, into `main`."""

    def one(data: bytes | Path, file: str) -> Tables:
        grids = {name: grid for name, grid in read_grids(data, file).items() if grid.cells.height}
        if not grids:
            return {}
        name = source.pull.sheet or _only_shown(grids, file)
        if name not in grids:
            raise ExportFault(
                file,
                f"it has no sheet '{name}' with cells{closest(name, grids)}, but {_listed(grids)}",
                "correct pull.sheet in sources.yml",
            )
        sheet = with_header(grids[name], f"{file}, sheet {name}")
        return {MAIN: plain_table(sheet, source, f"{file}, sheet {name}", sheet.note)}

    return read_files(original, (".xlsx", ".xlsm", ".xls"), one)


def _only_shown(grids: Mapping[str, Grid], file: str) -> str:
    shown = [name for name, grid in grids.items() if not grid.is_hidden]
    if len(shown) != 1:
        message = f"which of its sheets holds the records is not said: {_listed(grids)}"
        raise ExportFault(file, message, "write pull: {drop: ..., sheet: NAME} in sources.yml")
    return shown[0]


def _listed(grids: Mapping[str, Grid]) -> str:
    return ", ".join(f"{name} (hidden)" if grid.is_hidden else name for name, grid in grids.items())
