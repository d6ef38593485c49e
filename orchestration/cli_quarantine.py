"""`sitewise quarantine`: the rows that were set aside, and those of logs that could not be applied.

In: the home's lake. Out: file, line and reason of each row; never a cell.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings


def quarantine(
    source: Annotated[str, typer.Option(help="One source; by default all.")] = "",
    home: HomeOption = "",
    programme: ProgrammeOption = "",
) -> None:
    """List the rows that were set aside, by file and line, with the reason; no cell is shown.

    Rows of a log of corrections that could not be applied are among them.

    Example: sitewise quarantine --source endline_kobo
    """
    from ingestion.export_fault import closest
    from ingestion.set_aside import set_aside_rows
    from orchestration.programmes import load

    settings = read_settings(home, programme)
    sources = [each.source for each in load(settings)[0].sources]
    if source and source not in sources:
        fail(f"There is no source '{source}'{closest(source, sources)}. Remedy: name one of sources.yml.")
    table = Table("source", "file", "line", "field", "reason", box=None)
    for row in set_aside_rows(settings.home, [source] if source else sources):
        table.add_row(row.source, row.file, row.line, row.field, row.reason)
    if table.rows:
        Console().print(table)
    else:
        typer.echo("No row is set aside.")
