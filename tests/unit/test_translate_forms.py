"""What a form states means in the warehouse what it meant on the phone, or it is listed with its reason."""

import json
import math
import operator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.expression import ExpressionFault
from expectations.form_expression import raw_text, read_form_expression
from ingestion.definitions.field import Choice, Definition, Field
from ingestion.definitions.translate import translate

FIELDS = {
    "age": "integer",
    "share": "number",
    "sex": "select_one",
    "sources": "select_multiple",
    "name": "text",
    "born": "date",
    "started": "datetime",
    "end": "text",
}
KINDS = {"integer": "integer", "number": "number", "date": "date"}


def translated(language: str, kind: str, text: str, of: str = "age", fields: dict | None = None):
    """The rule of the field `of`, over a form of the fields above (name: type), or of those given."""
    fields = FIELDS if fields is None else fields
    listed = tuple(
        Field(name, path, answers, repeat=repeat, columns=(path,), **({kind: text} if name == of else {}))
        for path, answers in fields.items()
        for name, repeat in [(path.rpartition("/")[2], "rows" if path.startswith("rows/") else None)]
    )
    choices = (Choice("sex", "m", number="1"), Choice("sex", "f", number="2"))
    items = {field.path: field.name for field in listed if field.type != "none"}
    (rule,) = translate(Definition(language, "", "", listed, choices), items)
    return rule


def holds(rule, answers: dict[str, str | None], fields: dict | None = None) -> bool:
    """Whether a translated rule is true of a record, or not to be judged there (None)."""
    assert rule.expression is not None, rule.why
    types = {path.rpartition("/")[2]: KINDS.get(kind, "text") for path, kind in (fields or FIELDS).items()}

    def find(name: str):
        if name not in types:
            raise ExpressionFault(f"no item {name}", "")
        return "form", name, types[name]

    read = read_form_expression(rule.expression, find)
    columns = {f"{name}__text": answers.get(name) for name in types}
    columns |= {"_sw_submitted_at": "2024-05-01T10:00:00Z", "_sw_record_id": "uuid:1/rows[2]"}
    cells = ", ".join(f'cast(? as varchar) as "{name}"' for name in columns)
    casts = {"integer": "decimal(38, 12)", "number": "decimal(38, 12)", "date": "date"}
    parsed = ", ".join(
        f'try_cast("{name}__text" as {casts.get(kind, "varchar")}) as "{name}__parsed"'
        for name, kind in types.items()
    )
    with duckdb.connect() as connection:
        judged = f"{read.sql}, {' and '.join(read.conditions) or 'true'}"
        sql = f"select {judged} from (select *, {parsed} from (select {cells}))"
        truth, applies = connection.execute(sql, list(columns.values())).fetchone()
    assert truth is not None
    return truth if applies else None


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        (". > 17 and . < 120", {"age": "18"}, True),
        (".>17and .<120", {"age": "17"}, False),
        (".=0 or .>=9999  and .<= 10000000", {"age": "12"}, False),
        # Nothing is above, below or beside a blank, and a blank is unequal to everything.
        ("${age} > 18", {}, False),
        ("${age} <= 18", {}, False),
        ("${age} != 18", {}, True),
        ("${sex} != 'm'", {}, True),
        ("${sex} = ''", {}, True),
        ("${age} != ''", {"age": "-99"}, True),
        ("not(selected(${sources}, 'tap'))", {}, True),
        ("selected(${sources},'tap')", {"sources": "piped tap"}, True),
        ("selected(${sources},'ta')", {"sources": "piped tap"}, False),
        ("not(selected(${sources},'none') and count-selected(${sources})>1)", {"sources": "none tap"}, False),
        ("count-selected(${sources}) = 0", {}, True),
        ("selected-at(${sources}, 1) = 'tap'", {"sources": "piped tap"}, True),
        # A declared missing code is an answer to the form.
        (". = -888 or (. >= 0 and . <= 120)", {"age": "-888"}, True),
        (". >= 0", {"age": "-99"}, False),
        # Numbers in quotes, as ODK Build writes them; numbers that an export spells otherwise.
        ("(. >= '0') and (. <= '100')", {"age": "9.0"}, True),
        ("${age} = '9'", {"age": "9.0"}, True),
        ("${sex} = 1", {"sex": "1"}, True),
        ("${age} = 'many'", {"age": "9"}, False),
        (". mod 2 = 1 and 7 div 2 = 3.5 and -. = - 9", {"age": "9"}, True),
        (". <= 2 * (${share} + 1) - 1", {"age": "9", "share": "4"}, True),
        ("round(${share}) = 3 and int(${share}) = 2 and abs(-1) = 1", {"share": "2.7"}, True),
        ("if(${sex} = 'm', . > 1, . > 5)", {"age": "3", "sex": "m"}, True),
        ("if(${sex} = 'm', . > 1, . > 5)", {"age": "3"}, False),
        ("coalesce(${name}, ${sex}) = 'm'", {"sex": "m"}, True),
        ("regex(${name}, '^[0]{1}[0-9]{3}$')", {"name": "0123"}, True),
        ("regex(${name}, '[0-9]+')", {"name": "a1"}, False),
        ("string-length(${name}) = 4 and substr(${name}, 0, 1) = '0'", {"name": "0123"}, True),
        ("contains(${name}, 'b') and starts-with(${name}, 'a')", {"name": "abc"}, True),
        (". >= (. > 1 and . <= 500)", {"age": "1"}, True),
        ("${born} <= today()", {"born": "2024-05-02"}, True),
        ("${born} <= today()", {"born": "2024-05-03"}, False),
        ("not(${born} > now())", {"born": "2024-05-03"}, False),
        ("${born} > date('2020-01-01')", {"born": "2020-01-02"}, True),
        ("${born} < '2020-01-01'", {"born": "2020-01-02"}, False),
        # Names that SQL has taken, and quotes.
        ('${end} = "it\'s"', {"end": "it's"}, True),
        ("true() or false()", {}, True),
        ("/data/sex = 'm' and ../sex = 'm' and current()/../sex = 'm'", {"sex": "m"}, True),
    ],
)
def test_an_xpath_means_what_it_means_on_the_phone(text, answers, expected):
    assert holds(translated("xlsform", "constraint", text), answers) is expected


