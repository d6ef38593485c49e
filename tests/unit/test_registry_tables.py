"""The registry says what the YAML declares and what lies in the lake, in exact types, the same every time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.landing import write_receipt
from ingestion.programme.load import load_programme
from ingestion.programme.model import WaveDates
from ingestion.programme.registry_tables import KEYS, SCHEMAS, registry_tables
from ingestion.pull import pull_programme
from ingestion.receipt import LakeTable, Receipt
from ingestion.rows.fates import NO_PARENT

AS_OF = date(2024, 12, 1)
BEFORE = ("earlier_row_count", "orphan_count")
STAR = Path(__file__).parents[2] / "ingestion/programmes/star"


@pytest.fixture
def tables(programme_files, write_folder, tmp_path: Path) -> Callable[..., dict[str, pa.Table]]:
    """The registry of the small programme on a home of the test's own."""

    def build(as_of: date = AS_OF) -> dict[str, pa.Table]:
        return registry_tables(load_programme(write_folder(programme_files)), tmp_path / "home", as_of)

    return build


def rows(table: pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in table.to_pylist()]


def write_lake(home: Path, source: str, table: str, **columns: list[str | None]) -> None:
    path = home / "lake" / source / f"{table}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), path)


def test_every_table_has_its_schema_and_its_key_is_unique_and_sorted(tables) -> None:
    built = tables()
    assert list(built) == list(SCHEMAS)
    for name, table in built.items():
        assert table.schema == SCHEMAS[name]
        keys = [tuple(map(str, key)) for key in rows(table, *KEYS[name])]
        assert keys == sorted(set(keys)), name
    design = {
        "programme",
        "sites",
        "site_codes",
        "site_stages",
        "waves",
        "site_waves",
        "sources",
        "source_sites",
    }
    design |= {"source_waves", "analyses", "analysis_waves", "analysis_indicators", "expected_cells"}
    measures = {
        "subgroups",
        "items",
        "item_codes",
        "missing_codes",
        "source_units",
        "conversions",
        "indicators",
    }
    measures |= {"indicator_terms", "indicator_subgroups"}
    assert [name for name in sorted(design | measures) if not built[name].num_rows] == []


def test_the_same_programme_gives_the_same_tables(tables) -> None:
    first, second = tables(), tables()
    assert all(first[name].equals(second[name]) for name in SCHEMAS)


def test_site_codes_are_normalised_and_hold_the_site_s_own_id(tables) -> None:
    codes = dict(rows(tables()["site_codes"], "site_code", "site"))
    assert codes == {
        "KE01": "kisumu_east",
        "KE02": "kisumu_east",
        "KISUMU_EAST": "kisumu_east",
        "KE07": "siaya",
        "SIAYA": "siaya",
    }


@pytest.mark.parametrize(
    ("as_of", "kisumu", "siaya"),
    [
        (date(2024, 10, 31), "planned", "planned"),
        (date(2024, 11, 1), "in_field", "in_field"),
        (date(2025, 1, 31), "in_field", "in_field"),
        (date(2025, 2, 1), "in_field", "closed"),
        (date(2025, 3, 1), "closed", "closed"),
        (date(2025, 6, 29), "closed", "closed"),
        (date(2025, 6, 30), "frozen", "frozen"),
    ],
)
def test_a_wave_s_state_follows_the_night_s_date_at_each_site(tables, as_of, kisumu, siaya) -> None:
    states = {
        (site, wave): state
        for site, wave, state in rows(tables(as_of)["site_waves"], "site", "wave", "state")
    }
    assert (states["kisumu_east", "endline"], states["siaya", "endline"]) == (kisumu, siaya)


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(start=DAYS, length=st.integers(0, 400), rest=st.none() | st.integers(0, 400), as_of=DAYS)
def test_a_wave_never_goes_back_to_an_earlier_state(start, length, rest, as_of) -> None:
    closes = start + timedelta(length)
    frozen = None if rest is None else closes + timedelta(rest)
    dates = WaveDates(from_date=start, closes=closes, frozen=frozen)
    order = ["planned", "in_field", "closed", "frozen"]
    assert order.index(dates.state(as_of)) <= order.index(dates.state(as_of + timedelta(1)))


