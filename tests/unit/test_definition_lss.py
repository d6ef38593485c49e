"""LimeSurvey structures, made up: old ones (texts in the questions' rows), new ones (texts in own tables)."""

from xml.sax.saxutils import escape

import pytest

from ingestion.definitions.lss import read_lss
from ingestion.export_fault import ExportFault


def table(name: str, *rows: dict[str, str]) -> str:
    cells = (
        "<row>" + "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in row.items()) + "</row>\n"
        for row in rows
    )
    return f"<{name}><rows>\n{''.join(cells)}</rows></{name}>\n"


def question(qid: int, kind: str, title: str, **more: str) -> dict[str, str]:
    plain = {
        "qid": str(qid),
        "parent_qid": "0",
        "gid": "1",
        "type": kind,
        "title": title,
        "question_order": str(qid),
    }
    return plain | {"scale_id": "0", "mandatory": "N", "other": "N", "relevance": "1"} | more


def part(qid: int, parent: int, title: str, **more: str) -> dict[str, str]:
    return question(qid, "T", title, parent_qid=str(parent)) | more


def survey(*tables: str, before: str = "") -> str:
    settings = table("surveys", {"sid": "1", "language": "en"}) + table(
        "surveys_languagesettings",
        {"surveyls_language": "en", "surveyls_title": "Reading &amp; <b>camps</b>"},
    )
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{before}<document>\n'
    head += "<LimeSurveyDocType>Survey</LimeSurveyDocType><DBVersion>495</DBVersion>\n"
    return head + "".join(tables) + settings + "</document>\n"


GROUPS = table(
    "groups",
    {"gid": "1", "group_order": "2", "grelevance": ""},
    {"gid": "2", "group_order": "1", "grelevance": 'consent == "Y"'},
)


