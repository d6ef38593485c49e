"""A real survey against its own form: what the form states of its 632 interviews; and other real forms.

The interviews are 632 x 348, written by R; the form is an XLSForm as two CSVs. Of its 81 constraints and 174
conditions, 57 and 108 belong to a question that is a column of the data, by its bare name; the others'
questions have no column, mostly because no one was asked them. Evaluation is the facts': the terms of
registry.rule_terms over the texts of the lake.
"""

import csv
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest
from ruamel.yaml import YAML

from expectations.compile import rule_tables
from expectations.form_expression import read_form_expression
from expectations.rule import load_rules, shipped_rules_folder
from ingestion.definitions.reader import read_definition
from ingestion.definitions.translate import translate
from ingestion.export_fault import ExportFault
from ingestion.lake import lake_path
from ingestion.programme.entries import read_entries
from ingestion.programme.load import load_programme
from ingestion.programme.registry_tables import registry_tables
from ingestion.pull import pull_source

KEYS = {"unit": "X_uuid", "record": "X_uuid", "site": "neighbourhood", "submitted_at": "X_submission_time"}


def form_of(shared: Path) -> Path:
    return shared / "real_exports" / "kobo" / "impact_household"


@pytest.fixture
def household(shared, one_source):
    """Pulls the interviews, changed by a function of their rows, and gives (registry, rules, lake file)."""

    def pulled(change=lambda rows: None):
        with (form_of(shared) / "raw_data.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        change(rows)
        source = one_source("csv", {}, unit="X_uuid", site="neighbourhood", keys=KEYS)
        with (source.folder / "exports" / "raw_data.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        (source.folder / "forms").mkdir(exist_ok=True)
        for name in ("survey.csv", "choices.csv"):
            shutil.copy(form_of(shared) / name, source.folder / "forms" / name)
        instrument = {"definition": "forms/survey.csv", "privacy": {"keep": ["*"]}}
        shutil.rmtree(source.home, ignore_errors=True)
        YAML().dump(instrument, source.folder / "instruments" / "form.yml")
        indicator = YAML().load(source.folder / "indicators" / "seen.yml")
        YAML().dump(indicator | {"of": "form.num_hh_member"}, source.folder / "indicators" / "seen.yml")
        programme = load_programme(source.folder)
        receipt = pull_source(programme, "answers", source.home)
        assert (receipt.state, receipt.rows_kept) == ("landed", len(rows)), receipt.message
        registry = registry_tables(programme, source.home, date(2026, 11, 23))
        folder = shipped_rules_folder()
        rules = load_rules([entry for path in sorted(folder.glob("*.yml")) for entry in read_entries(path)])
        return registry, rule_tables(rules, registry), lake_path(source.home, "answers") / "main.parquet"

    return pulled


def counted(registry, tables, lake: Path) -> dict[str, tuple[int, int]]:
    """(violations, denominator) of every rule of the form, in one scan."""
    read = [row for row in registry["lake_columns"].to_pylist() if row["role"] == "item"]
    types = {row["item"]: row["item_type"] for row in registry["items"].to_pylist()}
    casts = {"integer": "decimal(38, 12)", "number": "decimal(38, 12)", "date": "date"}
    texts = ", ".join(
        f"""nullif(trim("{row["column_name"]}"), '') as "{item}__text",
        try_cast("{item}__text" as {casts.get(types[item], "varchar")}) as "{item}__parsed",
        if("{item}__text" is null, 'blank', 'answered') as "{item}__state" """
        for row in read
        for item in [row["item"]]
    )
    terms = [row for row in tables["rule_terms"].to_pylist() if row["rule"].startswith(("form_", "codes_"))]
    counts = ", ".join(
        f"count_if({row['violation_sql']}), count_if({row['applicable_sql']})" for row in terms
    )
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {counts} from (select _sw_record_id, _sw_submitted_at, {texts} from '{lake}')"
        ).fetchone()
    return {row["rule"]: found[2 * place : 2 * place + 2] for place, row in enumerate(terms)}


def test_every_statement_on_a_question_of_the_data_is_measured_without_false_alarm(shared, household, capsys):
    registry, tables, lake = household()
    with (form_of(shared) / "raw_data.csv").open(encoding="utf-8") as file:
        header = set(next(csv.reader(file)))
    with (form_of(shared) / "survey.csv").open(encoding="utf-8-sig", newline="") as file:
        survey = list(csv.DictReader(file))
    in_the_form = {
        kind: [row["name"] for row in survey if row[kind].strip()] for kind in ("constraint", "relevant")
    }
    in_the_data = {kind: [name for name in names if name in header] for kind, names in in_the_form.items()}
    assert {kind: (len(in_the_data[kind]), len(names)) for kind, names in in_the_form.items()} == {
        "constraint": (57, 81),
        "relevant": (108, 174),
    }

    stated = {(row["path"], row["kind"]): row for row in registry["form_expressions"].to_pylist()}
    became = {(row["path"], row["kind"]): row for row in tables["form_rules"].to_pylist()}
    measured = {key for key, row in became.items() if row["rule"]}
    for kind, ours in (("constraint", "constraint"), ("relevance", "relevant")):
        names = [path.rpartition("/")[2] for path, of in measured if of == kind]
        assert sorted(names) == sorted(in_the_data[ours])
    # What is not measured is listed, each with its reason.
    reasons = {key: row["why_untranslated"] or became[key]["why_not_measured"] for key, row in stated.items()}
    assert {key for key, why in reasons.items() if why is None} == measured
    listed = Counter((key[1], why) for key, why in reasons.items() if why is not None)
    assert listed["constraint", "its question is not in the lake"] == 81 - 57
    assert listed["relevance", "its question is not in the lake"] == 174 - 108 - 3
    assert listed["relevance", "the question is a note, which has no answer"] == 3

    found = counted(registry, tables, lake)
    broken = {rule: count for rule, count in found.items() if count[0]}
    with capsys.disabled():
        checks = sum(count[1] for count in found.values())
        print(f"\n{len(found)} statements measured on 632 interviews: {checks} answers judged")
        print("\n".join(f"  not measured: {n:3} {kind}: {why}" for (kind, why), n in sorted(listed.items())))
        print(
            "\n".join(f"  broken: {rule}: {count[0]} of {count[1]}" for rule, count in sorted(broken.items()))
        )
    # No constraint and no condition is broken; two questions are blank though the form required them.
    assert broken == {
        "form_questions_answered__form__spend_piped": (437, 566),
        "form_questions_answered__form__water_source_cook": (1, 632),
    }
    assert checks > 83_982


def test_faults_that_are_put_in_are_found_and_nothing_else(household):
    before = counted(*household())
    after = counted(*household(put_faults_in))
    more = {rule: after[rule][0] - before[rule][0] for rule in after if after[rule][0] != before[rule][0]}
    assert more == {
        "form_constraints_kept__form__num_hh_member": 1,
        # The same fault again: fewer people share the tank than now live in the household.
        "form_constraints_kept__form__water_tank_nb_sharing": 1,
        "form_constraints_kept__form__water_sources": 1,
        "form_conditions_kept__form__will_to_response_r": 1,
        "form_questions_answered__form__gender_hoh": 1,
        "form_constraints_kept__form__age_hoh": 1,
    }


def put_faults_in(rows: list[dict[str, str]]) -> None:
    """Five faults in five interviews."""
    asked = [row for row in rows if row["hhh_r"] == "no"]
    headed = [row for row in rows if row["hhh_r"] == "yes"]
    # The form allows fewer than fifty.
    headed[0]["num_hh_member"] = "55"
    # "Do not know" excludes other answers.
    headed[1]["water_sources"] += " dont_know"
    # Asked only of those who do not head their household.
    headed[2]["will_to_response_r"] = "yes"
    # Asked of everyone, and required.
    asked[0]["gender_hoh"] = ""
    # Of an age that the form refuses.
    asked[1]["age_hoh"] = "12"


def test_codes_that_the_form_does_not_offer_are_the_drift_that_is_there(household):
    registry, _, lake = household()
    # Whoever published the data has put invented names in the place of the neighbourhoods'.
    coded = {row["item"] for row in registry["item_codes"].to_pylist()} - {"neighbourhood"}
    rules = [
        f"- {{rule: codes_{item}, type: allowed_values, item: form.{item}, severity: warning,"
        " threshold_pct: 0, set_by: a test, set_on: 2026-11-23, ground: a test}"
        for item in sorted(coded)
    ]
    path = lake.parent / "codes.yml"
    path.write_text("\n".join(rules))
    tables = rule_tables(load_rules(read_entries(path)), registry)
    found = counted(registry, tables, lake)
    # The form's list has no `about_half`.
    drifted = {rule: count for rule, count in found.items() if count[0]}
    assert drifted == {"codes_pay_water_charges_when": (35, 515)}


def test_every_real_form_is_translated_or_listed(shared, capsys):
    told = []
    for path in sorted((shared / "real_exports").rglob("*")):
        if path.suffix not in (".xlsx", ".xls", ".json", ".qsf", ".xml", ".csv"):
            continue
        try:
            form = read_definition(path)
        except ExportFault:
            continue
        items = {field.path: f"item_{place}" for place, field in enumerate(form.fields)}
        rules = translate(form, items)
        for rule in rules:
            assert (rule.expression is None) == (rule.why is not None)
            if rule.expression is not None:
                read_form_expression(rule.expression, lambda name: ("form", name, "text"))
        stated = sum(bool(field.constraint) + bool(field.relevance) for field in form.fields)
        assert sum(rule.kind != "required" for rule in rules) == stated
        if rules:
            done = sum(rule.expression is not None for rule in rules)
            told.append((path.relative_to(shared / "real_exports"), form.language, done, len(rules) - done))
            why = Counter(rule.why for rule in rules if rule.why)
            told += [("", f"    {reason}", "", count) for reason, count in why.items()]
    with capsys.disabled():
        print("\nform, language, translated, listed")
        print("\n".join("  ".join(map(str, row)) for row in told))
    languages = {language for _, language, done, _ in told if done}
    assert languages == {"xlsform", "odk_xml", "redcap", "qualtrics"}
    assert sum(done for _, _, done, _ in told if done) > 1_000
