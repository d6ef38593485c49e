"""Qualtrics surveys: real ones matched with the exports beside them, and made-up ones for what these lack."""

import json
import re
from collections import Counter

import pytest

from ingestion.definitions.qsf import read_qsf
from ingestion.export_fault import ExportFault
from ingestion.platforms.qualtrics_header import read_header

PLATFORMS_OWN = {
    *("ResponseID", "ResponseId", "ResponseSet", "IPAddress", "StartDate", "EndDate", "RecipientLastName"),
    *("RecipientFirstName", "RecipientEmail", "ExternalDataReference", "Finished", "Status", "Name"),
    *("EmailAddress", "LocationLatitude", "LocationLongitude", "LocationAccuracy"),
}
SURVEYS = [
    "Better Sample Survey",
    "Multiple Answer Matrix Questions",
    "No Basis for Evaluation",
    "Single Answer Multiple Choice Questions",
    "Survey Logic",
    "Text Entry Components",
]


def why_unmatched(column: str) -> str:
    """The kinds of columns that no question of the survey fills."""
    if column in PLATFORMS_OWN:
        return "the platform's own"
    if re.fullmatch(r"\(column \d+\)", column):
        return "no name (a comma ends every row)"
    if re.search(r" \(\d+\)$", column):
        return "a repeated name in a file without import ids"
    return "not in the survey any more" if column.startswith("Q13_") else "unexplained"


def test_every_real_survey_names_the_columns_of_the_exports_beside_it(shared) -> None:
    print()
    totals: Counter[str] = Counter()
    for folder in SURVEYS:
        (path,) = (shared / "real_exports/qualtrics" / folder).glob("*.qsf")
        definition = read_qsf(path)
        named = {column: field for field in definition.fields for column in field.columns}
        assert len(named) == sum(len(field.columns) for field in definition.fields), "a column has two owners"
        for export in sorted(path.parent.glob("*.csv")):
            data = export.read_bytes()
            header = read_header(data, export.name, "utf-8")
            matched = [column for column in header.names if column in named]
            kinds = Counter(why_unmatched(column) for column in header.names if column not in named)
            assert "unexplained" not in kinds, export.name
            told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
            print(f"{export.name}: {len(matched)} of {len(header.names)} columns matched; the others: {told}")
            totals.update(kinds, matched=len(matched))
            ids = re.findall(rb"'ImportId': '([^']+)'", data)
            for column, import_id in zip(header.names, ids, strict=False):
                if column in named:
                    theirs = import_id.decode().replace("-", "_")
                    assert named[column].path in (theirs, theirs.removesuffix("_TEXT")) or (
                        theirs == re.sub(r"_\d+(?=_TEXT$)", "", named[column].path)
                    ), column
    print(dict(totals))
    assert totals["matched"] == 243 and totals["a repeated name in a file without import ids"] == 36


def test_codes_are_those_that_exports_hold(shared) -> None:
    root = shared / "real_exports/qualtrics"
    (path,) = (root / "No Basis for Evaluation").glob("*.qsf")
    definition = read_qsf(path)
    codes = {(each.choice_list, each.number): each.code for each in definition.choices}
    assert codes["QID3", "4"] == "-1" and codes["QID4", "5"] == "-2" and codes["QID1", "1"] == "1"
    fields = {field.path: field for field in definition.fields}
    assert fields["QID2_4"].columns[:2] == ("Q2_-1", "Q2_4") and fields["QID2_4"].type == "boolean"
    assert fields["QID3_1"].choice_list == "QID3" and fields["QID3_1"].labels["EN"].endswith(" - Squash")


def test_conditions_stand_as_the_survey_has_them(shared) -> None:
    (path,) = (shared / "real_exports/qualtrics/Survey Logic").glob("*.qsf")
    fields = {field.path: field for field in read_qsf(path).fields}
    assert json.loads(fields["QID2"].relevance or "")["0"]["0"]["QuestionID"] == "QID1"
    assert fields["QID1"].relevance is None
    assert "m://LastName" in (fields["QID5_2"].relevance or "")


