"""An instrument that names its form needs no further typing, and what its YAML says wins over the form."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.door.privacy import kept_columns
from ingestion.landed_reading import input_hash
from ingestion.programme.faults import Fault, ProgrammeFaults
from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.model import DerivedItem, Programme
from ingestion.programme.registry_tables import KEYS, registry_tables

SURVEY = """\
type,name,label::English (en),label::French (fr),required,relevant,constraint,parameters
start,start,,,,,,
deviceid,deviceid,,,,,,
text,child_id,Id,Id,yes,,,
begin_group,g,,,,${consent} = 1,,
select_one yn,reads,Reads?,Lit?,yes,,,
geopoint,home,Home,,,,,
end_group,,,,,,,
select_one yn,consent,Agrees?,,yes,,,
integer,spend_total,Spent,,,,. >= 0,
select_one grade,grade,Grade,,,,,
select_multiple food,food,Eaten,,,,,
range,mood_1,Mood,,,,,start=1 end=5
range,mood_2,Mood,,,,,start=1 end=5
integer,sick,Days sick,,,,,
integer,days,Days,,,,,
date,seen,Seen,,,,. <= today(),
note,thanks,Thanks,,,,,
begin_repeat,child,,,,,,
integer,age,Age,,,,. < 18,
end_repeat,,,,,,,
begin_group,other,,,,,,
integer,age,Age,,,,,
end_group,,,,,,,
hologram,odd,,,,,,
"""
CHOICES = """\
list_name,name,label::English (en),label::French (fr)
yn,1,Yes,Oui
yn,0,No,Non
yn,-99,Does not know,
grade,01,one,
grade,02,two,
food,rice,Rice,
food,fish,Fish,
"""
INSTRUMENT = """\
definition: forms/child_survey.csv
missing: {-99: dont_know, "-88": refused}
items:
  reads:
  spend: {question: spend_total, type: amount, unit: KES/month, min: 0}
  mood_1: {}
  mood_2: {min: 2}
  sick_days: {question: sick}
  days:
