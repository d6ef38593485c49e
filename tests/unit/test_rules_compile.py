"""Rules as SQL: the terms count what the rules say, on a real database, and unmeasured items get none."""

import duckdb
import pyarrow as pa
import pytest

from expectations.compile import RULE_TERMS, RULES, rule_tables
from expectations.fault import RuleFaults
from expectations.rule import load_rules, shipped_rules_folder
from ingestion.programme.entries import read_entries

ITEMS = [
    # item, type, min, max, required
    ("age", "integer", 5.0, 18.0, True),
    ("spend", "amount", None, None, False),
    ("reads", "boolean", None, None, False),
    ("grade", "select_one", None, None, False),
    ("helpers", "select_multiple", None, None, False),
    ("remark", "text", None, None, False),
    ("seen", "date", None, None, False),
    ('od"d; drop', "integer", 0.0, 9.0, False),
]
CODES = {"reads": ["1", "0"], "grade": ["1", "two", "it's"], "helpers": ["a", "b"]}


def registry(
    tables: dict[tuple[str, str], list[str]] | None = None, parents: tuple[str, ...] = ()
) -> dict[str, pa.Table]:
    tables = {("survey", "main"): [name for name, *_ in ITEMS]} if tables is None else tables
    names = ("item", "item_type", "min_value", "max_value", "is_required")
    return {
        "items": pa.Table.from_pylist(
            [{"instrument": "t"} | dict(zip(names, item, strict=True)) for item in ITEMS]
        ),
        "item_codes": pa.Table.from_pylist(
            [
                {"instrument": "t", "item": item, "code": code}
                for item, codes in CODES.items()
                for code in codes
            ]
        ),
        "lake_columns": pa.Table.from_pylist(
            [
                {"source": source, "lake_table": table, "role": "item", "instrument": "t", "item": item}
                for (source, table), items in tables.items()
                for item in items
            ]
        ),
        "lake_tables": pa.Table.from_pylist(
            [
                {"source": source, "lake_table": table, "parent_table": "main" if table in parents else None}
                for source, table in tables
            ],
            schema=pa.schema([(name, pa.string()) for name in ("source", "lake_table", "parent_table")]),
        ),
        "waves": pa.table({"wave": ["baseline", "endline"]}),
        "indicator_terms": pa.Table.from_pylist(
            [{"instrument": "t", "item": item} for item, *_ in ITEMS if item != "seen"]
        ),
    }


def own(tmp_path, *rules: str):
    path = tmp_path / "own.yml"
    tail = "severity: critical, threshold_pct: 2, set_by: me, set_on: 2026-01-01, ground: test}\n"
    path.write_text("".join(f"- {{{rule}, {tail}" for rule in rules))
    return load_rules(read_entries(path))


def shipped():
    return load_rules(
        [entry for path in sorted(shipped_rules_folder().glob("*.yml")) for entry in read_entries(path)]
    )


ANSWERED, BLANK, MISSING, UNREADABLE = "answered", "blank", "missing_code", "unreadable"


def counts(terms: pa.Table, rule: str, cells: list[dict]) -> tuple[int, int]:
    """(violations, denominator) of one rule over records given as item -> (typed, text, state)."""
    (term,) = [row for row in terms.to_pylist() if row["rule"] == rule]
    with duckdb.connect() as connection:
        names = list(cells[0])
        columns = ", ".join(
            f'"{name.replace(chr(34), chr(34) * 2)}{suffix}" {kind}'
            for name in names
            for suffix, kind in (("", TYPES[name]), ("__text", "varchar"), ("__state", "varchar"))
        )
        connection.execute(f'create table records ({columns}, "_sw_disposition" varchar)')
        for record in cells:
            values = [part for name in names for part in record[name]] + [None]
            connection.execute(f"insert into records values ({', '.join('?' * len(values))})", values)
        found = connection.execute(
            f"select count_if({term['violation_sql']}), count_if({term['applicable_sql']}) from records"
        ).fetchone()
    return int(found[0]), int(found[1])


TYPES = {"age": "bigint", "spend": "double", "reads": "boolean", "grade": "varchar", "helpers": "varchar"} | {
    "remark": "varchar",
    "seen": "date",
    'od"d; drop': "bigint",
}