def test_cells_are_expected_where_a_survey_covers_the_indicator_s_instrument(tables) -> None:
    cells = set(rows(tables()["expected_cells"], "site", "wave", "indicator"))
    assert ("siaya", "baseline", "mood") in cells
    assert ("kisumu_east", "endline", "reads_pct") in cells
    assert not any(site == "siaya" and wave == "endline" for site, wave, _ in cells)


def test_units_codes_and_grids_are_exact(tables) -> None:
    built = tables()
    units = {row[0]: row[1] for row in rows(built["source_units"], "source", "unit")}
    assert units == {"baseline_kobo": "KES/month", "endline_redcap": "USD/month"}
    assert rows(built["conversions"], "factor") == [(Decimal("0.0077"),)]
    codes = {row[:2]: row[2:] for row in rows(built["item_codes"], "item", "code", "label", "value")}
    assert codes["grade", "01"] == ("one", 1.0)
    assert (codes["reads", "yes"], codes["reads", "0"]) == (("yes", 1.0), ("no", 0.0))
    assert dict(rows(built["missing_codes"], "code", "meaning")) == {"-99": "dont_know", "-88": "refused"}
    grids = dict(rows(built["indicators"], "indicator", "resolution"))
    assert grids["reads_pct"] == 100 and grids["spend"] == Decimal("0.01")


def test_indicators_list_their_terms_and_analyses_their_indicators(tables) -> None:
    built = tables()
    terms = set(rows(built["indicator_terms"], "indicator", "item", "term", "is_reversed"))
    assert {("mood", "mood_1", "component", False), ("mood", "mood_2", "component", True)} <= terms
    assert {("sickness", "sick_days", "events", False), ("sickness", "days", "exposure", False)} <= terms
    named = rows(built["analysis_indicators"], "analysis", "indicator")
    assert [name for analysis, name in named if analysis == "endline_2024"] == ["reads_pct", "spend"]
    everything = [name for analysis, name in named if analysis == "first_cohort"]
    assert everything == ["mood", "reads_pct", "sickness", "spend"]
    assert rows(built["analysis_cohorts"], "analysis", "cohort") == [("first_cohort", "first")]
    assert rows(built["subgroups"], "dimension", "level") == [("female", "female"), ("female", "male")]


def test_a_source_that_was_never_pulled_has_no_lake_rows(tables) -> None:
    built = tables()
    assert built["lake_tables"].num_rows == built["lake_columns"].num_rows == 0
    assert set(rows(built["sources"], "receipt_state", "last_submitted_at")) == {(None, None)}


def test_lake_columns_say_which_column_feeds_which_item(tables, tmp_path: Path) -> None:
    home = tmp_path / "home"
    times = ["2024-02-01T08:00:00", None, "2024-02-03T08:00:00"]
    columns = {"_sw_record_id": ["1", "2", "3"], "_sw_submitted_at": times, "reads": ["1", "0", None]}
    write_lake(
        home,
        "baseline_kobo",
        "main",
        **columns,
        **{"g/reads": ["1"] * 3, "g/colour": ["red"] * 3, "g/site": ["KE01"] * 3},
    )
    write_lake(home, "baseline_kobo", "members", _sw_record_id=["1"], mood_1=["4"])
    write_lake(home, "baseline_kobo", "_quarantine", file=["a"], reason=["torn"], field=[None])
    built = tables()
    assert rows(built["lake_tables"], "source", "lake_table", "parent_table", "path", "row_count") == [
        ("baseline_kobo", "main", None, "lake/baseline_kobo/main.parquet", 3),
        ("baseline_kobo", "members", "main", "lake/baseline_kobo/members.parquet", 1),
    ]
    found = {
        row[0]: row[1:] for row in rows(built["lake_columns"], "column_name", "role", "item", "preference")
    }
    assert found == {
        "_sw_record_id": ("system", None, None),
        "_sw_submitted_at": ("system", None, None),
        "g/reads": ("item", "reads", 1),
        "reads": ("item", "reads", 2),
        "g/colour": ("unmapped", None, None),
        "g/site": ("system", None, None),
        "mood_1": ("item", "mood_1", 1),
    }
    last = dict(rows(built["sources"], "source", "last_submitted_at"))
    assert last["baseline_kobo"] == "2024-02-03T08:00:00"