def question(number: int, **payload) -> dict:
    plain = {
        "QuestionID": f"QID{number}",
        "DataExportTag": f"q{number}",
        "QuestionText": f"Question {number}",
        "QuestionType": "MC",
        "Selector": "SAVR",
        "Choices": {"1": {"Display": "Yes"}, "2": {"Display": "No"}},
        "ChoiceOrder": ["1", "2"],
        "Validation": {"Settings": {"ForceResponse": "ON", "ForceResponseType": "ON", "Type": "None"}},
        "Language": [],
    }
    return {"Element": "SQ", "PrimaryAttribute": f"QID{number}", "Payload": plain | payload}


def block(name: str, *numbers: int, kind: str = "Standard", **more) -> dict:
    steps = [{"Type": "Question", "QuestionID": f"QID{number}"} for number in numbers]
    return {"Type": kind, "ID": f"BL_{name}", "Description": name, "BlockElements": steps, **more}


def flow(*steps: dict) -> dict:
    return {"Element": "FL", "Payload": {"Type": "Root", "Flow": list(steps)}}


def step(name: str) -> dict:
    return {"Type": "Block", "ID": f"BL_{name}"}


@pytest.fixture
def read(tmp_path):
    def read(*elements: dict):
        path = tmp_path / "camps.qsf"
        entry = {"SurveyName": "Camps", "SurveyLanguage": "EN"}
        path.write_text(json.dumps({"SurveyEntry": entry, "SurveyElements": list(elements)}))
        return read_qsf(path)

    return read


def blocks(*listed: dict) -> dict:
    return {"Element": "BL", "Payload": list(listed)}


LOGIC = {"0": {"0": {"LogicType": "Question", "LeftOperand": "q://QID1/SelectableChoice/1"}}}
NUMBER = {"ContentType": "ValidNumber", "ValidNumber": {"Min": "3", "Max": "18", "NumDecimals": "0"}}


def test_blocks_give_the_order_and_the_trash_is_left_out_and_noted(read) -> None:
    definition = read(
        question(1), question(2), question(3), blocks(block("b", 2, 1), block("Trash", 3, kind="Trash"))
    )
    assert [field.name for field in definition.fields] == ["q2", "q1"]
    assert definition.notes == ("block Trash: left out, its questions are not asked: QID3",)


def test_types_limits_and_languages_are_read(read) -> None:
    french = {"FR": {"QuestionText": "Quel <i>âge</i>?", "Choices": {"1": {"Display": "Oui"}}}}
    rows = {"1": {"Display": "Maize"}, "2": {"Display": "Beans"}}
    definition = read(
        question(1, QuestionType="TE", Selector="SL", Validation={"Settings": NUMBER}, Language=french),
        question(2, Language=french),
        question(3, QuestionType="DB", Selector="TB"),
        question(
            4, QuestionType="Slider", Selector="HSLIDER", Choices=rows, Configuration={"CSSliderMax": 10}
        ),
        question(5, QuestionType="RO", Selector="DND", Choices=rows),
        question(6, QuestionType="Timing", Selector="PageTimer"),
        question(7, QuestionType="FileUpload", Selector="FileUpload"),
        question(8, QuestionType="MC", Selector="MAVR"),
        question(9, QuestionType="TE", Selector="SL", Validation={"Settings": {"ContentType": "ValidEmail"}}),
        question(10, QuestionType="HotSpot", Selector="OnOff"),
        blocks(block("b", *range(1, 11))),
    )
    fields = {field.path: field for field in definition.fields}
    assert (fields["QID1"].type, fields["QID1"].low, fields["QID1"].high) == ("integer", 3.0, 18.0)
    assert fields["QID1"].labels == {"EN": "Question 1", "FR": "Quel âge ?"}
    choices = {(each.choice_list, each.code): each.labels for each in definition.choices}
    assert choices["QID2", "1"] == {"EN": "Yes", "FR": "Oui"}
    assert fields["QID3"].type == "none" and fields["QID3"].columns == ()
    assert fields["QID4_2"].columns == ("q4_2",) and fields["QID4_2"].high == 10.0
    assert fields["QID5_1"].type == "integer"
    assert fields["QID6_PAGE_SUBMIT"].columns == ("q6_Page Submit",)
    assert fields["QID7_ID"].type == "attachment"
    assert fields["QID8"].type == "select_multiple" and fields["QID8_1"].columns == ("q8_1",)
    assert fields["QID8"].is_required and not fields["QID8_1"].is_required
    assert fields["QID9"].is_identifier
    assert "QID10: the columns of HotSpot OnOff are not known" in definition.notes