def test_generic_rules_fan_out_over_the_items_they_can_fail_on():
    tables = rule_tables(shipped(), registry())
    assert tables["rules"].schema == RULES
    assert tables["rule_terms"].schema == RULE_TERMS
    names = tables["rules"].column("rule").to_pylist()
    assert names == sorted(names)
    assert [name for name in names if name.startswith("required_")] == ["required_questions_answered__t__age"]
    assert {name for name in names if name.startswith("values_in_range")} == {
        "values_in_range__t__age",
        'values_in_range__t__od"d; drop',
    }
    assert {name for name in names if name.startswith("values_allowed")} == {
        f"values_allowed__t__{item}" for item in CODES
    }
    assert "values_readable__t__remark" not in names
    assert "values_readable__t__seen" not in names, "no indicator reads it"


def test_terms_count_what_the_rules_say():
    terms = rule_tables(shipped(), registry())["rule_terms"]
    ages = [
        (7, "7", ANSWERED),
        (99, "99", ANSWERED),
        (None, "-99", MISSING),
        (None, None, BLANK),
        (None, "x", UNREADABLE),
    ]
    cells = [{"age": age} for age in ages]
    assert counts(terms, "values_in_range__t__age", cells) == (1, 2)
    assert counts(terms, "values_readable__t__age", cells) == (1, 3)
    assert counts(terms, "required_questions_answered__t__age", cells) == (3, 5)
    grades = [("1", "1", ANSWERED), ("it's", "it's", ANSWERED), (None, "7", UNREADABLE), (None, None, BLANK)]
    assert counts(terms, "values_allowed__t__grade", [{"grade": grade} for grade in grades]) == (1, 3)
    helpers = [("a b", "a  b", ANSWERED), ("a z", "a z", ANSWERED)]
    assert counts(terms, "values_allowed__t__helpers", [{"helpers": helper} for helper in helpers]) == (1, 2)
    odd = [{'od"d; drop': (10, "10", ANSWERED)}]
    assert counts(terms, 'values_in_range__t__od"d; drop', odd) == (1, 1)


def test_an_item_without_a_column_keeps_its_rule_and_gets_no_term():
    tables = rule_tables(shipped(), registry({("survey", "main"): ["spend"]}))
    assert "values_in_range__t__age" in tables["rules"].column("rule").to_pylist()
    assert "values_in_range__t__age" not in tables["rule_terms"].column("rule").to_pylist()


def test_each_source_that_feeds_an_item_gets_its_own_term():
    fed = {("kobo", "main"): ["age"], ("odk", "visits"): ["age"], ("redcap", "main"): ["spend"]}
    terms = rule_tables(shipped(), registry(fed, parents=("visits",)))["rule_terms"].to_pylist()
    required = {row["source"]: row["applicable_sql"] for row in terms if row["rule"].startswith("required_")}
    assert set(required) == {"kobo", "odk"}
    assert required["odk"] == "true"


def test_a_rule_of_some_waves_has_a_row_for_each(tmp_path):
    rules = own(tmp_path, "rule: ages, type: range, item: age, max: 17, waves: [endline, baseline]")
    tables = rule_tables(rules, registry())
    assert tables["rules"].column("wave").to_pylist() == ["baseline", "endline"]
    assert tables["rule_terms"].num_rows == 1


def test_a_check_counts_records_where_it_is_not_true_or_not_known(tmp_path):
    rules = own(tmp_path, "rule: grown, type: check, item: spend, expression: t.spend <= 2 * age and reads")
    terms = rule_tables(rules, registry())["rule_terms"]
    yes, no = (True, "1", ANSWERED), (False, "0", ANSWERED)
    cells = [
        {"spend": (10.0, "10", ANSWERED), "age": (7, "7", ANSWERED), "reads": yes},
        {"spend": (15.0, "15", ANSWERED), "age": (7, "7", ANSWERED), "reads": yes},
        {"spend": (10.0, "10", ANSWERED), "age": (7, "7", ANSWERED), "reads": no},
        {"spend": (10.0, "10", ANSWERED), "age": (None, None, BLANK), "reads": yes},
    ]
    assert counts(terms, "grown", cells) == (2, 3)


