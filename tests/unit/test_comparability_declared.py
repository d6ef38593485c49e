"""What is said of how outcomes were asked is checked against what exists, at its file, line and field."""

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_comparability import comparability_rows

WORDINGS = "wordings: {v1: {language: en}, v2: {language: sw, recall: 2 weeks, linked: v1}}\n"
XLSFORM = "forms/v3.csv"
SOURCES, SPEND, TEST = "sources.yml", "indicators/spend.yml", "instruments/child_test.yml"
MOMENTS = """\
- source: moments
  role: moments
  platform: csv
  wave: endline
  sites: [siaya]
  indicators: [spend]
  pull: {drop: moments/*.csv}
"""


@pytest.fixture
def written(programme_files, write_folder):
    """The small programme with what the test says at the end of its files."""

    def write(wordings=WORDINGS, **endings):
        files = dict(programme_files)
        files[TEST] += wordings
        for name, text in {SOURCES: endings.get("asked"), SPEND: endings.get("reference")}.items():
            files[name] += f"{text}\n" if text else ""
        return write_folder(files)

    return write


# Keyword, what it adds, field of the fault, words of its message, words of its remedy
FAULTS = [
    ("reference", "reference: {wording: v9}", "reference.wording", "'v9' is not declared", "v1, v2"),
    ("reference", "reference: {instrument: other}", "reference.instrument", "not of the", "child_test"),
    ("reference", "reference: {unit: KES/month}", "reference.unit", "in USD/month", "indicator's unit"),
    ("reference", "reference: {recall: a while}", "reference.recall", "no period", "7 days"),
    ("reference", "reference: {recall: 7 days, recall_days: 7}", "recall_days", "twice", "keep"),
    ("reference", "reference: {recall_days: seven}", "recall_days", "'seven'", "recall_days: 7"),
    (
        "reference",
        "reference: {window: {later: {from_day: 1, to_day: 2}}}",
        "window.later",
        "later",
        "endline",
    ),
    (
        "reference",
        "reference: {window: {endline: {from_day: 3, to_day: 2}}}",
        "window.endline.from_day",
        "after to_day",
        "correct",
    ),
    (
        "reference",
        "reference: {window: {endline: {from_day: 1, to_day: 2, after: start}}}",
        "window.endline.after",
        "'start'",
        "treatment_start",
    ),
    ("reference", "comparability: {recall: D}", "comparability.recall", "'D'", "A"),
    ("reference", "comparability: {unit: B}", "comparability.unit", "unknown", "write one of"),
    ("asked", "  asked: {wording: v9}", "asked.0.wording", "'v9' is not declared", "v1, v2"),
    ("asked", "  asked: {sites: [siaya], mode: phone}", "asked.0.sites.0", "'siaya'", "kisumu_east"),
    ("asked", "  asked: {waves: baseline, mode: phone}", "asked.0.waves.0", "'baseline'", "endline"),
    ("asked", "  asked: {indicators: [x], mode: phone}", "asked.0.indicators.0", "'x'", "spend"),
    ("asked", "  asked: {sites: [kisumu_east]}", "asked.0", "nothing is said", "wording"),
    ("asked", "  asked: {unit: KES/month}", "asked.0.unit", "is known", "source's units"),
    ("asked", "  asked: {instrument: child_test}", "asked.0.instrument", "is known", "instrument"),
    (
        "asked",
        "  asked: {language: sw, translation: same_language}",
        "asked.translation",
        "beside a language",
        "keep one",
    ),
    ("wordings", "wordings: {v2: {linked: v1}}\n", "wordings.v2.linked.0", "'v1'", "v2"),
    ("wordings", "wordings: {v1: {without: [x]}}\n", "wordings.v1.without.0", "'x'", "reads"),
    ("wordings", "wordings: {v1: {items: {x: {min: 1}}}}\n", "wordings.v1.items.x", "'x'", "reads"),
    ("wordings", "wordings: {v1: {definition: forms/no.xlsx}}\n", "v1.definition", "no.xlsx", ""),
]


@pytest.mark.parametrize(("where", "said", "field", "message", "remedy"), FAULTS)
def test_what_cannot_be_right_is_named_with_field_line_and_remedy(
    written, where, said, field, message, remedy
):
    (fault,) = [fault for fault in check_programme(written(**{where: said})) if fault.severity == "error"]
    assert field in fault.field.replace("asked.0.translation", "asked.translation")
    assert message in fault.message and remedy in fault.remedy
    assert fault.line > 1


def warnings(folder):
    return {f.field: f.message for f in check_programme(folder) if f.severity == "warning"}


def test_wordings_of_which_nobody_says_the_one_asked_give_a_warning(written):
    assert "2 wordings" in warnings(written(reference="reference: {language: en}"))["source.asked"]
    assert "names none" in warnings(written(reference="reference: {language: en}"))["indicator.reference"]
    told = warnings(written(wordings="", reference="reference: {language: en}"))
    assert not {"source.asked", "indicator.reference"} & set(told)


def test_numbers_sent_beside_an_instrument_s_give_a_warning_until_something_is_said(written, programme_files):
    programme_files[SOURCES] = programme_files[SOURCES].replace(
        "  instrument: child_test\n  wave: baseline",
        "  instrument: child_test\n  sites: [kisumu_east]\n  wave: baseline",
    )
    assert "asked by child_test" in warnings(written("", asked=MOMENTS))["source.asked"]
    said = MOMENTS + "  asked: {instrument: other_test, unit: KES/month}"
    assert "source.asked" not in warnings(written("", asked=said))


def test_a_fact_said_once_reaches_every_cell_and_a_later_entry_wins(written):
    asked = """\
  asked:
    - {wording: v2, mode: in_person}
    - {indicators: spend, recall: 30 days}
    - {waves: endline, mode: phone}"""
    rows = comparability_rows(load_programme(written(asked=asked)))["asked"]
    told = {row["indicator"]: row for row in rows if row["source"] == "endline_redcap"}
    assert {name: row["recall_days"] for name, row in told.items()} == {
        "reads_pct": 14,
        "spend": 30,
        "mood": 14,
        "sickness": 14,
    }
    assert {(row["language"], row["mode"], row["wording"]) for row in told.values()} == {
        ("sw", "phone", "v2")
    }
    others = [row for row in rows if row["source"] == "baseline_kobo"]
    assert {(row["language"], row["mode"], row["wording"]) for row in others} == {(None, None, None)}
    assert {row["site"] for row in others} == {"kisumu_east", "siaya"}


def test_a_wording_s_own_form_tells_what_it_asks(written, tmp_path):
    forms = tmp_path / "programme" / "forms"
    forms.mkdir(parents=True)
    (forms / "v3.csv").write_text(
        "Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"
        '"Choices, Calculations, OR Slider Labels",Field Note,Text Validation Type OR Show Slider Number,'
        "Text Validation Min,Text Validation Max\n"
        'grade,test,,radio,Grade,"01, one | 03, three",,,,\n'
        "spend_total,test,,text,Spending,,,number,0,500\n"
    )
    folder = written(f"wordings: {{v3: {{definition: {XLSFORM}}}}}\n")
    rows = comparability_rows(load_programme(folder))["wording_items"]
    asked = {row["item"]: row for row in rows if row["wording"] == "v3"}
    assert set(asked) == {"grade", "spend"}
    assert asked["grade"]["codes"] == "01, 03"
    assert (asked["spend"]["item_type"], asked["spend"]["max_value"]) == ("amount", 500)
    assert {row["item"] for row in rows if row["wording"] == ""} > {"reads", "grade", "spend"}
