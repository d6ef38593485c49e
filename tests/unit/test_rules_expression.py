"""Check expressions: only the allow-list passes, and what passes is written anew and quoted."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.expression import ExpressionFault, literal, quoted, read_expression

KINDS = {
    "age": "integer",
    "spend": "amount",
    "name": "text",
    "ok": "boolean",
    "seen": "date",
    'we"ird; x': "integer",
}


def find(name: str) -> tuple[str, str, str]:
    item = name.rpartition(".")[2]
    if item not in KINDS:
        raise ExpressionFault(f"there is no item '{name}'", "name an item")
    return "t", item, KINDS[item]


@pytest.mark.parametrize(
    "text",
    [
        "age > 5",
        "t.age between 5 and 18 and not ok",
        "name in ('a', 'b') or name is null",
        "abs(age - spend) <= -(-3.5)",
        "coalesce(age, 0) + 1 <> 2",
        "length(lower(name)) > 2 and upper(name) = 'X'",
        "seen >= '2024-01-01' and seen is not null",
        "ok is true",
        "age > 99999999999999999999999999",
        "age / 0 > 1",
    ],
)
def test_what_the_allow_list_holds_runs_on_any_record(text):
    expression = read_expression(text, find)
    with duckdb.connect() as connection:
        connection.execute(
            "create table t (age bigint, spend double, name varchar, name__text varchar, name__state varchar,"
            " ok boolean, seen date)"
        )
        connection.execute(
            "insert into t values (null, null, null, null, null, null, null),"
            " (9, 1.5, 'a', 'a', 'answered', true, '2024-02-03')"
        )
        assert len(connection.execute(f"select {expression.sql} from t").fetchall()) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age in (select 1)", "'in'"),
        ("exists(select 1)", "'exists'"),
        ("(select 1) = age", "'subquery'"),
        ("select age", "'select'"),
        ("age > 5; drop table x", "one expression"),
        ("", "one expression"),
        ("read_text('/etc/passwd') = name", "'read_text'"),
        ("getenv('HOME') = name", "'getenv'"),
        ("cast(age as varchar) = name", "'cast'"),
        ("name like '%x'", "'like'"),
        ("case when ok then true end", "'case'"),
        ("a.t.age > 5", "not an item"),
        ("age = ?", "'placeholder'"),
        ("age > (select max(age) from lake)", "'subquery'"),
        ("length(name) filter (where true) > 1", "'filter'"),
        ("sum(age) over () > 1", "'window'"),
        ("age.* > 1", "not"),
        ("* > 1", "'star'"),
        ("1 = 1", "names no item"),
        ("age", "not a truth"),
        ("age > 'abc'", "cannot be compared"),
        ("name > 5", "cannot be compared"),
        ("seen > 'yesterday'", "not a date"),
        ("age and ok", "where a truth is needed"),
        ("lower(age) = 'x'", "where a text is needed"),
        ("agee > 1", "there is no item"),
        ("age > 1e999", "too large"),
        ("age >", "cannot be read"),
        ("create table x (a int)", "may not be used"),
        ("copy t to '/tmp/x'", "may not be used"),
        ("not " * 5000 + "ok", ""),
    ],
)
def test_anything_else_is_refused_by_name(text, told):
    with pytest.raises(ExpressionFault) as caught:
        read_expression(text, find)
    assert told in caught.value.message
    assert caught.value.remedy


def test_only_items_that_must_be_answered_are_needed():
    expression = read_expression("age is null or spend > 1 or coalesce(age, 2) > 1", find)
    assert expression.items == (("t", "age"), ("t", "spend"))
    assert expression.needed == (("t", "spend"),)


def test_a_quoted_item_with_odd_characters_stays_one_identifier():
    expression = read_expression('"we""ird; x" > 1', find)
    assert '"we""ird; x"' in expression.sql


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30))
def test_any_text_is_quoted_to_itself(text):
    with duckdb.connect() as connection:
        assert connection.execute(f"select {literal(text)}").fetchone() == (text,)
        cursor = connection.execute(f"select 1 as {quoted('c' + text)}")
        assert cursor.description[0][0] == "c" + text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_arbitrary_text_is_refused_or_rendered_and_never_breaks_the_reader(text):
    try:
        expression = read_expression(text, find)
    except ExpressionFault:
        return
    assert expression.items
