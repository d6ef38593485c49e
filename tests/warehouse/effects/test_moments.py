"""The moments are exact: they add up, repeat to the byte, and hold exactly the units an analysis asks for."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

ALL = "select * from moments.int_moments order by all"
KEY = "analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level, term_a, term_b"


def units(count: int = 60, seed: int = 1, offset: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    return pd.DataFrame(
        {
            "unit_key": [f"u{i:03}" for i in index],
            "site": np.where(index % 2 == 0, "north", "south"),
            "arm": np.where(index // 4 % 2 == 0, "treatment", "control"),
            "cluster_id": [f"c{i // 4}" for i in index],
            "block_id": np.where(index < count // 2, "b1", "b2"),
            "weight": np.round(rng.uniform(0.5, 2, count), 6),
            "value_steps": rng.integers(-500, 500, count) + offset,
            "baseline_steps": pd.array(np.where(index % 5 == 0, None, index), dtype="Int64"),
        }
    )


@pytest.fixture
def moments(effects_warehouse):
    def built(rows: pd.DataFrame, threads: int = 2, indicator: dict | None = None):
        warehouse = effects_warehouse(threads)
        warehouse.programme({"north": "pilot", "south": "scaled"}, [indicator or {}])
        warehouse.units(rows)
        warehouse.build("moments")
        return warehouse

    return built


def test_moments_of_two_halves_add_up_to_the_whole_exactly(moments):
    rows = units(offset=10**11)  # 1e9 in hundredths: squares of 1e22, far beyond what a double holds

    def sums(part: pd.DataFrame) -> Counter[tuple[tuple[str, ...], str]]:
        found = moments(part).connection.execute(
            f"select ({KEY})::varchar, n, product_sum from moments.int_moments"
        )
        return Counter(
            {
                (key, name): int(x)
                for key, *pair in found.fetchall()
                for name, x in zip("nw", pair, strict=True)
            }
        )

    first, second = sums(rows[::3]), sums(rows.drop(rows.index[::3]))
    assert all(isinstance(value, int) for value in first.values())
    first.update(second)
    assert first == sums(rows)


def test_neither_the_order_of_rows_nor_the_number_of_threads_changes_a_byte(moments):
    rows = units(count=3000)
    once = moments(rows, threads=1).connection.execute(ALL).fetchall()
    again = moments(rows.sample(frac=1, random_state=3), threads=2).connection.execute(ALL).fetchall()
    assert once == again


def test_a_cell_holds_the_weighted_products_of_its_units(moments):
    rows = units()
    cell = rows[(rows.cluster_id == "c2") & (rows.site == "north")]
    found = dict(
        moments(rows)
        .connection.execute("""
            select term_a || ' ' || term_b, (n, product_sum::hugeint) from moments.int_moments
            where cluster_id = 'c2' and site = 'north'
        """)
        .fetchall()
    )
    weight = (cell.weight * 1_000_000).round().astype(int)
    known = cell[cell.baseline_steps.notna()]
    assert found["one one"] == (len(cell), int(weight.sum()))
    assert found["outcome outcome"] == (len(cell), int((weight * cell.value_steps**2).sum()))
    assert found["outcome baseline"] == (
        len(known),
        int((weight[known.index] * known.value_steps * known.baseline_steps).sum()),
    )
    assert not any("exposure" in pair for pair in found)


def test_a_rate_divides_by_weighted_exposure(moments):
    rows = units().assign(exposure_steps=lambda u: u.index % 7 + 1, weight=1)
    built = moments(rows, indicator={"statistic": "rate"})
    ratio = built.rows("""
        select sum(total) / sum(mass) as ratio
        from moments.int_cell_moments where arm = 'treatment' and site = 'north'
    """).ratio[0]
    arm = rows[(rows.arm == "treatment") & (rows.site == "north")]
    assert ratio == pytest.approx(arm.value_steps.sum() / arm.exposure_steps.sum(), rel=1e-12)


def counted(warehouse) -> int:
    warehouse.build("moments")
    return int(
        warehouse.rows("select coalesce(sum(n), 0) as n from moments.int_cell_moments where level = 'all'").n[
            0
        ]
    )


def test_a_withheld_cell_contributes_nothing_even_to_its_neighbours(moments):
    warehouse = moments(units().assign(site_found=lambda u: np.where(u.index < 6, "south", u.site)))
    assert counted(warehouse) == 60
    warehouse.connection.execute("update quality.admission set is_admitted = false where site = 'south'")
    assert counted(warehouse) == 27  # 30 of the north's frame, three of whom were measured in the south


def test_replacements_and_other_cohorts_stay_out_unless_asked_for(moments):
    rows = units().assign(
        is_replacement=lambda u: u.index < 10, cohort=lambda u: np.where(u.index < 40, "first", "x")
    )
    warehouse = moments(rows)
    assert counted(warehouse) == 50
    warehouse.insert("registry.analysis_cohorts", [{"analysis": "main", "cohort": "first"}])
    assert counted(warehouse) == 30
    warehouse.connection.execute("update registry.analyses set replacements = 'include'")
    assert counted(warehouse) == 40


def test_a_dated_frame_row_takes_the_place_of_the_timeless_one(moments):
    warehouse = moments(units())
    warehouse.insert(
        "frame.int_frame",
        [{"unit_key": "u000", "site": "north", "arm": "control", "cluster_id": "moved", "wave": "endline"}],
    )
    assert counted(warehouse) == 60
    assert warehouse.rows("select n from moments.int_cell_moments where cluster_id = 'moved'").n.tolist() == [
        1
    ]


def test_subgroups_come_from_the_frame_and_only_where_the_indicator_asks(moments):
    warehouse = moments(units())
    groups = [
        {
            "round": "randomised",
            "unit_key": f"u{i:03}",
            "dimension": "female",
            "level": "girl" if i % 3 else "boy",
        }
        for i in range(60)
    ]
    warehouse.insert("frame.int_subgroups", groups)
    assert set(warehouse.rows("select dimension from moments.int_moments").dimension) == {"all"}
    warehouse.insert("registry.indicator_subgroups", [{"indicator": "score", "dimension": "female"}])
    warehouse.build("moments")
    levels = warehouse.rows(
        "select level, sum(n)::int as n from moments.int_cell_moments group by all order by all"
    )
    assert dict(zip(levels.level, levels.n, strict=True)) == {"all": 60, "boy": 20, "girl": 40}


def test_as_long_as_one_wave_is_open_at_one_site_no_arm_is_told_apart(moments):
    warehouse = moments(units())
    warehouse.connection.execute("update registry.site_waves set state = 'in_field' where site = 'south'")
    assert counted(warehouse) == 60
    assert set(warehouse.rows("select arm from moments.int_moments").arm) == {"pooled"}


def test_values_a_billion_away_from_zero_keep_their_spread_to_the_last_digit(moments):
    near, far = (moments(units(offset=offset)) for offset in (0, 10**11))
    for warehouse in (near, far):
        warehouse.build("fits", "int_site_effects")
    query = """
        select estimate, estimate_se, df, sd_control, sd_pooled
        from effects.int_site_effects where measure = 'difference'
    """
    pd.testing.assert_frame_equal(near.rows(query), far.rows(query), rtol=1e-12)