"""
Files = dict[str, str]


@pytest.fixture
def files(programme_files: Files) -> Files:
    """The small programme, whose instrument names its form."""
    form = {"forms/child_survey.csv": SURVEY, "forms/child_choices.csv": CHOICES}
    return programme_files | form | {"instruments/child_test.yml": INSTRUMENT}


@pytest.fixture
def loaded(write_folder: Callable[[Files], Path]) -> Callable[[Files], Programme]:
    """Loads a programme of these files."""
    return lambda files: load_programme(write_folder(files))


@pytest.fixture
def found(write_folder: Callable[[Files], Path]) -> Callable[[Files], list[Fault]]:
    """What is found in a programme of these files."""
    return lambda files: check_programme(write_folder(files))


def rows(programme: Programme, table: str, *columns: str) -> list[tuple[Any, ...]]:
    tables = registry_tables(programme, programme.folder / "home", date(2024, 12, 1))
    return [tuple(row[column] for column in columns) for row in tables[table].to_pylist()]


def test_items_take_from_the_form_what_the_yaml_leaves_out(files, loaded) -> None:
    items = loaded(files).instrument("child_test").items
    reads, spend, mood, sick = (items[name] for name in ("reads", "spend", "mood_2", "sick_days"))
    assert (reads.type, reads.yes[0], reads.no[0], reads.required) == ("boolean", "1", "0", False)
    assert reads.question == ["g/reads", "g-reads", "reads", "g.reads"]
    assert (spend.type, spend.unit, spend.question) == ("amount", "KES/month", ["spend_total"])
    assert (mood.type, mood.min, mood.max) == ("integer", 2, 5)
    assert (sick.type, sick.question) == ("integer", ["sick"])
    assert not any(isinstance(item, DerivedItem) for item in (reads, spend, mood, sick))


def test_every_other_question_is_an_item_by_itself(files, loaded) -> None:
    items = loaded(files).instrument("child_test").items
    derived = {name: item.type for name, item in items.items() if isinstance(item, DerivedItem)}
    assert derived == {
        "start": "text",
        "child_id": "text",
        "consent": "boolean",
        "grade": "select_one",
        "food": "select_multiple",
        "seen": "date",
        "child_age": "integer",
        "other_age": "integer",
        "odd": "text",
    }
    assert items["consent"].required and items["food"].choices == {"rice": "Rice", "fish": "Fish"}


def test_items_may_be_left_out_altogether(files, loaded, found) -> None:
    files["instruments/child_test.yml"] = (
        'definition: forms/child_survey.csv\nmissing: {"-99": dont_know}\nprivacy: {keep: ["*"]}\n'
    )
    del files["indicators/sickness.yml"], files["indicators/spend.yml"]
    files["indicators/reads_pct.yml"] = files["indicators/mood.yml"].replace("Mood", "Moods")
    files["analyses.yml"] = files["analyses.yml"].replace("[reads_pct, spend]", "[mood]")
    files["sources.yml"] = files["sources.yml"].replace("  units: {child_test.spend: USD/month}\n", "")
    items = loaded(files).instrument("child_test").items
    assert all(isinstance(item, DerivedItem) for item in items.values())
    assert not [fault for fault in found(files) if fault.severity == "error"]


def test_identifying_questions_and_notes_are_listed_but_are_no_items(files, loaded) -> None:
    listed = {
        path: rest for path, *rest in rows(loaded(files), "form_fields", "path", "item", "is_identifier")
    }
    assert listed["g/home"] == [None, True] and listed["deviceid"] == [None, True]
    assert listed["thanks"] == [None, False]
    assert listed["g/reads"] == ["reads", False] and listed["child/age"] == ["child_age", False]
    assert len(listed) == 18


def test_the_registry_holds_fields_choices_and_rules_of_the_form(files, loaded) -> None:
    programme = loaded(files)
    fields = {
        row[0]: row[1:]
        for row in rows(programme, "form_fields", "path", "label", "field_type", "repeat", "line")
    }
    assert fields["g/reads"] == ("Reads?", "select_one", None, 6)
    assert fields["child/age"] == ("Age", "integer", "child", 20)
    assert ("yn", "-99", "Does not know") in rows(programme, "form_choices", "choice_list", "code", "label")
    rules = {
        row[:2]: row[2:]
        for row in rows(programme, "form_expressions", "path", "kind", "item", "source_text", "expression")
    }
    assert rules["g/reads", "relevance"][:2] == ("reads", "${consent} = 1")
    assert rules["spend_total", "constraint"][2] is not None
    assert rules["g/home", "relevance"] == (None, "${consent} = 1", None)
    reasons = dict(rows(programme, "form_expressions", "path", "why_untranslated"))
    assert reasons["g/home"]


def test_codes_of_derived_items_are_known_and_missing_ones_are_no_answers(files, loaded) -> None:
    codes = rows(loaded(files), "item_codes", "item", "code", "label")
    assert ("food", "fish", "Fish") in codes and ("grade", "01", "one") in codes
    assert not [code for code in codes if code[1] == "-99"]


def test_a_change_of_the_form_changes_the_registry(files, loaded, write_folder) -> None:
    def all_rows() -> list[Any]:
        programme = loaded(files)
        tables = registry_tables(programme, programme.folder / "home", date(2024, 12, 1))
        return [table.to_pylist() for table in tables.values()]

    before = all_rows()
    files["forms/child_survey.csv"] = SURVEY.replace(". >= 0", ". >= 10")
    assert all_rows() != before


COLUMNS = [
    *("g/reads", "g/home", "g-home-Latitude", "_g/home_longitude", "spend_total", "consent", "deviceid"),
    *("seen", "child_id", "site"),
]


@pytest.mark.parametrize(
    ("privacy", "kept"),
    [
        ("{}", ["g/reads", "spend_total"]),
        ('{keep: ["*"]}', ["consent", "g/reads", "seen", "site", "spend_total"]),
        ('{keep: ["g/*"]}', ["g/reads", "spend_total"]),
        ('{keep: ["g/*", g/home]}', ["g/home", "g/reads", "spend_total"]),
        ("{keep: [seen], pseudonym: [deviceid]}", ["deviceid", "g/reads", "seen", "spend_total"]),
    ],
)
def test_the_form_lets_nothing_into_the_lake_and_keeps_identifiers_out(files, loaded, privacy, kept) -> None:
    files["instruments/child_test.yml"] += f"privacy: {privacy}\n"
    files["programme.yml"] = files["programme.yml"].replace(
        "privacy: {min", "privacy: {pseudonym_key: {env: KEY}, min"
    )
    programme = loaded(files)
    source = programme.source("endline_redcap")
    assert kept_columns(programme, source, [name for name in COLUMNS if name != "child_id"]) == sorted(
        {*kept, "site"}
    )


def test_lake_columns_feed_derived_items_but_ids_stay_ids(files, loaded) -> None:
    files["instruments/child_test.yml"] += 'privacy: {keep: ["*"]}\n'
    programme = loaded(files)
    path = programme.folder / "home/lake/endline_redcap/main.parquet"
    path.parent.mkdir(parents=True)
    columns = ["child_id", "site", "g/reads", "seen", "odd", "extra"]
    pl.DataFrame({"_sw_record_id": ["1"]} | {name: ["1"] for name in columns}).write_parquet(path)
    told = {column: rest for column, *rest in rows(programme, "lake_columns", "column_name", "role", "item")}
    assert told == {
        "_sw_record_id": ["system", None],
        "child_id": ["system", None],
        "site": ["system", None],
        "g/reads": ["item", "reads"],
        "seen": ["item", "seen"],
        "odd": ["item", "odd"],
        "extra": ["unmapped", None],
    }


SICK = "question: sick}"
FAULTS = [
    # what is changed in the instrument's YAML, then: severity, line, field, message, remedy
    ("child_survey.csv", "gone.xlsx", "error", 1, "definition", "gone.xlsx': it is not there", "correct"),
    ("forms/child_survey.csv", "programme.yml", "error", 1, "definition", "no form definition", "an XLSForm"),
    ("  days:", "  dayz:", "error", 9, "items.dayz", "has no question 'dayz'", "did you mean 'days'"),
    (SICK, "question: sik}", "error", 8, "items.sick_days.question", "'sik'", "did you mean 'sick'"),
    (SICK, "question: sik, type: integer}", "warning", 8, "items.sick_days.question", "'sik'", "'sick'"),
    ("  reads:\n", "  reads: {type: date}\n", "warning", 4, "items.reads.type", "is date, but", "line 6"),
    ("  reads:\n", "  reads: {type: boolean, yes: [a]}\n", "warning", 4, "items.reads.type", "no: 1", "line"),
    ("  days:", "  age:", "error", 9, "items.age", "several questions 'age'", "child/age or other/age"),
    ("  days:", "  days:\n  thanks: {type: text}", "warning", 10, "items.thanks.type", "a note", "correct"),
    ("  mood_1: {}", "  mood_1: {max: 0}", "error", 6, "items.mood_1.min", "greater than max", "correct"),
    ("  reads:\n", "  reads: 5\n", "error", 4, "items.reads", "", "write fields below it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "severity", "line", "field", "message", "remedy"), FAULTS)
def test_faults_name_the_line_and_the_remedy(
    files, found, old, new, severity, line, field, message, remedy
) -> None:
    assert old in files["instruments/child_test.yml"]
    files["instruments/child_test.yml"] = files["instruments/child_test.yml"].replace(old, new)
    faults = [fault for fault in found(files) if fault.field.startswith(f"instrument.{field}")]
    assert [fault.severity for fault in faults] == [severity]
    assert (faults[0].file, faults[0].line) == ("instruments/child_test.yml", line)
    assert message in faults[0].message and remedy in faults[0].remedy


def test_what_the_reader_passed_over_is_told_as_a_warning_with_its_row(files, found) -> None:
    (fault,) = [fault for fault in found(files) if fault.file == "forms/child_survey.csv"]
    assert (fault.line, fault.severity, fault.field) == (25, "warning", "definition")
    assert "the type hologram of odd is unknown" in fault.message


def test_an_indicator_may_not_read_what_no_one_let_into_the_lake(files, found, loaded) -> None:
    files["instruments/child_test.yml"] = files["instruments/child_test.yml"].replace("  days:\n", "")
    with pytest.raises(ProgrammeFaults, match="no answer to it enters the lake"):
        loaded(files)
    files["instruments/child_test.yml"] += "privacy: {keep: [days]}\n"
    assert loaded(files).instrument("child_test").items["days"].type == "integer"


def test_an_instrument_of_a_form_alone_is_told_that_nothing_enters(files, found) -> None:
    files["instruments/other.yml"] = "definition: forms/child_survey.csv\n"
    (fault,) = [
        fault for fault in found(files) if fault.file == "instruments/other.yml" and "lake" in fault.message
    ]
    assert fault.severity == "warning" and "privacy" in fault.remedy


def test_an_instrument_without_items_or_form_asks_nothing(files, found) -> None:
    files["instruments/other.yml"] = "missing: {-99: refused}\n"
    (fault,) = [fault for fault in found(files) if fault.file == "instruments/other.yml"]
    assert "asks nothing" in fault.message and "definition:" in fault.remedy


def test_codes_that_only_the_form_calls_missing_are_told(files, found, shared, write_folder) -> None:
    folder = write_folder(files)
    real = shared / "real_exports/spss_stata/sample_missing.sav"
    (folder / "forms/sample.sav").write_bytes(real.read_bytes())
    files["instruments/other.yml"] = "definition: forms/sample.sav\nprivacy: {keep: ['*']}\n"
    told = [fault for fault in found(files) if fault.field == "instrument.missing"]
    assert told and all(fault.severity == "warning" for fault in told)
    assert all(fault.remedy.startswith('add missing: {"') for fault in told)


def test_ids_of_derived_items_are_valid_whatever_the_form_calls_its_questions(files, loaded) -> None:
    names = ["Âge", "2nd", "GROUP", "עברית", "x__text", "a" * 120, "sick-days", "sick_days"]
    files["forms/child_survey.csv"] = SURVEY + "".join(f"text,{name},,,,,,\n" for name in names)
    items = loaded(files).instrument("child_test").items
    derived = [name for name, item in items.items() if isinstance(item, DerivedItem)]
    assert {"age", "q_2nd", "group", "x_text"} <= set(derived)
    assert all(
        name.isascii() and name[0].isalpha() and len(name) <= 80 and "__" not in name for name in derived
    )
    assert len({column for item in items.values() for column in item.question if column == "sick_days"}) == 1


def test_every_real_form_makes_an_instrument_with_rows_of_its_own(files, loaded, shared: Path) -> None:
    real = shared / "real_exports"
    kinds = ("xlsform/*", "surveycto/hfc_training/House*.xlsx", "kobo/impact_household/survey.csv")
    kinds += (
        "kobo/api_v2/*__asset.json",
        "kobo/exports/*.source.json",
        "odk/*/*.xml",
        "redcap/*/dictionary.csv",
    )
    kinds += ("qualtrics/*/*.qsf", "spss_stata/*.sav", "spss_stata/*.dta", "surveycto/hfc_training/*.dta")
    paths = [path for kind in kinds for path in sorted(real.glob(kind))]
    assert len(paths) > 40
    for number, path in enumerate(paths):
        files[f"instruments/form_{number}.yml"] = f"definition: {path}\nprivacy: {{keep: ['*']}}\n"
    programme = loaded(files)
    tables = registry_tables(programme, programme.folder / "home", date(2024, 12, 1))
    for name, table in tables.items():
        keys = [tuple(row[key] for key in KEYS[name]) for row in table.to_pylist()]
        assert len(set(keys)) == len(keys), name
    for number, path in enumerate(paths):
        items = programme.instrument(f"form_{number}").items
        rules = [
            row for row in tables["form_expressions"].to_pylist() if row["instrument"] == f"form_{number}"
        ]
        translated = sum(row["expression"] is not None for row in rules)
        name = str(path.relative_to(real))
        print(f"{name:<80} {len(items):>4} items, {translated:>4} of {len(rules):>4} rules said in SQL")
        columns = [column for item in items.values() for column in item.question]
        assert items and len(set(columns)) == len(columns), path


def test_a_source_is_read_anew_when_its_form_lets_in_something_else(files, loaded) -> None:
    def read_as(survey: str) -> str:
        files["forms/child_survey.csv"] = survey
        programme = loaded(files)
        return input_hash(programme, programme.source("endline_redcap"), [])

    before = read_as(SURVEY)
    assert read_as(SURVEY.replace("Agrees?", "Do you agree?")) == before
    assert read_as(SURVEY.replace("text,child_id", "phonenumber,child_id")) != before
    assert (
        read_as(
            SURVEY.replace("integer,days", "begin_group,h\ninteger,days").replace("note,", "end_group\nnote,")
        )
        != before
    )
