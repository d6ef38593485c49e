"""Repeats written side by side are folded as told, and not otherwise."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.formats.wide_repeats import LINE, PARENT_ROW, ROW, fold_repeats, folded_columns


def frame(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))


def test_numbered_columns_become_rows_of_those_who_are_there() -> None:
    cells = frame(
        key=["a", "b"], age_1=["3", None], age_2=["5", None], name_2=["x", None], age_3=[None, None]
    )
    folded = fold_repeats(cells, {"child": ["age", "name"]})["child"]
    assert folded.rows() == [(0, "/child[1]", None, "3", None), (0, "/child[2]", None, "5", "x")]
    assert folded.columns == [LINE, ROW, PARENT_ROW, "age", "name"]


def test_a_repeat_within_a_repeat_hangs_on_its_entry() -> None:
    cells = frame(name_1=["x", None], test_1_1=["7", None], test_1_2=["8", None], test_2_1=[None, "9"])
    folded = fold_repeats(cells, {"child": ["name"], "score": ["test"]}, {"score": "child"})
    assert folded["score"].rows() == [
        (0, "/child[1]/score[1]", "/child[1]", "7"),
        (0, "/child[1]/score[2]", "/child[1]", "8"),
        (1, "/child[2]/score[1]", "/child[2]", "9"),
    ]
    assert folded["child"].rows() == [(0, "/child[1]", None, "x"), (1, "/child[2]", None, None)]


def test_what_is_not_told_stays_as_it_is() -> None:
    columns = ["key", "item_1", "item_2", "age_1", "age_0", "age_01", "age_x", "age_1_1", "age"]
    assert folded_columns(columns, {"child": ["age"]}) == {"age_1"}
    assert fold_repeats(frame(age_1=["3"]), {}) == {}


def test_a_number_at_the_end_of_a_questions_own_name_is_its_own() -> None:
    cells = frame(q_1=["own"], q_1_1=["first"], q_1_2=["second"])
    assert folded_columns(cells.columns, {"child": ["q_1"]}) == {"q_1_1", "q_1_2"}
    folded = fold_repeats(cells, {"child": ["q_1"]})["child"]
    assert folded["q_1"].to_list() == ["first", "second"]
    both = fold_repeats(cells, {"child": ["q"], "test": ["q_1"]}, {"test": "child"})
    assert both["test"].height == 0, "with q in a repeat around it, q_1_1 is the first q_1 of no one"


def test_a_repeat_that_no_one_has_is_an_empty_table() -> None:
    folded = fold_repeats(frame(key=["a"]), {"child": ["age"]})["child"]
    assert folded.height == 0 and folded.columns[-1] == "age"


@pytest.mark.parametrize(
    ("repeats", "parents"),
    [
        ({"child": ["age"]}, {"child": "home"}),
        ({"child": ["age"], "home": ["x"]}, {"child": "home", "home": "child"}),
        ({"child": ["age"], "home": ["age"]}, {}),
    ],
)
def test_repeats_that_contradict_each_other_are_refused(repeats, parents) -> None:
    with pytest.raises(ValueError):
        fold_repeats(frame(age_1=["3"]), repeats, parents)


HOUSEHOLDS = st.lists(
    st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=2), st.lists(st.text("xy", min_size=1), max_size=3)),
        max_size=4,
    ),
    max_size=5,
)


@given(HOUSEHOLDS)
def test_folding_gives_back_what_was_written_side_by_side(households) -> None:
    wide = [{} for _ in households]
    expected_kids, expected_tests = [], []
    for line, kids in enumerate(households):
        for place, (name, tests) in enumerate(kids, start=1):
            wide[line][f"name_{place}"] = name
            expected_kids.append((line, f"/kid[{place}]", None, name))
            for turn, test in enumerate(tests, start=1):
                wide[line][f"test_{place}_{turn}"] = test
                expected_tests.append((line, f"/kid[{place}]/exam[{turn}]", f"/kid[{place}]", test))
    columns = sorted({name for row in wide for name in row}) or ["key"]
    cells = frame(**{name: [row.get(name) for row in wide] for name in columns})
    folded = fold_repeats(cells, {"kid": ["name"], "exam": ["test"]}, {"exam": "kid"})
    assert folded["kid"].rows() == expected_kids
    assert folded["exam"].rows() == expected_tests
