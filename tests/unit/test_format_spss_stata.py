"""SPSS and Stata files as text, and their labels as a form: codes survive, dates are ISO."""

import datetime as dt
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from ingestion.definitions.value_labels import read_value_labels
from ingestion.export_fault import ExportFault
from ingestion.formats.spss_stata import Program, read_labelled

FILES = {
    "spss_stata/hebrews.sav": (99, 1, 99),
    "spss_stata/sample.sav": (5, 7, 32),
    "spss_stata/sample_missing.sav": (7, 7, 38),
    "spss_stata/sample.dta": (5, 7, 32),
    "spss_stata/missing_test.dta": (1, 9, 7),
    "surveycto/hfc_training/household_backcheck.dta": (185, 54, 9039),
}


def _program(file: Path) -> Program:
    return "stata" if file.suffix == ".dta" else "spss"


def _as_told(value: Any, storage: str) -> str | None:
    """The value of pyreadstat as text; a Stata letter is a bare letter there."""
    match value:
        case None | "":
            return None
        case str():
            return value if storage == "string" else f".{value}"
        case dt.datetime():
            return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
        case dt.date() | dt.time():
            return value.isoformat()
        case float() if storage == "float" and not value.is_integer():
            return str(np.float32(value))
        case float() if value.is_integer():
            return str(int(value))
    return str(value)


@pytest.mark.parametrize("name", FILES)
def test_every_cell_of_every_real_file_is_what_pyreadstat_reads(shared, name) -> None:
    file = shared / "real_exports" / name
    read = pyreadstat.read_dta if file.suffix == ".dta" else pyreadstat.read_sav
    expected, meta = read(file, user_missing=True, output_format="dict")
    cells = read_labelled(file, file.name, _program(file)).text.cells.collect()
    told = {
        column: [_as_told(value, meta.readstat_variable_types[column]) for value in values]
        for column, values in expected.items()
    }
    assert cells.to_dict(as_series=False) == told
    assert (*cells.shape, sum(cells.count().row(0))) == FILES[name]


@pytest.fixture
def written(tmp_path: Path):
    """Writes a file: `written("a.dta", frame, **options of pyreadstat)`."""

    def write(name: str, columns: dict[str, list[Any]], **options: Any) -> Path:
        frame = pd.DataFrame({column: pd.Series(cells, dtype=object) for column, cells in columns.items()})
        write_file = pyreadstat.write_dta if name.endswith(".dta") else pyreadstat.write_sav
        write_file(frame, tmp_path / name, **options)
        return tmp_path / name

    return write


def _column(file: Path, name: str) -> list[str | None]:
    return read_labelled(file, file.name, _program(file)).text.cells.collect()[name].to_list()


def test_stata_letters_survive_beside_numbers(written) -> None:
    tags = {"age": ["a", "z"]}
    labels = {"age": {"a": "refused"}}
    columns = {"age": [41.0, "a", "z", None, 2.5]}
    file = written("a.dta", columns, missing_user_values=tags, variable_value_labels=labels)
    assert _column(file, "age") == ["41", ".a", ".z", None, "2.5"]
    field = read_value_labels(file).fields[0]
    assert (field.type, dict(field.missing)) == ("number", {".a": "refused", ".z": "missing"})


def test_spss_user_missing_codes_survive_and_are_declared(written) -> None:
    labels = {"reads": {0.0: "no", 1.0: "yes", -99.0: "refused"}}
    file = written(
        "a.sav",
        {"reads": [0.0, 1.0, -99.0, -98.0, None], "word": ["x", "NA", "", "y", "z"]},
        missing_ranges={"reads": [{"lo": -99, "hi": -98}], "word": ["NA"]},
        variable_value_labels=labels,
        column_labels={"reads": "Reads a paragraph?", "word": ""},
        file_label="Reading camps",
    )
    assert _column(file, "reads") == ["0", "1", "-99", "-98", None]
    assert _column(file, "word") == ["x", "NA", None, "y", "z"]
    form = read_value_labels(file)
    assert (form.language, form.title) == ("labels", "Reading camps")
    reads, word = form.fields
    assert (reads.type, reads.labels, reads.columns) == ("select_one", {"": "Reads a paragraph?"}, ("reads",))
    assert dict(reads.missing) == {"-99": "refused"}
    assert dict(word.missing) == {"NA": "missing"}
    assert [(choice.code, choice.labels[""]) for choice in form.choices] == [("0", "no"), ("1", "yes")]
    assert {choice.choice_list for choice in form.choices} == {reads.choice_list}
    assert len(form.notes) == 1 and "range" in form.notes[0]