@pytest.mark.parametrize("text", ["${age} > 18", "${born} < '2020-01-01'"])
def test_text_that_is_no_answer_of_its_type_is_not_judged(text):
    rule = translated("odk_xml", "relevance", text, of="name")
    assert holds(rule, {"age": "twelve", "born": "Sep 18, 2018"}) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pulldata('list', 'a', 'b', ${age}) = 1", "'pulldata' looks into a list outside the record"),
        ("instance('x')/root/item[a=1]/b = 1", "means nothing here|'instance' looks"),
        ("indexed-repeat(${age}, ${rows}, 2) > 1", "'indexed-repeat' looks over the rows of a repeat"),
        ("sum(${age}) > 3", "looks over the rows"),
        ("jr:choice-name(${sex}, '${sex}') = 'Man'", "uses the wording of a choice"),
        ("${aeg} > 1", "the form has no question 'aeg'"),
        ("/data/group/aeg > 1", "the form has no question 'aeg'"),
        ("frobnicate(.) = 1", "the function 'frobnicate' is not translated"),
        ("selected(., ${sex})", "a code that is itself an answer"),
        ("today() - ${born} > 3", "reckons with dates"),
        ("${started} > now()", "compares a date with a time"),
        ("${born} >= today()", "depends on the day of the interview"),
        ("${born} > today() or ${born} < today()", "depends on the day of the interview"),
        ("position(..) > 1", "stands in no repeat"),
        ("age > 1", "'age' is no reference"),
        (". > 1)", "stands where the expression should end"),
        ("(. > 1", "')' is missing at its end"),
        (". >", "it breaks off"),
        ("‘a’ = .", "means nothing here"),
        ("regex(., 'a') = #", "means nothing here"),
        ("(" * 500 + "." + ")" * 500, "nested too deeply"),
    ],
)
def test_an_xpath_that_cannot_be_said_is_listed_with_its_reason(text, why):
    rule = translated("xlsform", "constraint", text)
    assert rule.expression is None
    assert any(part in rule.why for part in why.split("|")), rule.why
    assert rule.source_text == text


def test_a_condition_on_the_day_of_the_interview_never_accuses():
    assert translated("xlsform", "constraint", "${born} <= today()").expression is not None
    assert "day of the interview" in translated("xlsform", "relevance", "${born} <= today()").why


def test_a_pattern_that_the_warehouse_does_not_know_is_refused():
    rule = translated("xlsform", "constraint", "regex(., '(?=a)b')")
    with pytest.raises(ExpressionFault, match="pattern"):
        read_form_expression(rule.expression, lambda name: ("form", name, "text"))


