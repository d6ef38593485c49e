"""The header of a table, checked the same way whatever the format: every column has a name of its own.

In: the names as they stand in a file. Out: names that can be columns of the lake. Cells are not known here.
"""

from collections import Counter
from collections.abc import Sequence

from ingestion.export_fault import ExportFault

RESERVED = "_sw_"


def checked_header(names: Sequence[str | None], file: str) -> list[str]:
    """Names for the columns of a table; unnamed columns are named by their position, from 1.

    Args:
        names: The header's cells.
        file: The file's name, for messages.

    Raises:
        ExportFault: Two columns bear one name, or a name uses the reserved prefix.
    """
    header = [name or f"(column {place})" for place, name in enumerate(names, start=1)]
    if doubled := sorted(name for name, count in Counter(header).items() if count > 1):
        raise ExportFault(
            file,
            f"its header names {len(doubled)} columns twice: {', '.join(doubled[:5])}",
            "export the file again with variable names, not labels, as column names",
        )
    if reserved := sorted(name for name in header if name.startswith(RESERVED)):
        raise ExportFault(
            file,
            f"its header uses the reserved prefix {RESERVED}: {', '.join(reserved[:5])}",
            "rename these columns",
        )
    return header
