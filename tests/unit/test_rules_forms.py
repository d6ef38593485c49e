"""Rules that forms state are measured where their questions lie, listed elsewhere, and withhold nothing."""

import pyarrow as pa
import pytest

from expectations.admission import admitted_cells
from expectations.compile import rule_tables
from expectations.expression import ExpressionFault
from expectations.form_expression import read_form_expression
from expectations.rule import load_rules, shipped_rules_folder
from ingestion.programme.entries import read_entries
from ingestion.programme.registry_schemas import registry_table

STATED = ("form_constraint", "form_relevance", "form_required")
ITEMS = {"age": "integer", "sex": "select_one", "born": "date", "name": "text", "twice": "text"}


def registry(stated, lake, parents=()):
    """One instrument: statements as (path, item, kind, expression), lake tables with their items."""
    place = {"source": "survey"}
    rows = {
        "items": [{"instrument": "f", "item": item, "item_type": kind} for item, kind in ITEMS.items()],
        "item_codes": [],
        "waves": [{"wave": "endline"}],
        "indicator_terms": [],
        "lake_tables": [
            place | {"lake_table": name, "parent_table": dict(parents).get(name)} for name in lake
        ],
        "lake_columns": [
            place | {"lake_table": name, "column_name": item, "role": "item", "instrument": "f", "item": item}
            for name, items in lake.items()
            for item in items
        ],
        "form_expressions": [
            {"instrument": "f", "path": path, "kind": kind, "item": item, "source_text": "?"}
            | {"expression": expression}
            for path, item, kind, expression in stated
        ],
    }
    return {name: registry_table(name, listed) for name, listed in rows.items()}


def compiled(stated, lake, parents=()):
    files = sorted(shipped_rules_folder().glob("*.yml"))
    return rule_tables(
        load_rules([entry for path in files for entry in read_entries(path)]), registry(stated, lake, parents)
    )


def rules_of_forms(tables):
    return [row for row in tables["rules"].to_pylist() if row["rule_type"] in STATED]


def test_each_statement_is_a_rule_of_its_own_that_warns_and_quotes_the_form():
    stated = [("g/age", "age", "constraint", 'number("age") > 1'), ("g/sex", "sex", "required", "true")]
    tables = compiled(stated, {"main": ["age", "sex"]})
    told = [(row["rule"], row["severity"], row["item"]) for row in rules_of_forms(tables)]
    assert told == [
        ("form_constraints_kept__f__age", "warning", "age"),
        ("form_questions_answered__f__sex", "warning", "sex"),
    ]
    assert rules_of_forms(tables)[0]["description"].endswith("(f.age): ?")
    assert [row["why_not_measured"] for row in tables["form_rules"].to_pylist()] == [None, None]


def test_a_row_of_a_repeat_reads_its_own_answer_before_that_of_its_record():
    stated = [("age", "age", "constraint", 'number("age") > 1 and "sex" = \'m\' and "name" = \'\'')]
    lake = {"main": ["sex", "name"], "visits": ["sex"], "tests": ["age", "name"]}
    tables = compiled(stated, lake, parents=[("visits", "main"), ("tests", "visits")])
    inputs = [tuple(row.values()) for row in tables["rule_inputs"].to_pylist()]
    assert inputs == [
        ("survey", "tests", "age", "tests"),
        ("survey", "tests", "name", "tests"),
        ("survey", "tests", "sex", "visits"),
    ]


@pytest.mark.parametrize(
    ("lake", "why"),
    [
        ({"main": ["sex"]}, "its question is not in the lake"),
        ({"main": ["age"]}, "it speaks of what is not in the lake beside it: sex"),
        ({"main": ["age"], "visits": ["sex"]}, "it speaks of what is not in the lake beside it: sex"),
    ],
)
def test_a_statement_that_the_lake_cannot_tell_is_listed_and_is_no_rule(lake, why):
    stated = [("age", "age", "relevance", "\"sex\" = 'm'")]
    tables = compiled(stated, lake, parents=[("visits", "main")])
    (row,) = tables["form_rules"].to_pylist()
    assert (row["rule"], row["why_not_measured"]) == (None, why)
    assert rules_of_forms(tables) == []


