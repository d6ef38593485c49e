"""JSON and Parquet as text: every value comes through as it was written, or the file is refused."""

import datetime as dt
import io
import json
from typing import Any

import hypothesis
import polars as pl
import pytest
from hypothesis import strategies as st

from ingestion.export_fault import ExportFault
from ingestion.formats.json_lines import read_json
from ingestion.formats.parquet import read_parquet


def _main(text: str) -> pl.DataFrame:
    return read_json(text.encode(), "a.json").tables["main"].cells.collect()


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8")))


@hypothesis.given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), SCALARS, min_size=1), min_size=1, max_size=8),
    st.booleans(),
)
def test_every_scalar_comes_back_as_it_was_written(rows: list[dict[str, Any]], as_lines: bool) -> None:
    text = "\n".join(map(json.dumps, rows)) + "\n" if as_lines else json.dumps(rows)
    seen = _main(text)
    assert seen.height == len(rows)
    for row, cells in zip(rows, seen.iter_rows(named=True), strict=True):
        for key, value in row.items():
            told = json.dumps(value) if isinstance(value, bool | int) else value or None
            assert cells[key] == told
        assert all(cells[key] is None for key in cells.keys() - row.keys())


@hypothesis.given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_fault(content: bytes) -> None:
    for read in (lambda: read_json(content, "a"), lambda: read_parquet(content, "a")):
        try:
            read()
        except ExportFault as fault:
            assert fault.remedy


def test_digits_are_kept_as_written() -> None:
    assert _main('{"a": 1.50, "b": 1e3, "c": 12345678901234567890123, "d": -0.0}\n').row(0) == (
        "1.50",
        "1e3",
        "12345678901234567890123",
        "-0.0",
    )


def test_objects_flatten_and_lists_are_one_cell() -> None:
    row = {"g": {"h": {"x": 1}, "y": True}, "several": ["a", "b", 3], "spaced": ["a b", "c"], "none": []}
    seen = _main(json.dumps(row)).row(0, named=True)
    assert seen == {"g/h/x": "1", "g/y": "true", "several": "a b 3", "spaced": '["a b","c"]', "none": None}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"a": 1, "a": 2}', "a key stands twice in one of its objects"),
        ('{"a/b": 1, "a": {"b": 2}}', "two of its keys give one column"),
        (
            '{"a": [{"b": 1}, 2]}',
            "one of its lists of objects holds other values too, or has an unusable name",
        ),
        (
            '{"../x": [{"b": 1}]}',
            "one of its lists of objects holds other values too, or has an unusable name",
        ),
        (
            '{"main": [{"b": 1}]}',
            "one of its lists of objects holds other values too, or has an unusable name",
        ),
        ('{"a":' * 25 + "1" + "}" * 25, "it nests deeper than 20 levels"),
        ('{"a":' * 9000 + "1" + "}" * 9000, "it nests deeper than 20 levels"),
        ('{"a": "\\ud800"}', "it holds half of a character"),
        ('{"\\udfff": 1}', "it holds half of a character"),
        ("nonsense", "it is not JSON"),
        ("3", "it is no JSON object"),
        ("{}", "it has no cells"),
        ('{"a": {}}', "it has no cells"),
    ],
)
def test_a_line_that_gives_no_record_says_why(line: str, why: str) -> None:
    table = read_json(f'{{"id": "1"}}\n{line}\n{{"id": "2"}}\n'.encode(), "a.jsonl", record="id").tables[
        "main"
    ]
    assert table.cells.collect()["id"].to_list() == ["1", "2"]
    assert [(row.line, row.reason) for row in table.ragged] == [(2, why)]
    assert table.lines.to_list() == [1, 3]


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a"', '[{"a": 1}', '[{"a": "x', '{"a": 1}\n{"a": 2', "["])
def test_a_file_that_was_cut_off_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(ExportFault, match="cut off"):
        _main(text)


def test_any_fault_in_an_array_refuses_the_file() -> None:
    for text in ('[{"a": 1} {"a": 2}]', '[{"a": 1, "a": 2}]', "[" * 9000):
        with pytest.raises(ExportFault):
            _main(text)


def _parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def test_every_type_of_parquet_is_told_without_loss() -> None:
    stamp = dt.datetime(2024, 11, 3, 9, 15, 30, 250_000)  # noqa: DTZ001  a column without zone
    columns = {
        "whole": pl.Series([1, 2**60], dtype=pl.Int64),
        "huge": pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
        "real": [3.0, 0.1 + 0.2],
        "single": pl.Series([1.1, float("nan")], dtype=pl.Float32),
        "money": pl.Series(["1.50", None]).cast(pl.Decimal(10, 2)),
        "truth": [True, False],
        "day": [stamp.date(), None],
        "at": [stamp, stamp.replace(microsecond=0)],
        "zoned": pl.Series([stamp, None]).dt.replace_time_zone("Africa/Nairobi"),
        "hour": [dt.time(9, 15, 30, 4), None],
        "sort": pl.Series(["a", ""], dtype=pl.Categorical),
        "bytes": ["caf\u00e9".encode(), b""],
        "nothing": [None, None],
    }
    assert read_parquet(_parquet(pl.DataFrame(columns)), "a").cells.collect().to_dict(as_series=False) == {
        "whole": ["1", str(2**60)],
        "huge": [str(2**64 - 1), "0"],
        "real": ["3", "0.30000000000000004"],
        "single": ["1.1", None],
        "money": ["1.50", None],
        "truth": ["true", "false"],
        "day": ["2024-11-03", None],
        "at": ["2024-11-03T09:15:30.250", "2024-11-03T09:15:30"],
        "zoned": ["2024-11-03T09:15:30.250+03:00", None],
        "hour": ["09:15:30.000004", None],
        "sort": ["a", None],
        "bytes": ["caf\u00e9", None],
        "nothing": [None, None],
    }


@hypothesis.given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_any_float_of_parquet_comes_back_exactly(numbers: list[float]) -> None:
    seen = read_parquet(_parquet(pl.DataFrame({"x": numbers})), "a").cells.collect()["x"].to_list()
    assert [float(text) for text in seen] == numbers
    assert not any(text.endswith(".0") for text in seen if abs(float(text)) < 2**53)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pl.Series("visits", [[1, 2]]), "lists or structures: visits"),
        (pl.Series("head", [{"age": 4}]), "lists or structures: head"),
        (pl.Series("photo", [b"\xff\xfe\x00"]), "no text: photo"),
        (pl.Series("_sw_x", ["a"]), "reserved prefix"),
    ],
)
def test_a_column_that_is_no_text_is_refused_by_name(column: pl.Series, said: str) -> None:
    with pytest.raises(ExportFault, match=said):
        read_parquet(_parquet(column.to_frame()), "a")