REPEAT = {"consent": "select_one", "rows/age": "integer", "rows/name": "text", "visits/day": "integer"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${consent} = '1' and . > 3", True),
        ("index() = 2 and position(..) = 2", True),
        ("index() = 1", False),
    ],
)
def test_a_row_of_a_repeat_sees_itself_its_number_and_its_record(text, expected):
    rule = translated("xlsform", "constraint", text, fields=REPEAT)
    assert holds(rule, {"age": "4", "consent": "1"}, REPEAT) is expected


@pytest.mark.parametrize("of", ["consent", "day"])
def test_no_question_sees_the_many_rows_of_a_repeat_it_is_not_in(of):
    rule = translated("xlsform", "relevance", "${age} > 3", of=of, fields=REPEAT)
    assert rule.why == "'age' has an answer in each row of the repeat 'rows'"


def test_notes_and_questions_that_are_no_items_are_listed():
    note = Field("hello", "hello", "none", relevance="${phone} = ''")
    phone = Field("phone", "phone", "text", constraint=". != ''", is_required=True, is_identifier=True)
    after = Field("after", "after", "text", relevance="${phone} = '1'")
    rules = translate(Definition("xlsform", "", "", (note, phone, after)), {"after": "after"})
    assert [(rule.path, rule.kind, rule.why) for rule in rules] == [
        ("hello", "relevance", "the question is a note, which has no answer"),
        ("phone", "constraint", "the question itself is no item of the instrument"),
        ("phone", "required", "the question itself is no item of the instrument"),
        ("after", "relevance", "'phone' is no item of the instrument"),
    ]


@pytest.mark.parametrize(
    ("field", "expression"),
    [
        ({"is_required": True}, "true"),
        ({"is_required": True, "relevance": "${b} = 'x'"}, "\"b\" = 'x'"),
        (
            {"required": "${b} = 'y'", "relevance": "${b} = 'x' or ${b} = 'y'"},
            "(\"b\" = 'x' or \"b\" = 'y') and \"b\" = 'y'",
        ),
    ],
)
def test_a_question_is_required_only_where_it_is_asked(field, expression):
    form = Definition("xlsform", "", "", (Field("a", "a", "text", **field), Field("b", "b", "text")))
    rules = {rule.kind: rule for rule in translate(form, {"a": "a", "b": "b"})}
    assert rules["required"].expression == expression


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ('[sex] = "0" and [given_birth] <> "1"', {"sex": "0"}, True),
        ("[sex] = '0' and ([age] > 18 or [age] < 5)", {"sex": "0", "age": "4"}, True),
        ('[age] >= "18"', {"age": "9"}, False),
        ("[age] > 18", {}, False),
        ("[sex] = ''", {}, True),
        ("[symptoms(-99)] = '1'", {"symptoms____99": "1"}, True),
        ("[symptoms(A)] = 1", {"symptoms___a": "0"}, False),
        ("if([sex] = '1', [age] > 3, [age] > 5)", {"sex": "1", "age": "4"}, True),
        ("contains([name], 'x') or length([name]) = 0", {}, True),
    ],
)
def test_branching_logic_means_what_it_means_in_redcap(text, answers, expected):
    fields = FIELDS | {"given_birth": "select_one", "symptoms____99": "boolean", "symptoms___a": "boolean"}
    rule = translated("redcap", "relevance", text, of="name", fields=fields)
    assert holds(rule, answers, fields) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[visit_1_arm_1][age] > 3", "looks into another event or instance"),
        ("[event-name] = 'x'", "is a smart variable"),
        ("[age:label] = 'x'", "is a smart variable"),
        ('datediff([born], "today", "y") > 3', "the function 'datediff' is not translated"),
        ("[sex] = male", "'male' is neither a field in brackets nor a text in quotes"),
    ],
)
def test_branching_logic_that_looks_elsewhere_is_listed(text, why):
    assert why in translated("redcap", "relevance", text, of="name").why


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ('((sex.NAOK == "M"))', {"sex": "M"}, True),
        ("sex.NAOK != 'M' && !is_empty(age.NAOK)", {"age": "3"}, True),
        ("age.NAOK ge 18 or age lt 5", {"age": "4"}, True),
        ("is_empty(name)", {}, True),
        ("Q1_SQ001.NAOK == 'Y'", {"Q1_SQ001": "Y"}, True),
        ("regexMatch('/^[a-c]+/i', name.NAOK)", {"name": "ABx"}, True),
        ("strlen(name) > 2 || 1 == 2", {"name": "ABx"}, True),
        ("1", {}, True),
    ],
)
def test_a_relevance_equation_means_what_it_means_in_limesurvey(text, answers, expected):
    fields = FIELDS | {"Q1_SQ001": "select_one"}
    rule = translated("limesurvey", "relevance", text, of="born", fields=fields)
    assert holds(rule, answers, fields) is expected