def test_a_tag_that_two_questions_bear_is_told_apart_by_the_import_id(read) -> None:
    definition = read(question(1), question(2, DataExportTag="q1"), blocks(block("b", 1, 2)))
    assert [field.columns for field in definition.fields] == [
        ("q1 (QID1)",),
        ("q1 (QID2)",),
    ]


def test_what_may_be_hidden_otherwise_is_not_called_required(read) -> None:
    skipping = block("c", 5, 6)
    skipping["BlockElements"][0]["SkipLogic"] = [{"SkipToDestination": "ENDOFSURVEY"}]
    definition = read(
        *(question(number) for number in range(1, 9)),
        question(9, DisplayLogic=LOGIC),
        blocks(block("a", 1), block("b", 2), skipping, block("d", 7), block("e", 3, 9), block("f", 4, 8)),
        flow(
            step("a"),
            {"Type": "Branch", "BranchLogic": LOGIC, "Flow": [step("e")]},
            {"Type": "BlockRandomizer", "SubSet": 1, "Flow": [step("b"), step("f")]},
            step("c"),
            step("d"),
        ),
    )
    fields = {field.path: field for field in definition.fields}
    required = {path for path, field in fields.items() if field.is_required}
    assert required == {"QID1", "QID3", "QID9", "QID5"}
    assert [field.path for field in definition.fields] == [
        f"QID{place}" for place in (1, 3, 9, 2, 4, 8, 5, 6, 7)
    ]
    assert json.loads(fields["QID3"].relevance or "") == LOGIC
    assert json.loads(fields["QID9"].relevance or "") == {"AllOf": [LOGIC, LOGIC]}
    assert "QID2: not called required, since a randomizer may leave it out" in definition.notes
    assert "QID6: not called required, since skip logic may pass over it" in definition.notes
    assert "QID7: not called required, since skip logic may end the survey before it" in definition.notes


def test_embedded_data_are_columns_of_their_own(read) -> None:
    data = {"Type": "EmbeddedData", "EmbeddedData": [{"Field": "arm"}, {"Field": "arm"}, {"Field": "site"}]}
    definition = read(question(1), blocks(block("a", 1)), flow(data, step("a")))
    assert [field.columns for field in definition.fields][1:] == [("arm",), ("site",)]


def test_the_definition_that_the_api_gives_is_read_too(tmp_path) -> None:
    path = tmp_path / "definition.json"
    survey = {"SurveyEntry": {}, "SurveyElements": [question(1), blocks(block("b", 1))]}
    path.write_text(json.dumps({"result": survey, "meta": {}}))
    assert [field.name for field in read_qsf(path).fields] == ["q1"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"SurveyElements": []}', "[" * 100_000, "\x00"])
def test_what_is_no_survey_is_refused_with_a_remedy(tmp_path, content: str) -> None:
    path = tmp_path / "camps.qsf"
    path.write_text(content)
    with pytest.raises(ExportFault, match="no Qualtrics survey") as told:
        read_qsf(path)
    assert told.value.remedy