def test_statements_of_two_questions_that_feed_one_item_are_not_held_against_each_other():
    stated = [(path, "twice", "constraint", "\"twice\" = 'x'") for path in ("a", "b")]
    rows = compiled(stated, {"main": ["twice"]})["form_rules"].to_pylist()
    assert [(row["path"], row["why_not_measured"]) for row in rows] == [
        (path, "its item is fed by several questions of the form") for path in ("a", "b")
    ]


def test_an_expression_that_cannot_be_read_is_listed_and_stops_no_other():
    stated = [("age", "age", "constraint", "number(age) > sex"), ("sex", "sex", "constraint", "sex <> ''")]
    rows = compiled(stated, {"main": ["age", "sex"]})["form_rules"].to_pylist()
    assert [row["why_not_measured"] for row in rows] == ["a number > a text has no meaning", None]


def test_what_concerns_no_indicator_touches_no_cell():
    names = ("rule", "severity", "site", "wave", "indicator", "state", "reason")
    judged = [("form", "warning", "a", "w", "-", state, "x") for state in ("warn", "error")]
    judged.append(("other", "critical", "a", "w", "*", "pass", "y"))
    judgements = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in judged])
    cells = pa.Table.from_pylist([{"site": "a", "wave": "w", "indicator": "i", "wave_state": "closed"}])
    (row,) = admitted_cells(judgements, cells).to_pylist()
    assert (row["verdict"], row["is_admitted"], row["worst_rule"]) == ("pass", True, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("number(age) in (select 1)", "'in' may not be used"),
        ("read_text('/etc/passwd') = name", "'read_text' may not be used"),
        ("cast(age as varchar) = name", "'cast' may not be used"),
        ("f.age = '1'", "is not an item"),
        ("number(age) > 1; drop table x", "not exactly one expression"),
        ("number(age)", "a number stands where a truth is needed"),
        ("selected(sex, name)", "needs a fixed text"),
        ("selected(sex, 'a,b')", "a code with a comma"),
        ("matches(name, '[')", "its pattern is of a kind"),
        ("number(age) > 1e999", "too large"),
        ("if(sex = '', true)", "has no other end"),
        ("length(name, name) = 1", "takes 1 values|cannot be read"),
        ("height = ''", "there is no item 'height'"),
    ],
)
def test_a_form_can_say_nothing_beyond_the_allow_list(text, told):
    def find(name):
        if name not in ITEMS:
            raise ExpressionFault(f"there is no item '{name}'", "")
        return "f", name, ITEMS[name]

    with pytest.raises(ExpressionFault, match=told):
        read_form_expression(text, find)


FORM = """type,name,constraint,relevant
select_one yn,reads,,${age} > 5
integer,score,. <= 60,"pulldata('schools', 'open', 'id', ${age}) = 1"
integer,age,,
"""


def test_the_check_of_a_programme_tells_what_its_forms_state_and_no_rule_can_judge(
    small_programme, sitewise, tmp_path
):
    folder = small_programme.folder / "forms"
    folder.mkdir()
    (folder / "survey.csv").write_text(FORM)
    (folder / "choices.csv").write_text("list_name,name\nyn,1\nyn,0\n")
    instrument = small_programme.read("instruments/child_test.yml")
    small_programme.write("instruments/child_test.yml", instrument | {"definition": "forms/survey.csv"})
    done = sitewise(tmp_path / "home", "check", "--programme", small_programme.folder)
    assert done.returncode == 0, done.stdout
    told = "1 of the form's own rules are not judged: 'pulldata' looks into a list outside the record (score)"
    assert f"forms/survey.csv: {told}" in " ".join(done.stdout.split())
