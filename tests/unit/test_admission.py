"""Admission: the worst applicable judgement decides, errors withhold, and nothing further loosens it."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from expectations.admission import ADMISSION, admitted_cells

CELL = {"site": "siaya", "wave": "endline", "indicator": "reads", "wave_state": "closed"}
COLUMNS = ("rule", "severity", "site", "wave", "indicator", "state", "reason")


def judgement(state: str, **changes: str | None) -> dict:
    base = {
        "rule": f"rule_{state}",
        "severity": "critical",
        "site": "siaya",
        "wave": "endline",
        "indicator": "*",
    }
    return base | {"state": state, "reason": f"because {state}"} | changes


def admission(*judgements: dict, cells: list[dict] | None = None) -> list[dict]:
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    table = admitted_cells(
        pa.Table.from_pylist(judgements, schema=schema), pa.Table.from_pylist(cells or [CELL])
    )
    assert table.schema == ADMISSION
    return table.to_pylist()


def verdict(*judgements: dict) -> tuple[str, bool]:
    (row,) = admission(*judgements)
    return row["verdict"], row["is_admitted"]


def test_the_worst_applicable_rule_decides():
    assert verdict(judgement("pass")) == ("pass", True)
    assert verdict(judgement("pass"), judgement("warn")) == ("warn", True)
    assert verdict(judgement("warn"), judgement("fail")) == ("fail", False)
    assert verdict(judgement("fail"), judgement("error")) == ("error", False)


def test_a_failure_of_a_warning_rule_warns_but_its_error_withholds():
    assert verdict(judgement("fail", severity="warning")) == ("warn", True)
    assert verdict(judgement("error", severity="warning")) == ("error", False)


def test_a_cell_that_no_rule_judges_is_an_error():
    assert verdict() == ("error", False)
    assert verdict(judgement("not_applicable")) == ("error", False)
    assert verdict(judgement("pass", site="kisumu")) == ("error", False)
    (row,) = admission(cells=[CELL | {"wave_state": "planned"}])
    assert row["reason"] == "no rule applies to this cell; its wave is planned"
    assert row["worst_rule"] is None


def test_a_state_nobody_knows_is_an_error():
    assert verdict(judgement("skipped")) == ("error", False)
    assert verdict(judgement("pass") | {"state": None}) == ("error", False)


def test_a_judgement_touches_the_cells_its_key_matches_and_no_others():
    cells = [
        CELL | {"site": site, "wave": wave, "indicator": indicator}
        for site in "ab"
        for wave in "wv"
        for indicator in "xy"
    ]

    def touched(**key: str) -> int:
        everywhere = judgement("pass", site="*", wave="*", indicator="*")
        rows = admission(everywhere, judgement("fail", **key), cells=cells)
        return sum(row["verdict"] == "fail" for row in rows)

    assert touched(site="a", wave="w", indicator="x") == 1
    assert touched(site="a", wave="w", indicator="*") == 2
    assert touched(site="a", wave="*", indicator="*") == 4
    assert touched(site="*", wave="w", indicator="x") == 2
    assert touched(site="*", wave="*", indicator="*") == 8
    assert touched(site="c", wave="*", indicator="*") == 0
    assert touched(site=None, wave="*", indicator="*") == 8


def test_the_reason_names_the_worst_first_and_counts_the_rest():
    judgements = [judgement("fail", rule=f"f{place}") for place in (4, 2, 3, 1)]
    (row,) = admission(*judgements, judgement("error", rule="z"), judgement("pass"), judgement("warn"))
    assert row["reason"] == "z: because error; f1: because fail; f2: because fail; and 3 more"
    assert row["worst_rule"] == "z"
    (row,) = admission(judgement("pass"), judgement("pass", rule="other"))
    assert row["reason"] == "all 2 applicable judgements pass"


states = st.sampled_from(["pass", "warn", "fail", "error", "not_applicable"])
anything = st.builds(
    lambda state, severity, rule, site, wave, indicator: judgement(
        state, severity=severity, rule=rule, site=site, wave=wave, indicator=indicator
    ),
    states,
    st.sampled_from(["critical", "warning"]),
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from(["siaya", "*", "kisumu"]),
    st.sampled_from(["endline", "*"]),
    st.sampled_from(["reads", "*", "spend"]),
)


@given(st.lists(anything, max_size=8), anything)
def test_a_further_failure_never_admits_a_cell(judgements, further):
    before = {row["site"]: row["is_admitted"] for row in admission(*judgements, judgement("pass"))}
    after = admission(*judgements, judgement("pass"), further)
    assert all(before[row["site"]] or not row["is_admitted"] for row in after)
    failing = further | {
        "state": "fail",
        "severity": "critical",
        "site": "siaya",
        "wave": "*",
        "indicator": "*",
    }
    assert verdict(*judgements, failing)[1] is False


@given(st.lists(anything, max_size=8), st.randoms())
def test_the_order_of_judgements_does_not_matter(judgements, chance):
    cells = [
        CELL | {"site": site, "indicator": indicator}
        for site in ("siaya", "kisumu")
        for indicator in ("reads", "spend")
    ]
    first = admission(*judgements, cells=cells)
    chance.shuffle(judgements)
    chance.shuffle(cells)
    assert admission(*judgements, cells=cells) == first


def test_judgements_alike_in_key_and_rank_are_told_in_one_order():
    softened = judgement("fail", severity="warning", rule="r2", site="*", indicator="*")
    warned = judgement("warn", severity="critical", rule="r2", site="*", indicator="*")
    assert admission(softened, warned, cells=[CELL]) == admission(warned, softened, cells=[CELL])


def of_an_index(*judgements: dict, cells: tuple[str, ...] = ("index", "mood", "spend")) -> dict:
    """The verdict on an index of mood and spend."""
    rows = [
        CELL | {"indicator": name, "components": ["mood", "spend"] if name == "index" else None}
        for name in cells
    ]
    return next(row for row in admission(*judgements, cells=rows) if row["indicator"] == "index")


def test_an_index_is_withheld_with_any_of_its_components():
    fine = [judgement("pass", indicator=name) for name in ("mood", "spend")]
    assert of_an_index(*fine)["verdict"] == "pass"
    row = of_an_index(*fine, judgement("fail", indicator="spend", rule="spend_range"))
    assert (row["verdict"], row["is_admitted"], row["worst_rule"]) == ("fail", False, "spend_range")


def test_an_index_without_judgement_of_a_component_is_an_error():
    row = of_an_index(judgement("pass", indicator="mood"))
    assert row["verdict"] == "error" and "component spend" in row["reason"]
    row = of_an_index(judgement("pass", indicator="mood"), cells=("index", "mood"))
    assert row["verdict"] == "error" and not row["is_admitted"]


def test_a_judgement_of_everything_is_told_of_an_index_once():
    row = of_an_index(judgement("fail", rule="delivered"))
    assert row["reason"] == "delivered: because fail"
