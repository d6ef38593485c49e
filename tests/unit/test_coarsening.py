"""Places are moved to the centre of a cell, whatever way they are written, and never told more exactly."""

from decimal import ROUND_FLOOR, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.door.coarsening import coarsened, grid_of, is_beside_the_place, unreadable

TENTH = Decimal("0.1")
GRIDS = st.sampled_from([Decimal(text) for text in ("0.001", "0.01", "0.05", "0.1", "0.25", "0.7", "1", "7")])


def _coarse(text: str | None, grid: Decimal = TENTH, column: str = "gps") -> str | None:
    cells = pl.LazyFrame({column: [text]}, schema={column: pl.String})
    (cell,) = coarsened(cells, {column: grid}).collect()[column]
    return cell


def _places(limit: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(-limit, limit, places=7, allow_nan=False)


@given(_places(90), _places(180), GRIDS)
def test_a_point_becomes_the_centre_of_its_cell_and_then_stays(latitude, longitude, grid) -> None:
    coarse = _coarse(f"{latitude} {longitude} 1523.4 4.9", grid)
    assert coarse is not None and _coarse(coarse, grid) == coarse
    for limit, before, after in zip((90, 180), (latitude, longitude), coarse.split(), strict=True):
        assert abs(Decimal(after) - before) <= grid and abs(Decimal(after)) <= limit
        cell = (before / grid).to_integral_value(ROUND_FLOOR)
        centre = (cell + Decimal("0.5")) * grid
        if abs(centre) <= limit:
            assert Decimal(after) == centre or before == limit


@pytest.mark.parametrize(
    "text",
    [
        "-1.2921 36.8219 1661.2 4.9",
        "-1.2921 36.8219 0 0;",
        "-1.2921 36.8219",
        " -1.2921,36.8219 ",
        "-1.2921, 36.8219, 1661",
        "[-1.2921, 36.8219]",
        "-1.2921;36.8219",
        "-1.2921;36.8219;Some Street;Nairobi;;;00100",
        "POINT (36.8219 -1.2921 1661)",
    ],
)
def test_a_point_is_read_however_platforms_write_it_and_nothing_else_of_it_stays(text) -> None:
    assert _coarse(text) == "-1.25 36.85"


def test_numbers_that_stand_alone_are_made_coarse_by_what_they_measure() -> None:
    assert _coarse("-1.2921", column="gps-Latitude") == "-1.25"
    assert _coarse("136.8219", column="gps-Longitude") == "136.85"
    assert _coarse("136.8219", column="gps-Latitude") is None
    assert _coarse("1,25", column="gps-Latitude") is None
    assert _coarse("0.3") == "0.35" and _coarse("-0.3") == "-0.25" and _coarse("36", Decimal(1)) == "36.5"


def test_what_is_no_place_is_lost_and_counted_but_blanks_are_not() -> None:
    lines = "1.1 2.2 0 0; 1.2 2.3 0 0"
    texts = ["at the mosque", "91.5 10.1", "1.5 2.5", None, "", lines, "1,25 36,82", "-1.2921S 36.8219E"]
    cells = pl.LazyFrame({"gps": texts, "place": texts})
    kept = coarsened(cells, {"gps": TENTH}).collect()
    assert kept["gps"].to_list() == [None, None, "1.55 2.55", None, None, None, None, None]
    assert kept["place"].to_list() == texts
    assert unreadable(cells, {"gps": TENTH}) == {"gps": 5}
    assert unreadable(cells, {}) == {}


@given(st.text(max_size=40))
def test_no_text_ever_leaves_the_grid(text) -> None:
    coarse = _coarse(text)
    assert coarse is None or all(
        abs(Decimal(part)) % TENTH == Decimal("0.05") or abs(Decimal(part)) in (90, 180)
        for part in coarse.split()
    )


@pytest.mark.parametrize(
    "column",
    ["gps", "gps-Latitude", "_gps_longitude", "gps-Altitude", "gps-Accuracy", "_gps_precision"],
)
def test_a_question_covers_the_columns_it_is_exported_as(column) -> None:
    assert grid_of(column, {"gps": TENTH}) == TENTH
    assert grid_of(f"group/{column}", {"*/gps": TENTH, "gps": Decimal(1)}) == TENTH
    assert grid_of(column, {"gp": TENTH}) is None
    assert is_beside_the_place(column) == (
        column.lower().rpartition("_")[2] not in ("gps", "longitude")
        and column not in ("gps", "gps-Latitude")
    )


def test_the_exact_name_goes_before_a_glob() -> None:
    assert grid_of("gps", {"*": Decimal(1), "gps": TENTH}) == TENTH
    assert grid_of("_geolocation_latitude", {"_geolocation": TENTH}) == TENTH
