"""SPSS `.sav` and Stata `.dta` files as text, with what they say of their variables.

In: the path or the bytes of one file. Out: `LabelledFile`: a text table whose cells are codes, never labels,
and the variables' labels, kinds and missing codes. What a form makes of them is `definitions.value_labels`'s
business.

- Numbers have their shortest digits and no `.0`; dates and times are ISO 8601. Stata's other periods (weeks,
  months, quarters, half-years, years) stay the number of periods that is stored.
- User-missing codes survive: SPSS's as their code, Stata's extended ones as `.a` to `.z`. System-missing and
  empty text are blank.
- Text is read in the encoding that the file names, unless sources.yml names another than UTF-8; old files
  often name windows-1252. Stata's `%tC` is read as `%tc`: it is late by the leap seconds since 1960.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, text_table
from ingestion.formats.header import checked_header
from ingestion.formats.numbers import number_text
from ingestion.formats.text import EXPORT_AGAIN, cut_off

Program = Literal["spss", "stata"]
Kind = Literal["text", "integer", "number", "date", "datetime", "time"]
Cell = float | str | None

_START: dict[Program, datetime] = {
    "spss": datetime(1582, 10, 14),  # noqa: DTZ001  neither program's times have a zone
    "stata": datetime(1960, 1, 1),  # noqa: DTZ001
}
_KINDS: dict[Program, dict[str, Kind]] = {
    "spss": {
        r"[AEJS]?DATE\d*$|QYR|MOYR|WKYR": "date",
        r"DATETIME|YMDHMS": "datetime",
        r"[DM]?TIME": "time",
    },
    "stata": {r"%-?tcHH:MM(:SS)?$": "time", r"%-?t?d": "date", r"%-?t[cC]": "datetime"},
}
_XML_START, _XML_END = b"<stata_dta>", b"</stata_dta>"


@dataclass(frozen=True)
class Variable:
    """What a file says of one variable.

    Attributes:
        name: Its name.
        kind: What its cells are.
        label: Its label, or blank.
        label_set: Name of its value labels, or None.
        labels: Code -> label, missing codes too.
        missing: Ranges of values declared to be no answers, both ends included.
        tags: Stata's extended missing codes among its cells, e.g. `.a`.
    """

    name: str
    kind: Kind
    label: str = ""
    label_set: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[tuple[float | str, float | str], ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelledFile:
    """A file of SPSS or Stata.

    Attributes:
        text: Its cells.
        title: The label of the whole file, or blank.
        variables: Its variables, in order.
    """

    text: TextTable
    title: str
    variables: tuple[Variable, ...]


def read_labelled(data: bytes | Path, file: str, program: Program, encoding: str = "utf-8") -> LabelledFile:
    """Reads a file of SPSS or Stata.

    Args:
        data: The file's path, or its bytes.
        file: The file's name, for messages.
        program: Whose file it is.
        encoding: Encoding declared in sources.yml; UTF-8 stands for what the file itself says.

    Raises:
        ExportFault: It is cut off, of another kind, or its text is not in its encoding.
    """
    content = data.read_bytes() if isinstance(data, Path) else data
    if content.startswith(_XML_START) and not content.rstrip().endswith(_XML_END):
        raise cut_off(file, "its end mark is missing")
    cells, meta = _parsed(content, file, program, encoding)
    header = checked_header(list(cells), file)
    variables = tuple(_variable(name, meta, program) for name in header)
    counts = {len(column) for column in cells.values()}
    if meta.number_rows is not None and counts - {meta.number_rows}:
        raise cut_off(file, f"it announces {meta.number_rows} rows and holds {max(counts)}")
    columns = [_texts(variable, cells[variable.name], meta, program) for variable in variables]
    return LabelledFile(text_table(pl.DataFrame(columns)), meta.file_label or "", variables)


def code_text(value: float | str) -> str:
    """A code as its cells show it; Stata's extended missing codes come as a bare letter."""
    return f".{value}" if isinstance(value, str) else str(pl.select(number_text(pl.lit(value))).item())