def test_a_number_with_some_labels_is_no_list_of_choices(written) -> None:
    file = written("a.dta", {"age": [3, 41, 98]}, variable_value_labels={"age": {98: "98 and more"}})
    form = read_value_labels(file)
    assert (form.fields[0].choice_list, form.choices) == (None, ())
    assert form.notes == ("age: 2 answers have no label, so it is no list of choices",)


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_dates_and_times_are_iso(written, name) -> None:
    stamp = dt.datetime(2024, 11, 3, 9, 15, 30)  # noqa: DTZ001  the files have no zones
    columns = {
        "at": [stamp, stamp.replace(microsecond=678_000), stamp.replace(year=1883), None],
        "day": [stamp.date(), dt.date(1899, 12, 31), dt.date(9999, 12, 31), None],
        "hour": [dt.time(7, 5), dt.time(0), dt.time(23, 59, 59), None],
    }
    file = written(name, columns)
    assert _column(file, "at") == [
        "2024-11-03T09:15:30",
        "2024-11-03T09:15:30.678",
        "1883-11-03T09:15:30",
        None,
    ]
    assert _column(file, "day") == ["2024-11-03", "1899-12-31", "9999-12-31", None]
    assert _column(file, "hour") == ["07:05:00", "00:00:00", "23:59:59", None]
    assert [field.type for field in read_value_labels(file).fields] == ["datetime", "date", "time"]


def test_a_time_beyond_the_calendar_or_the_day_is_never_a_wrong_one(written) -> None:
    columns = {"at": [1e18, 0.0, -1.0], "spent": [90000.5, 3600.0, 0.0]}
    file = written("a.sav", columns, variable_format={"at": "DATETIME20", "spent": "TIME11.2"})
    assert _column(file, "at") == ["1e+18", "1582-10-14T00:00:00", "1582-10-13T23:59:59"]
    assert _column(file, "spent") == ["25:00:00.500", "01:00:00", "00:00:00"]


def test_a_missing_code_in_a_date_is_a_code_and_no_date(written) -> None:
    ranges = {"day": [{"lo": 99, "hi": 99}]}
    file = written(
        "a.sav", {"day": [99.0, 13744944000.0]}, variable_format={"day": "DATE11"}, missing_ranges=ranges
    )
    assert _column(file, "day") == ["99", "2018-05-06"]


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_a_file_cut_off_anywhere_in_its_rows_is_refused(written, name) -> None:
    columns = {
        "id": [float(number) for number in range(500)],
        "word": [f"word {number}" for number in range(500)],
    }
    whole = written(name, columns).read_bytes()
    for share in (0.05, 0.3, 0.5, 0.8, 0.99):
        with pytest.raises(ExportFault, match="cut off"):
            read_labelled(whole[: int(len(whole) * share)], name, _program(Path(name)))


def test_another_file_is_refused_by_name(tmp_path) -> None:
    for program in ("spss", "stata"):
        with pytest.raises(ExportFault, match=r"a\.x: it is not an? S"):
            read_labelled(b"child,site\n1,here\n", "a.x", program)
    with pytest.raises(ExportFault, match=r"\.sav"):
        read_value_labels(tmp_path / "form.csv")


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_text_in_another_encoding_than_the_file_says_is_read_as_told(written, name) -> None:
    whole = written(name, {"word": ["caf\u00e9s", "x"]}).read_bytes()
    mistold = whole.replace(b"caf\xc3\xa9s", b"caf\xe9s ")
    with pytest.raises(ExportFault, match="encoding"):
        read_labelled(mistold, name, _program(Path(name)))
    cells = read_labelled(mistold, name, _program(Path(name)), "windows-1252").text.cells.collect()
    assert cells["word"].str.strip_chars_end().to_list() == ["caf\u00e9s", "x"]


@pytest.mark.parametrize(
    "name", ["spss_stata/sample_missing.sav", "spss_stata/hebrews.sav", "spss_stata/sample.dta"]
)
def test_no_damage_raises_anything_but_a_fault(shared, name) -> None:
    whole, chance = (shared / "real_exports" / name).read_bytes(), random.Random(7)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        place = chance.randrange(len(damaged))
        damaged[place : place + chance.randrange(1, 9)] = chance.randbytes(chance.randrange(9))
        try:
            read_labelled(bytes(damaged), name, _program(Path(name)))
        except ExportFault as fault:
            refused += "Remedy" in str(fault)
    assert refused > 50
