"""Files that ODK's answers name: photos, recordings and the like, by the cells and the export's own folder.

In: the tables of one export, and, of a zip, the hashes of what lies in its folder `media`. Out: what
`RawExport.attachments` holds. A cell names a file if one of that name lies in the zip, or if it is one word
that ends as media do: which questions ask for files is told by the form alone, which is not at hand here.
"""

from collections.abc import Mapping

import polars as pl

from ingestion.platforms.protocol import MAIN, RawTable

_NAMES_MEDIA = (
    r"(?i)^[^\s/\\]+\.(?:jpe?g|png|gif|webp|heic|svg|mp4|3gpp?|mov|webm|mp3|m4a|amr|aac|wav|ogg|pdf|docx?|xlsx?"
    r"|zip)$"
)
_IDS = ("KEY", "PARENT_KEY", "SET-OF-")


def media_named(
    tables: Mapping[str, RawTable], members: Mapping[str, tuple[str, int]]
) -> pl.DataFrame | None:
    """The files that the tables' cells name; None where they name none.

    Args:
        tables: The tables of one export.
        members: Name of a file in the zip's folder of media -> its SHA-256 and size.
    """
    named = [_of(name, table, list(members)) for name, table in tables.items() if len(table.lines)]
    found = [files for files in named if files is not None]
    if not found:
        return None
    rows = [(name, *told) for name, told in members.items()]
    schema = {"name": pl.String(), "sha256": pl.String(), "bytes": pl.Int64()}
    there = pl.DataFrame(rows, schema=schema, orient="row")
    return pl.concat(found).join(there, on="name", how="left", maintain_order="left")


def _of(table_name: str, table: RawTable, members: list[str]) -> pl.DataFrame | None:
    record = pl.col("KEY") if table_name == MAIN else pl.col("PARENT_KEY").str.extract(r"^([^/]*)")
    asked = [column for column in table.columns if not column.startswith(_IDS)]
    known = pl.Series(members, dtype=pl.String).implode()
    is_name = pl.all().str.contains(_NAMES_MEDIA) | pl.all().is_in(known)
    naming = table.cells.select(asked).select(is_name.any()).collect(engine="streaming")
    columns = [column for column in asked if naming[column].item()]
    if not columns:
        return None
    return (
        table.cells.select(record.alias("record_id"), *columns)
        .unpivot(columns, index="record_id", variable_name="question", value_name="name")
        .filter(pl.col("name").str.contains(_NAMES_MEDIA) | pl.col("name").is_in(known))
        .with_columns(pl.lit(None, pl.String).alias("url"))
        .collect()
    )
