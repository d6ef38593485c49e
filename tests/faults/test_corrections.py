"""A log of corrections: late, early, doubled, contradicting itself or taken back, and never silent."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.lake import lake_path
from ingestion.programme.faults import ProgrammeFaults
from ingestion.programme.load import load_programme
from ingestion.programme.registry_tables import registry_tables
from ingestion.pull import pull_programme, pull_source
from ingestion.rebuild import rebuild

SOURCE = "endline_site_a"
LOG = {
    "source": "cleaning",
    "role": "corrections",
    "of": SOURCE,
    "platform": "csv",
    "pull": {"drop": "log/*.csv"},
}
HEADER = ("record", "question", "old", "new", "action")


def _log(small, *rows: tuple[str, ...], name: str = "log.csv") -> Path:
    path = small.folder / "log" / name
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def _pull(small, home: Path, *sources: str):
    receipts = pull_programme(load_programme(small.folder), home, sources or [SOURCE, "cleaning"])
    return {receipt.source: receipt for receipt in receipts}


def _main(home: Path) -> pl.DataFrame:
    return pl.read_parquet(lake_path(home, SOURCE) / "main.parquet")


def _told(home: Path) -> list[tuple[str, str | None]]:
    audit = pl.read_parquet(lake_path(home, SOURCE) / "_corrections.parquet")
    return list(audit.select("state", "reason").iter_rows())


def _bytes(home: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in lake_path(home, SOURCE).iterdir()}


@pytest.fixture
def small(small_programme):
    small_programme.add("sources.yml", LOG)
    return small_programme


@pytest.fixture
def first(small) -> dict[str, str]:
    """The first interview as it was exported."""
    with (small.folder / "exports/site_a/endline.csv").open() as file:
        return next(csv.DictReader(file))


def test_a_log_changes_blanks_and_removes_and_its_end_restores(small, first, tmp_path) -> None:
    home = tmp_path / "home"
    path = _log(
        small,
        (first["id"], "score", first["score"] + ".0", "59", ""),
        (first["id"], "age", first["age"], "", ""),
        ("A0001-e", "", "", "", "remove"),
    )
    receipts = _pull(small, home)
    (row,) = _main(home).filter(pl.col("_sw_record_id") == first["id"]).rows(named=True)
    assert (row["score"], row["age"], row["reads"]) == ("59", None, first["reads"])
    assert "A0001-e" not in set(_main(home)["_sw_record_id"])
    receipt = receipts[SOURCE]
    assert (receipt.corrections_applied, receipt.corrections_listed) == (3, 0)
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_not_accepted) == (160, 159, 1)
    corrected = _bytes(home)
    assert _pull(small, home)[SOURCE].state == "unchanged"
    assert dict(rebuild(load_programme(small.folder), home))[SOURCE] is None
    assert _bytes(home) == corrected
    _log(small, ("nobody", "score", "", "1", ""), name=path.name)
    _pull(small, home)
    (row,) = _main(home).filter(pl.col("_sw_record_id") == first["id"]).rows(named=True)
    assert (row["score"], row["age"], _main(home).height) == (first["score"], first["age"], 160)


def test_a_new_log_is_applied_though_only_the_log_is_pulled(small, first, tmp_path) -> None:
    assert _pull(small, tmp_path, SOURCE)[SOURCE].state == "landed"
    _log(small, (first["id"], "score", first["score"], "59", ""))
    (small.folder / "exports/site_a/endline.csv").unlink()
    receipts = _pull(small, tmp_path, "cleaning")
    assert (receipts[SOURCE].state, receipts[SOURCE].corrections_applied) == ("landed", 1)
    assert pull_source(load_programme(small.folder), "cleaning", tmp_path).state == "unchanged"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("nobody", "score", "", "1", "")], "no submission of this key"),
        ([("{id}", "no_such", "", "1", "")], "no question of this name"),
        ([("{id}", "score", "-3", "1", "")], "its old value is not"),
        ([("{id}", "score", "", "many", "")], "its new value cannot be read"),
        ([("{id}", "age", "", "6.5", "")], "its new value cannot be read"),
        ([("{id}", "child", "", "B0000", "")], "it is a key"),
        ([("{id}", "score", "", "1", "perhaps")], "its action is neither"),
        ([("{id}", "score", "", "1", ""), ("{id}", "score", "", "2", "")], "another row says something else"),
        ([("{id}", "score", "", "", "change")], "it changes an answer to nothing"),
    ],
)
def test_what_cannot_be_applied_is_listed_with_its_reason(small, first, tmp_path, rows, why) -> None:
    _log(small, *[(row[0].format(**first), *row[1:]) for row in rows])
    receipt = _pull(small, tmp_path)[SOURCE]
    assert (receipt.state, receipt.corrections_listed) == ("landed", len(rows))
    assert all(state == "listed" and why in reason for state, reason in _told(tmp_path))
    assert _main(tmp_path).filter(pl.col("_sw_record_id") == first["id"])["score"].item() == first["score"]


def test_a_later_row_is_compared_with_what_an_earlier_one_left(small, first, tmp_path) -> None:
    age = first["age"]
    _log(small, (first["id"], "age", age, "30", ""), (first["id"], "age", "30", "31", ""))
    _pull(small, tmp_path)
    assert _main(tmp_path).filter(pl.col("_sw_record_id") == first["id"])["age"].item() == "31"
    assert Counter(state for state, _ in _told(tmp_path)) == {"applied": 2}


def test_no_value_stands_where_corrections_are_told(small, first, tmp_path) -> None:
    rows = [(first["id"], first["score"], "59.125"), (first["id"], "", "x5x"), ("nobody", "", "59.125")]
    _log(small, *[(record, "score", old, new, "") for record, old, new in rows])
    _pull(small, tmp_path)
    audit = pl.read_parquet(lake_path(tmp_path, SOURCE) / "_corrections.parquet")
    assert audit["record_id"].to_list() == [first["id"], first["id"], None]
    tables = [lake_path(tmp_path, SOURCE) / "_corrections.parquet"]
    tables += list(lake_path(tmp_path, "cleaning").glob("*.parquet"))
    told = "".join(str(pl.read_parquet(table).rows()) for table in tables)
    told += "".join(path.read_text() for path in (tmp_path / "landing").glob("*/receipts/*.json"))
    assert "59.125" not in told and "x5x" not in told


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"of": []}, "of"),
        ({"of": "no_such"}, "of.0"),
        ({"of": "cleaning"}, "of.0"),
        ({"columns": {"value": "new"}}, "columns.value"),
        ({"columns": {"action": {"column": "do", "map": {"x": "alter"}}}}, "columns.action.map.x"),
        ({"platform": "stata"}, "platform"),
    ],
)
def test_a_faulty_log_is_told_by_its_field(small, change, field) -> None:
    small.without("sources.yml", "source", "cleaning")
    small.add("sources.yml", LOG | change)
    with pytest.raises(ProgrammeFaults, match=rf"{field}\b"):
        load_programme(small.folder)


_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A0000-e", "A0001-e", "A0002-e", "nobody"]),
        st.sampled_from(["score", "age", "reads", "none"]),
        st.sampled_from(["", "1", "0", "6", "20", "99"]),
        st.sampled_from(["", "1", "0.0", "7", "text"]),
        st.sampled_from(["", "change", "blank", "remove", "keep"]),
    ),
    max_size=8,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_any_order_of_arrival_gives_the_same_lake_and_twice_is_once(small, tmp_path_factory, rows) -> None:
    _log(small, ("nobody", "score", "", "1", ""), *rows)
    lakes = []
    for order in (("cleaning", SOURCE), (SOURCE, "cleaning"), ("cleaning", SOURCE, "cleaning", SOURCE)):
        home = tmp_path_factory.mktemp("home")
        for name in order:
            _pull(small, home, name)
        lakes.append(_bytes(home))
    assert lakes[0] == lakes[1] == lakes[2]
    assert len(_told(home)) == len(rows) + 1
    _log(small, ("nobody", "score", "", "1", ""), *rows, *[row for row in rows if row[2] == ""])
    _pull(small, home)
    doubled = pl.read_parquet(lake_path(home, SOURCE) / "main.parquet")
    assert doubled.equals(pl.read_parquet(lakes[0]["main.parquet"]))


def test_what_is_set_aside_is_listed_and_counted_without_values(small, first, tmp_path, sitewise) -> None:
    export = small.folder / "exports/site_a/endline.csv"
    export.write_text(export.read_text() + "torn-e,A9999\n")
    _log(
        small,
        (first["id"], "score", "-3", "59.125", ""),
        (first["id"], "secret words", "", "59.125", ""),
        (first["id"], "age", first["age"], "30", ""),
    )
    _pull(small, tmp_path / "home")
    said = sitewise(tmp_path / "home", "quarantine", "--source", SOURCE, "--programme", small.folder)
    assert said.returncode == 0, said.stderr
    assert "its old value is not what the cell holds" in said.stdout
    assert "endline.csv" in said.stdout and "162" in said.stdout and "59.125" not in said.stdout
    registry = registry_tables(load_programme(small.folder), tmp_path / "home", date(2026, 11, 24))
    told = {(row["question"], row["state"]): row["row_count"] for row in registry["corrections"].to_pylist()}
    assert told == {("score", "listed"): 1, (None, "listed"): 1, ("age", "applied"): 1}
    (row,) = registry["quarantine"].to_pylist()
    assert (row["source"], row["row_count"]) == (SOURCE, 1)
    unknown = sitewise(tmp_path / "home", "quarantine", "--source", "no_such", "--programme", small.folder)
    assert unknown.returncode == 2 and "no source 'no_such'" in unknown.stderr + unknown.stdout
