"""A register of costs in two currencies: from a spreadsheet of purchases to what a unit of outcome cost."""

import csv
from pathlib import Path

import pytest

from ingestion.programme.load import check_programme

REGISTER = {
    "source": "costs",
    "role": "register",
    "register": "costs",
    "platform": "csv",
    "wave": {"column": "period", "map": {"2025": "endline"}},
    "pull": {"drop": "costs/*.csv"},
    "columns": {
        "site": "place",
        "amount": "spent",
        "currency": "money",
        "price_year": "year",
        "category": {
            "column": "kind",
            "map": {"salaries": "staff", "books": "materials", "study": "evaluation"},
        },
        "behaviour": {"column": "sort", "map": {"F": "fixed", "V": "variable"}},
        "participants": "children",
    },
}
MONEY = {
    "currency": {"base": "USD", "price_year": 2025},
    "money": {
        "exchange": [
            {"currency": "KES", "year": 2025, "per_base": 125, "dated": "2026-01-05", "ground": "a bank"}
        ],
        "deflators": [
            {"currency": "KES", "year": year, "index": index, "dated": "2026-01-05", "ground": "prices"}
            for year, index in ((2024, 100), (2025, 104))
        ],
    },
}


def bought(site: str, **row: object) -> dict[str, object]:
    """One purchase."""
    common = {"place": site, "period": "2025", "spent": "1000", "money": "USD", "year": "2025"}
    return common | {"kind": "books", "sort": "V", "children": ""} | row


def purchases(sites: list[str]) -> list[dict[str, object]]:
    """Every site buys books twice; one pays salaries in last year's shillings; six rows are no good."""
    first = sites[0]
    return [
        *(bought(site) for site in sites for _ in range(2)),
        bought(first, spent="125000", money="KES", year="2024", kind="salaries", sort="F"),
        bought(first, spent="700", kind="study"),
        bought(first, spent="-5"),
        bought(first, spent="much"),
        bought(first, spent=""),
        bought(first, money="UGX"),
        bought("nowhere"),
        bought(first, kind="gifts"),
    ]


@pytest.fixture(scope="module")
def night(tmp_path_factory, write_small, sitewise):
    """The small programme with a register of costs, after one night."""
    folder = tmp_path_factory.mktemp("costs")
    programme = write_small(folder / "programme")
    sites = [site["site"] for site in programme.read("sites.yml")]
    programme.write("programme.yml", programme.read("programme.yml") | MONEY)
    programme.add("sources.yml", REGISTER)
    rows = purchases(sites)
    (programme.folder / "costs").mkdir()
    with (programme.folder / "costs/2025.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = sitewise(folder / "home", "nightly", "--programme", programme.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home", sites


def test_purchases_become_costs_in_the_programmes_prices(night, published) -> None:
    home, sites = night
    query = (
        "select site, value, rows_set_aside_count, state from cost_effectiveness where indicator = 'score'"
    )
    found = {
        row[0]: row[1:]
        for row in published(home, f"{query} and measure = 'total_cost' and site <> 'network'")
    }
    assert found[sites[0]] == (pytest.approx(2000 + 125000 * 1.04 / 125, rel=1e-9), 5, "incomplete")
    assert {found[site] for site in sites[1:]} == {(2000.0, 1, "incomplete")}


def test_a_row_whose_code_the_map_does_not_know_waits_in_quarantine(night) -> None:
    import polars as pl

    home, _ = night
    aside = pl.read_parquet(home / "lake/costs/_quarantine.parquet")
    assert aside["reason"].to_list() == ["the value in column 'kind' is not in the map of columns.category"]


def test_evaluation_is_told_beside_and_participants_are_the_frames(night, published) -> None:
    home, sites = night
    query = f"""select measure, value, n, participants_basis from cost_effectiveness
        where indicator = 'score' and site = '{sites[0]}'"""
    found = {row[0]: row[1:] for row in published(home, query)}
    assert found["evaluation_cost"][0] == 700.0
    assert found["cost_per_participant"] == (pytest.approx((2000 + 1040) / 80, rel=1e-9), 80, "frame")
    assert found["fixed_share"][0] == pytest.approx(100 * 1040 / 3040, rel=1e-9)


def test_both_stages_and_their_curve_are_published(night, published) -> None:
    home, _ = night
    query = """select e.value, e.value_low, e.value_high, r.retention * p.value / s.value
        from cost_effectiveness as e
        join effect_retention as r using (analysis, indicator, wave)
        join cost_effectiveness as p on p.measure = 'cost_per_participant' and p.site = 'network'
            and p.stage = 'pilot' and p.indicator = e.indicator and p.analysis = e.analysis
        join cost_effectiveness as s on s.measure = 'cost_per_participant' and s.site = 'network'
            and s.stage = 'scaled' and s.indicator = e.indicator and s.analysis = e.analysis
        where e.measure = 'cost_effectiveness_retention' and e.indicator = 'score'"""
    ((kept, low, high, expected),) = published(home, query)
    assert kept == pytest.approx(expected, rel=1e-9) and low < kept < high
    curve = published(home, "select measure, state from cost_curve order by all")
    assert ("elasticity", "same_scale") in curve and ("marginal_cost", "same_scale") in curve


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wave": None}, "a register of costs needs 'wave'"),
        ({"role": "survey"}, "'register' has no meaning for a source with role survey"),
        ({"columns": {"price": "spent"}}, "the column 'price' is not declared"),
        (
            {"columns": {"category": {"column": "kind", "map": {"x": "gifts"}}}},
            "'gifts' is no category of costs",
        ),
        (
            {"keys": {"unit": "child", "site": "place"}},
            "'keys' has no meaning for a register of costs, which tells of no people",
        ),
        (
            {"indicators": ["score"]},
            "'indicators' has no meaning for a register of costs, which tells of no people",
        ),
    ],
)
def test_a_register_that_makes_no_sense_is_refused_in_words(
    tmp_path: Path, write_small, change, said
) -> None:
    programme = write_small(tmp_path)
    programme.write("programme.yml", programme.read("programme.yml") | MONEY)
    entry = {key: value for key, value in (REGISTER | change).items() if value is not None}
    programme.add("sources.yml", entry)
    messages = [fault.message for fault in check_programme(tmp_path) if fault.severity == "error"]
    assert said in messages


def test_costs_without_a_currency_are_refused(tmp_path: Path, write_small) -> None:
    programme = write_small(tmp_path)
    programme.add("sources.yml", REGISTER)
    messages = [fault.message for fault in check_programme(tmp_path)]
    assert "costs are counted in the programme's currency, and it names none" in messages