@pytest.mark.parametrize(("answer", "expected"), [("0123", True), ("x", False)])
def test_a_validation_of_limesurvey_may_be_a_pattern_or_speak_of_itself(answer, expected):
    for text in ("/^[0-9]+$/", "strlen(self.NAOK) == 4 and this > 1"):
        rule = translated("limesurvey", "constraint", text, of="name")
        assert holds(rule, {"name": answer}) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sex.shown == 'Man'", "asks for more than the answer"),
        ("count(age, share) > 1", "the function 'count' is not translated"),
        ("TOKEN:ATTRIBUTE_1 == 'x'", "means nothing here"),
        ("nobody.NAOK == 1", "the form has no question 'nobody'"),
    ],
)
def test_a_relevance_equation_that_looks_elsewhere_is_listed(text, why):
    assert why in translated("limesurvey", "relevance", text, of="born").why


def condition(operand: str, sign: str, joined: str = "", value: str = "", kind: str = "Question") -> dict:
    return {
        "LogicType": kind,
        "LeftOperand": operand,
        "Operator": sign,
        "RightOperand": value,
        "Conjuction": joined,
    }


CHOSEN = condition("q://QID1/SelectableChoice/1", "Selected")
FEMALE, NOT_FEMALE = (condition("q://QID1/SelectableChoice/2", sign) for sign in ("Selected", "NotSelected"))
OR_FEMALE = condition("q://QID1/SelectableChoice/2", "Selected", "Or")
AND_ARM_B = condition("arm", "EqualTo", "And", "b", "EmbeddedField")
NO_ARM = condition("arm", "Empty", kind="EmbeddedField")
ABOVE_7, TOLD = (
    condition("q://QID2/ChoiceTextEntryValue", sign, "", value)
    for sign, value in (("GreaterThan", "7"), ("NotEmpty", ""))
)
IN_ROW_1 = condition("q://QID3/SelectableChoice/1/2", "Selected")
QUALTRICS = {"QID1": "select_one", "QID2": "text", "QID3_1": "select_one", "arm": "text", "last": "text"}


def sets(*of: dict) -> dict:
    return {str(place): one for place, one in enumerate(of)} | {"Type": "BooleanExpression"}


def conditions(*of: dict, word: str = "If") -> dict:
    return {str(place): one for place, one in enumerate(of)} | {"Type": word}


@pytest.mark.parametrize(
    ("logic", "answers", "expected"),
    [
        (sets(conditions(CHOSEN)), {"QID1": "m"}, True),
        (sets(conditions(CHOSEN)), {"QID1": "1"}, False),
        (sets(conditions(NOT_FEMALE)), {}, True),
        (sets(conditions(CHOSEN, OR_FEMALE)), {"QID1": "f"}, True),
        (sets(conditions(CHOSEN, AND_ARM_B)), {"QID1": "m"}, False),
        (sets(conditions(CHOSEN, OR_FEMALE, AND_ARM_B)), {"QID1": "m"}, True),
        (sets(conditions(CHOSEN), conditions(FEMALE, word="OrIf")), {"QID1": "f"}, True),
        (sets(conditions(CHOSEN), conditions(FEMALE, word="AndIf")), {"QID1": "m,f"}, True),
        (sets(conditions(ABOVE_7)), {"QID2": "10"}, True),
        (sets(conditions(TOLD)), {}, False),
        (sets(conditions(IN_ROW_1)), {"QID3_1": "f"}, True),
        ({"AllOf": [sets(conditions(CHOSEN)), sets(conditions(NO_ARM))]}, {"QID1": "m"}, True),
    ],
)
def test_display_logic_means_what_it_means_in_qualtrics(logic, answers, expected):
    listed = tuple(
        Field(path, path, kind, choice_list="sex", relevance=json.dumps(logic) if path == "last" else None)
        for path, kind in QUALTRICS.items()
    )
    choices = (Choice("sex", "m", number="1"), Choice("sex", "f", number="2"))
    (rule,) = translate(Definition("qualtrics", "", "", listed, choices), {path: path for path in QUALTRICS})
    assert holds(rule, answers, QUALTRICS) is expected