def test_a_column_that_feeds_two_items_has_a_row_for_each(programme_files, tables, tmp_path: Path) -> None:
    name = "instruments/child_test.yml"
    programme_files[name] = programme_files[name].replace("question: mood_2", "question: [mood_2, mood_1]")
    write_lake(tmp_path / "home", "baseline_kobo", "main", _sw_record_id=["1"], mood_1=["4"])
    fed = rows(tables()["lake_columns"], "column_name", "item", "preference")
    assert fed[1:] == [("mood_1", "mood_1", 1), ("mood_1", "mood_2", 2)]


def test_when_a_pull_ran_does_not_show(tables, tmp_path: Path) -> None:
    home, shown = tmp_path / "home", []
    for hour, state in enumerate(("landed", "unchanged")):
        pulled_at = datetime(2024, 12, 1, hour, tzinfo=UTC)
        receipt = Receipt(
            receipt_id=f"{hour}",
            source="listing",
            pulled_at=pulled_at,
            mode="snapshot",
            state=state,
            message=f"pulled at {hour}",
            input_hash="abc",
        )
        write_receipt(home, receipt)
        shown.append(tables()["sources"])
    assert shown[0].equals(shown[1])
    assert dict(rows(shown[0], "source", "receipt_state"))["listing"] == "landed"


def test_a_failed_pull_shows_its_message(tables, tmp_path: Path) -> None:
    now = datetime(2024, 12, 1, tzinfo=UTC)
    receipt = Receipt(
        receipt_id="1",
        source="listing",
        pulled_at=now,
        mode="snapshot",
        state="failed",
        message="frame/ is gone",
    )
    write_receipt(tmp_path / "home", receipt)
    shown = {
        row[0]: row[1:] for row in rows(tables()["sources"], "source", "receipt_state", "receipt_message")
    }
    assert shown["listing"] == ("failed", "frame/ is gone")


def test_a_source_tells_what_it_held_before_and_what_lies_without_a_parent(tables, tmp_path: Path) -> None:
    home = tmp_path / "home"
    landings = [("1", "landed", 40), ("2", "landed", 30), ("3", "unchanged", 30), ("4", "failed", 0)]
    for place, state, count in landings:
        held = [LakeTable(table="main", row_count=count, sha256="")]
        moment = datetime(2024, 12, 1, int(place), tzinfo=UTC)
        written = {"receipt_id": place, "source": "listing", "pulled_at": moment, "mode": "snapshot"}
        write_receipt(home, Receipt(**written, state=state, tables=held))
    told = {name: ["x", "x", "x"] for name in ("file", "line", "field", "record_id")}
    write_lake(home, "listing", "_quarantine", **told, reason=[NO_PARENT, "another reason", NO_PARENT])
    before = {row[0]: row[1:] for row in rows(tables()["sources"], "source", *BEFORE)}
    assert before.pop("listing") == (40, 2)
    assert set(before.values()) == {(None, 0)}


def test_what_the_pull_writes_is_what_the_registry_finds(small_programme, tmp_path: Path) -> None:
    programme, home = load_programme(small_programme.folder), tmp_path / "home"
    assert {receipt.state for receipt in pull_programme(programme, home)} == {"landed"}
    built = registry_tables(programme, home, date(2026, 3, 31))
    counts = dict(rows(built["lake_tables"], "source", "row_count"))
    assert counts["listing"] == 8 * 160 and counts["endline_site_a"] == 160
    items = [row for row in rows(built["lake_columns"], "source", "role", "item") if row[1] == "item"]
    assert {item for source, _, item in items if source == "endline_site_a"} == {"reads", "score", "age"}
    assert all(Path(home, path).is_file() for (path,) in rows(built["lake_tables"], "path"))


def test_star_s_registry_keeps_the_lot_and_the_class_attended_apart(tmp_path: Path) -> None:
    built = registry_tables(load_programme(STAR), tmp_path, date(1990, 1, 1))
    rounds = {row[0]: row[1:] for row in rows(built["sources"], "source", "round", "is_randomised", "frame")}
    assert rounds["star_assignment"] == ("randomised", True, "derived")
    assert rounds["star_attended"] == ("attended", False, "derived")
    assert set(rows(built["site_waves"], "state")) == {("frozen",)}
    assert built["expected_cells"].num_rows == 80 * 4 * 4