@pytest.fixture
def read(tmp_path):
    def read(content: str, name: str = "camps.lss"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return read_lss(path)

    return read


def columns(definition) -> dict[str, tuple[str, ...]]:
    return {field.name: field.columns for field in definition.fields}


def test_every_type_of_question_tells_the_columns_of_an_export(read) -> None:
    questions = table(
        "questions",
        question(10, "L", "sex", other="Y"),
        question(11, "M", "owns", other="Y"),
        question(12, "P", "why"),
        question(13, "F", "rate"),
        question(14, "1", "twice"),
        question(15, ":", "plots"),
        question(16, "R", "ranks"),
        question(17, "O", "grade"),
        question(18, "|", "photo"),
        question(19, "X", "hello"),
        question(20, "K", "spends"),
        question(21, "Y", "agrees"),
    )
    parts = [part(100 + each, each, f"SQ00{each - 10}") for each in (11, 12, 13, 14, 20)]
    parts += [part(150, 15, "SY1"), part(151, 15, "SX1", scale_id="1"), part(152, 15, "SX2", scale_id="1")]
    answers = [
        {"aid": str(each), "qid": str(qid), "code": f"A{each}", "sortorder": str(each), "scale_id": scale}
        for each, (qid, scale) in enumerate(
            [(10, "0"), (13, "0"), (14, "0"), (14, "1"), (16, "0"), (16, "0")]
        )
    ]
    definition = read(survey(GROUPS, questions, table("subquestions", *parts), table("answers", *answers)))
    assert columns(definition) == {
        "sex": ("sex",),
        "sex_other": ("sex[other]", "sex_other"),
        "owns_SQ001": ("owns[SQ001]", "owns_SQ001"),
        "owns_other": ("owns[other]", "owns_other"),
        "why_SQ002": ("why[SQ002]", "why_SQ002"),
        "why_SQ002comment": ("why[SQ002comment]", "why_SQ002comment"),
        "rate_SQ003": ("rate[SQ003]", "rate_SQ003"),
        "twice_SQ004_0": ("twice[SQ004][1]",),
        "twice_SQ004_1": ("twice[SQ004][2]",),
        "plots_SY1_SX1": ("plots[SY1_SX1]", "plots_SY1_SX1"),
        "plots_SY1_SX2": ("plots[SY1_SX2]", "plots_SY1_SX2"),
        "ranks_1": ("ranks[1]", "ranks_1"),
        "ranks_2": ("ranks[2]", "ranks_2"),
        "grade": ("grade",),
        "grade_comment": ("grade[comment]", "grade_comment"),
        "photo": ("photo",),
        "photo_filecount": ("photo[filecount]", "photo_filecount"),
        "hello": (),
        "spends_SQ0010": ("spends[SQ0010]", "spends_SQ0010"),
        "agrees": ("agrees",),
    }
    kinds = {field.name: (field.type, field.choice_list) for field in definition.fields}
    assert kinds["sex"] == ("select_one", "sex") and kinds["owns_SQ001"] == ("boolean", None)
    assert kinds["twice_SQ004_1"] == ("select_one", "twice#1") and kinds["hello"] == ("none", None)
    codes = {(each.choice_list, each.code) for each in definition.choices}
    assert {("sex", "A0"), ("sex", "-oth-"), ("twice", "A2"), ("twice#1", "A3"), ("agrees", "Y")} <= codes
    assert definition.title == "Reading & camps" and definition.version == "495"


def test_conditions_limits_and_mandatory_are_kept_as_the_survey_says_them(read) -> None:
    questions = table(
        "questions",
        question(10, "N", "age", mandatory="Y", relevance='sex.NAOK == "F"'),
        question(11, "N", "weight", gid="2", mandatory="S", relevance="age > 5"),
        question(12, "M", "owns", mandatory="Y"),
        question(13, "T", "email", encrypted="Y", preg="/.+@.+/"),
        question(14, "N", "income"),
    )
    attributes = [
        ("10", "num_value_int_only", "1"),
        ("10", "min_num_value_n", "3"),
        ("10", "max_num_value_n", "18"),
    ]
    attributes += [
        ("11", "suffix", "kg"),
        ("11", "em_validation_q", "self > 2"),
        ("14", "max_num_value_n", "age * 9"),
    ]
    listed = [dict(zip(("qid", "attribute", "value"), each, strict=True)) for each in attributes]
    listed[3]["language"] = "en"
    parts = table("subquestions", part(100, 12, "SQ1", relevance="age > 6"))
    definition = read(survey(GROUPS, questions, parts, table("question_attributes", *listed)))
    by_name = {field.name: field for field in definition.fields}
    assert definition.fields[0].name == "weight", "groups come in their own order"
    age, weight = by_name["age"], by_name["weight"]
    assert (age.type, age.low, age.high, age.is_required) == ("integer", 3.0, 18.0, True)
    assert age.relevance == 'sex.NAOK == "F"'
    assert weight.relevance == '(consent == "Y") and (age > 5)'
    assert (weight.constraint, weight.unit, weight.is_required) == ("self > 2", "kg", False)
    assert by_name["owns_SQ1"].relevance == "age > 6" and not by_name["owns_SQ1"].is_required
    assert by_name["email"].is_identifier and by_name["email"].constraint == "/.+@.+/"
    assert by_name["income"].high is None
    assert "owns: at least one answer must be ticked, which is not checked" in definition.notes
    assert "income: its max_num_value_n is an expression, which is not checked: age * 9" in definition.notes


def test_texts_are_found_in_old_and_in_new_structures(read) -> None:
    old = survey(
        table(
            "questions",
            question(10, "F", "rate", question="<p>Rate</p>", language="en"),
            question(10, "F", "rate", question="Bewerte", language="de"),
        ),
        table("subquestions", part(11, 10, "SQ1", question="Reads", language="en")),
        table("answers", {"qid": "10", "code": "A1", "answer": "Well", "language": "en", "scale_id": "0"}),
    )
    new = survey(
        table("questions", question(10, "F", "rate")),
        table("subquestions", part(11, 10, "SQ1")),
        table(
            "question_l10ns",
            {"qid": "10", "question": "<p>Rate</p>", "language": "en"},
            {"qid": "10", "question": "Bewerte", "language": "de"},
            {"qid": "11", "question": "Reads", "language": "en"},
        ),
        table("answers", {"aid": "5", "qid": "10", "code": "A1", "scale_id": "0"}),
        table("answer_l10ns", {"id": "9", "aid": "5", "answer": "Well", "language": "en"}),
    )
    for content in (old, new):
        definition = read(content)
        (field,) = definition.fields
        assert field.labels == {"en": "Rate - Reads", "de": "Bewerte"}
        assert [(each.code, each.labels) for each in definition.choices] == [("A1", {"en": "Well"})]
        assert field.line > 0


def test_a_code_that_two_questions_bear_is_nobodys_column(read) -> None:
    definition = read(survey(table("questions", question(10, "T", "same"), question(11, "T", "same"))))
    assert [field.columns for field in definition.fields] == [(), ()]
    assert "same: two questions bear this code, so that its column is nobody's" in definition.notes


def test_a_type_that_is_not_known_is_listed(read) -> None:
    definition = read(survey(table("questions", question(10, "?", "odd"))))
    assert definition.notes == ("odd: the columns of a question of type '?' are not known",)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (survey(before='<!DOCTYPE d [<!ENTITY a "b">]>\n'), "document type or entities"),
        ("<document><LimeSurveyDocType>Question</LimeSurveyDocType></document>", "no LimeSurvey survey"),
        (survey(), "holds no question"),
        (survey()[:-30], "not well-formed"),
        ("{}", "no snapshot"),
        ('{"groups": ' + "[" * 100_000, "no snapshot"),
        (escape("<document>"), "not well-formed"),
    ],
)
def test_what_is_no_survey_is_refused_with_a_remedy(read, content: str, word: str) -> None:
    with pytest.raises(ExportFault, match=word) as told:
        read(content)
    assert told.value.remedy