@pytest.mark.parametrize(
    ("logic", "why"),
    [
        (sets(conditions(condition("loc://City", "EqualTo", kind="GeoIP"))), "it asks about GeoIP"),
        (sets(conditions(condition("q://QID1/ChoiceDisplayed/1", "Displayed"))), "which exports do not tell"),
        (sets(conditions(condition("q://QID1/SelectableChoice/9", "Selected"))), "'QID1' has no choice 9"),
        (sets(conditions(condition("q://QID9/SelectableChoice/9", "Selected"))), "no field 'QID9'"),
        ([1], "it is no condition"),
    ],
)
def test_display_logic_that_asks_for_what_is_not_exported_is_listed(logic, why):
    listed = (
        Field("QID1", "QID1", "select_one", choice_list="sex"),
        Field("last", "last", "text", relevance=json.dumps(logic)),
    )
    items = {"QID1": "QID1", "last": "last"}
    (rule,) = translate(Definition("qualtrics", "", "", listed, (Choice("sex", "m", number="1"),)), items)
    assert why in rule.why


@pytest.mark.parametrize("language", ["xlsform", "redcap", "limesurvey", "qualtrics"])
@given(text=st.one_of(st.text(max_size=40), st.text("()[]{}$.'\"=<>!&|-+*/, age1not", max_size=40)))
@settings(max_examples=150)
def test_any_text_is_translated_or_listed_and_what_is_translated_can_be_read(language, text):
    if not text.strip():
        return
    rule = translated(language, "relevance", text, of="name")
    assert (rule.expression is None) != (rule.why is None)
    if rule.expression is not None:
        assert read_form_expression(rule.expression, lambda name: ("form", name, "text")).sql


# An independent reading of XPath: values are numbers or text, a blank is '', NaN is unequal to everything.
SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
RECKONED = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


numbers = st.recursive(
    st.one_of(
        st.sampled_from(
            [("${age}", lambda of: as_number(of["age"])), ("${share}", lambda of: as_number(of["share"]))]
        ),
        st.integers(0, 9).map(lambda n: (str(n), lambda of: float(n))),
        st.just(("count-selected(${sources})", lambda of: float(len(of["sources"].split())))),
    ),
    lambda inner: st.tuples(inner, st.sampled_from(sorted(RECKONED)), inner).map(
        lambda part: (
            f"({part[0][0]} {part[1]} {part[2][0]})",
            lambda of: RECKONED[part[1]](part[0][1](of), part[2][1](of)),
        )
    ),
    max_leaves=3,
)
asked = st.one_of(
    st.tuples(numbers, st.sampled_from(sorted(SIGNS)), numbers).map(
        lambda part: (
            f"{part[0][0]} {part[1]} {part[2][0]}",
            lambda of: SIGNS[part[1]](part[0][1](of), part[2][1](of)),
        )
    ),
    st.tuples(st.sampled_from(["=", "!="]), st.sampled_from(["m", "f", ""])).map(
        lambda part: (f"${{sex}} {part[0]} '{part[1]}'", lambda of: SIGNS[part[0]](of["sex"], part[1]))
    ),
    st.sampled_from(["tap", "well"]).map(
        lambda code: (f"selected(${{sources}}, '{code}')", lambda of: code in of["sources"].split())
    ),
)
truths = st.recursive(
    asked,
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not({one[0]})", lambda of: not one[1](of))),
        st.tuples(inner, inner).map(
            lambda two: (
                (f"({two[0][0]}) and {two[1][0]}", lambda of: two[0][1](of) and two[1][1](of))
                if " or " not in two[1][0]
                else (f"({two[0][0]}) and ({two[1][0]})", lambda of: two[0][1](of) and two[1][1](of))
            )
        ),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) or {two[1][0]}", lambda of: two[0][1](of) or two[1][1](of))
        ),
    ),
    max_leaves=5,
)
records = st.fixed_dictionaries(
    {
        "age": st.sampled_from(["", "3", "-99", "18"]),
        "share": st.sampled_from(["", "0.5", "3.0"]),
        "sex": st.sampled_from(["", "m", "f"]),
        "sources": st.sampled_from(["", "tap", "tap well"]),
    }
)


@given(truths, records)
@settings(max_examples=200)
def test_translations_agree_with_an_independent_reading_of_xpath(truth, answers):
    text, expected = truth
    rule = translated("xlsform", "relevance", text, of="name")
    record = {name: answer or None for name, answer in answers.items()}
    assert holds(rule, record) is bool(expected(answers))


def test_a_blank_is_the_empty_text():
    with duckdb.connect() as connection:
        sql = f'select {raw_text("a")} from (select cast(null as varchar) as "a__text")'
        assert connection.execute(sql).fetchone() == ("",)