def test_a_check_of_several_items_touches_each_of_them(tmp_path):
    rules = own(tmp_path, "rule: both, type: check, expression: spend > age")
    names = rule_tables(rules, registry())["rules"].column("rule").to_pylist()
    assert names == ["both__t__age", "both__t__spend"]


def test_a_check_may_ask_for_absence(tmp_path):
    rules = own(
        tmp_path,
        "rule: said, type: check, item: remark, expression: 'remark is not null or coalesce(spend, 0) < 5'",
    )
    terms = rule_tables(rules, registry())["rule_terms"]
    cells = [
        {"remark": (None, None, BLANK), "spend": (9.0, "9", ANSWERED)},
        {"remark": ("because", "because", ANSWERED), "spend": (9.0, "9", ANSWERED)},
        {"remark": (None, "-99", MISSING), "spend": (None, None, BLANK)},
    ]
    assert counts(terms, "said", cells) == (1, 3)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("rule: r, type: range, item: t.agee, max: 3", "write 't.age'"),
        ("rule: r, type: range, item: remark, max: 3", "has no range"),
        ("rule: r, type: range, item: spend", "can never fail"),
        ("rule: r, type: allowed_values, item: remark", "can never fail"),
        ("rule: r, type: readable, item: remark", "always readable"),
        ("rule: r, type: range, item: age, waves: [endlin]", "write 'endline'"),
        ("rule: r, type: check, item: reads, expression: age > 5", "does not use 't.reads'"),
        ("rule: r, type: check, expression: agee > 5", "there is no item 'agee'"),
        ("rule: r, type: pattern, item: agee, pattern: a+", "there is no item 'agee'"),
        ("rule: r, type: exclusive_options, item: grade, alone: [two]", "holds one answer only"),
        ("rule: r, type: exclusive_options, item: helpers, alone: [c]", "no choice 'c'"),
        ("rule: r, type: exclusive_options, item: reads, others: [age]", "not answered by yes or no"),
        ("rule: r, type: consent_present, item: grade", "add `yes:`"),
        ("rule: r, type: sum_of_items, items: [age, spend], total: remark", "no number to add"),
        ("rule: r, type: sum_of_items, items: [age, agee], total: spend", "there is no item 'agee'"),
        ("rule: r, type: straight_lining, items: [age, reads, grade]", "on the scale of 't.age'"),
    ],
)
def test_a_rule_that_does_not_fit_the_programme_is_refused_with_its_line(tmp_path, rule, told):
    with pytest.raises(RuleFaults) as caught:
        rule_tables(own(tmp_path, rule), registry())
    (fault,) = caught.value.faults
    assert told in str(fault)
    assert str(fault).startswith(f"{(tmp_path / 'own.yml').as_posix()}:1 rule.")


def test_a_fanned_out_name_never_hides_another_rule(tmp_path):
    rules = own(tmp_path, "rule: ages, type: range", "rule: ages__t__age, type: range, item: age, max: 3")
    with pytest.raises(RuleFaults, match="choose another id"):
        rule_tables(rules, registry())


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("type: pattern, item: remark, pattern: '(?=a)'", "no regular expression of RE2"),
        ("type: pattern, item: remark, pattern: '('", "no regular expression of RE2"),
        (f"type: pattern, item: remark, pattern: {'a' * 501}", "at most 500"),
        ("type: pattern, pattern: a+", "'item' is missing"),
        ("type: exclusive_options, item: helpers", "not both or neither"),
        ("type: exclusive_options, item: helpers, alone: [a], others: [reads]", "not both or neither"),
        ("type: heaping, item: age, multiple_of: 5", "by chance 20 percent are multiples"),
        ("type: heaping, item: age, multiple_of: 0", "greater than 1"),
        ("type: sum_of_items, items: [age, spend], total: age", "is one of the `items`"),
        ("type: sum_of_items, items: [age, age], total: spend", "names an item twice"),
        ("type: sum_of_items, items: [age, spend], total: x, tolerance: -1", "greater than or equal to 0"),
        ("type: straight_lining, items: [age, spend]", "at least 3"),
    ],
)
def test_a_rule_over_answers_that_could_not_work_is_refused(tmp_path, rule, told):
    with pytest.raises(RuleFaults) as caught:
        own(tmp_path, f"rule: r, {rule}")
    assert told in str(caught.value.faults[0])