def _parsed(content: bytes, file: str, program: Program, encoding: str) -> tuple[dict[str, list[Cell]], Any]:
    import pyreadstat

    read = pyreadstat.read_sav if program == "spss" else pyreadstat.read_dta
    try:
        return read(
            io.BytesIO(content),
            encoding=None if encoding.lower().replace("-", "") == "utf8" else encoding,
            user_missing=True,
            disable_datetime_conversion=True,
            output_format="dict",
        )
    except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
        said = str(error).lower()
        if "convert" in said or "encoding" in said or isinstance(error, UnicodeDecodeError):
            raise ExportFault(
                file,
                "its text is not in the encoding that it names",
                "name the true one under `encoding:` in sources.yml, e.g. windows-1252",
            ) from error
        kind = "an SPSS .sav file" if program == "spss" else "a Stata .dta file"
        raise ExportFault(file, f"it is not {kind}, or was cut off", EXPORT_AGAIN) from error


def _variable(name: str, meta: Any, program: Program) -> Variable:
    storage, form = meta.readstat_variable_types[name], meta.original_variable_types[name] or ""
    is_text = storage == "string"
    kinds = (kind for pattern, kind in _KINDS[program].items() if re.match(pattern, form))
    number: Kind = "integer" if storage.startswith("int") else "number"
    labels = meta.variable_value_labels.get(name, {})
    return Variable(
        name=name,
        kind="text" if is_text else next(kinds, number),
        label=meta.column_names_to_labels[name] or "",
        label_set=meta.variable_to_label.get(name),
        labels={str(code) if is_text else code_text(code): text for code, text in labels.items()},
        missing=tuple((span["lo"], span["hi"]) for span in meta.missing_ranges.get(name, ())),
        tags=tuple(f".{tag}" for tag in sorted(meta.missing_user_values.get(name, ()))),
    )


def _texts(variable: Variable, cells: Sequence[Cell], meta: Any, program: Program) -> pl.Series:
    """One variable's cells as text, blank ones NULL."""
    if variable.kind == "text":
        return pl.Series(variable.name, [cell or None for cell in cells], dtype=pl.String)
    tags: pl.Series | pl.Expr = pl.Series(
        [f".{cell}" if isinstance(cell, str) else None for cell in cells], dtype=pl.String
    )
    numbers = [None if isinstance(cell, str) else cell for cell in cells]
    is_single = meta.readstat_variable_types[variable.name] == "float"
    told = [tags, number_text(pl.lit(pl.Series(numbers, dtype=pl.Float32 if is_single else pl.Float64)))]
    if variable.kind not in ("integer", "number"):
        told.insert(0, pl.Series([_time(number, variable, program) for number in numbers], dtype=pl.String))
    return pl.select(pl.coalesce(told).alias(variable.name)).to_series()


def _time(value: float | None, variable: Variable, program: Program) -> str | None:
    """A date or time as ISO 8601; None where the value is a missing code, or lies beyond the calendar."""
    spans = [
        (low, high) for low, high in variable.missing if isinstance(low, float) and isinstance(high, float)
    ]
    if value is None or any(low <= value <= high for low, high in spans):
        return None
    try:
        if program == "stata":
            since = timedelta(days=value) if variable.kind == "date" else timedelta(milliseconds=round(value))
        else:
            since = timedelta(milliseconds=round(value * 1000))
        moment = _START[program] + since
    except OverflowError:
        return None
    if variable.kind == "date":
        return moment.date().isoformat()
    if variable.kind == "datetime":
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    hours = (moment.replace(hour=0) - _START[program]).days * 24 + moment.hour
    ending = f".{moment.microsecond // 1000:03d}" if moment.microsecond else ""
    return f"{hours:02d}:{moment:%M:%S}{ending}" if hours >= 0 else None
