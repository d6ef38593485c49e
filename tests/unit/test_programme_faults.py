"""Whatever is wrong with a programme's YAML is said at once, with file, line, field and remedy."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.programme.load import Fault, ProgrammeFaults, check_programme, load_programme

NEW_SURVEY = """\
- source: again
  role: survey
  platform: kobotoolbox
  instrument: child_test
  wave: endline
  pull: {pull}
  keys: {unit: child_id, site: site}
"""
SECOND_HEADLINE = """\
- {analysis: rival, title: Rival, waves: [endline], registered_on: 2024-01-10, role: headline}
"""


# By file: text there, text instead, field of the fault, words of its message, words of its remedy
FAULTS = {
    "sites.yml": [
        ("design:", "desing:", "site.desing", "unknown", "did you mean 'design'"),
        ("  design: cluster_rct\n", "", "site.design", "missing", "add"),
        ("cluster_rct", "cluster_trial", "site.design", "'cluster_trial'", "cluster_rct"),
        ("KE07", "Ke 01", "site.codes.0", "kisumu_east", "one site"),
        ("KE07", "kisumu_east", "site.codes.0", "kisumu_east", "one site"),
        ("site: siaya", "site: kisumu_east", "site.site", "already at sites.yml:1", "rename"),
        ("site: siaya", "site: Siaya", "site.site", "pattern", "lower-case"),
        ("from: 2025-02-01", "from: 2023-02-01", "site.stages.1", "no later", "oldest first"),
        ("stage: pilot", "stage: scaled", "site.stages.1", "cannot follow", "order"),
        ("stage: pilot", "stage: pilto", "site.stages.0.stage", "'pilto'", "did you mean 'pilot'"),
        ("endline: {", "enldine: {", "site.waves.enldine", "not declared", "'endline'"),
        ("2025-02-28", "2024-02-28", "site.waves.endline", "closes before", "before"),
        ("from: 2025-02-01", "from: soon", "site.stages.1.from", "date", "YYYY-MM-DD"),
    ],
    "programme.yml": [
        ("wave: endline", "wave: baseline", "programme.waves.1", "twice", "keep one"),
        ("frozen: 2025-06-30", "frozen: 2025-01-01", "programme.waves.1", "frozen", "before"),
        ("factor: 0.0077", "factor: -1", "programme.conversions.0.factor", "greater", "correct"),
        ("0 2 * * *", "nightly", "programme.nightly.cron", "cron", "five fields"),
        ("Africa/Nairobi", "Nairobi", "programme.nightly.timezone", "unknown", "such as"),
        ("{min_cell", "{public: true, min_cell", "programme.privacy.min_cell", "exactly", "remove"),
        ("2024-03-31", "2024-03-31, is_base: true", "programme.waves.0.is_base", "unknown", "is_b"),
    ],
    "connections.yml": [
        ("{env: KOBO_TOKEN}", "s3cr3t", "connection.kobo.token", "literally", "{env: NAME}"),
        ("kobotoolbox", "kobbo", "connection.kobo.platform", "'kobbo'", "kobotoolbox"),
    ],
    "sources.yml": [
        ("platform: csv", "platform: surveymonkey", "source.platform", "surveymonkey", "odk_central"),
        ("platform: kobotoolbox", "platform: redcap", "source.pull.connection", "not a", "platform"),
        ("connection: kobo", "connection: koboo", "source.pull.connection", "not decl", "'kobo'"),
        (", asset: aXy1", "", "source.pull", "exactly one place", "connection with asset"),
        ("drop: frame/*.csv", "drop: /frame/*.csv", "source.pull.drop", "not a pattern", "relative"),
        ("drop: frame/*.csv", "drop: 'frame/**x'", "source.pull.drop", "not a pattern", "relative"),
        ("instrument: child_test", "instrument: child", "source.instrument", "not decl", "child_test"),
        ("  instrument: child_test\n", "", "source.instrument", "needs 'instrument'", "add"),
        ("wave: baseline", "wave: basline", "source.wave", "'basline'", "'baseline'"),
        ("endline_arm_1: endline", "endline_arm_1: end", "source.wave", "'end'", "endline"),
        ("  wave: baseline\n", "", "source.wave", "needs 'wave'", "add"),
        ("sites: [kisumu_east]", "sites: [kisumu]", "source.sites.0", "'kisumu'", "'kisumu_east'"),
        ("child_test.spend:", "child_test.spent:", "source.units.child_test.spent", "not", "spend"),
        ("1: treatment", "1: treated", "source.keys.arm.map.1", "not an arm", "treatment"),
        ("    arm: {column: arm, map: {1: treatment, 0: control}}\n", "", "source.keys.arm", "needs", "add"),
        ("site: g/site", "site: {column: s, map: {1: a}}", "source.keys.site.map", "map", "sites.yml"),
        ("wave: baseline", "wave: baseline\n  round: randomised", "source.round", "no meaning", "remove"),
        ("platform: csv", "platform: csv\n  is_randomised: false", "source.is_randomised", "named", "own"),
        ("platform: csv", "platform: python_package", "source.pull", "does not go", "package"),
        ("    cluster: village\n", "", "analysis.clusters", "which cluster", "keys.cluster"),
    ],
    "instruments/child_test.yml": [
        ("unit: KES/month, ", "", "instrument.items.spend.type", "no unit", "add"),
        (', choices: {"01": one, "02": two}', "", "instrument.items.grade.type", "no choices", "add"),
        ('"-88"', '"0"', "instrument.items.reads", "missing code", "one of its two"),
        ('no: ["0"', 'no: ["1"', "instrument.items.reads.yes", "both", "one side"),
        ('yes: ["1"', "yes: [1.0", "instrument.items.reads.yes.0", "text", "quotes"),
        ("min: 0", "min: 200000", "instrument.items.spend.min", "greater", "correct"),
    ],
    "indicators/reads_pct.yml": [
        ("child_test.reads", "child_test.read", "indicator.of", "not decl", "reads'"),
        ("child_test.reads", "child.reads", "indicator.of", "instrument 'child'", "child_"),
        ("child_test.reads", "child_test.spend", "indicator.of", "makes no share", "boolean"),
        ("unit: percent", "unit: points", "indicator.unit", "percent", "percent"),
        ("role: primary", "resolution: 0.3\nrole: primary", "indicator.resolution", "grid", "remove"),
        ("smallest_effect: 5\n", "", "indicator", "smallest effect", "smallest_effect"),
        ("[female]", "[femal]", "indicator.subgroups.0", "'femal'", "'female'"),
    ],
    "indicators/spend.yml": [
        ("of: child_test.spend\n", "", "indicator", "needs 'of'", "add of"),
        ("unit: USD/month", "unit: EUR/month", "indicator.unit", "no conversion", "add a conv"),
        ("unit: USD", "effect_scale: risk_difference\nunit: USD",
         "indicator.effect_scale", "no risk difference", "difference"),
        ("title:", "indicator: reads_pct\ntitle:", "indicator.indicator", "already", "rename"),
    ],
    "indicators/sickness.yml": [
        ("per: 100", "per: 0", "indicator.per", "greater", "rate"),
    ],
    "indicators/mood.yml": [
        ("scale_min: 1\n", "", "indicator.reversed", "ends", "scale_min"),
        ("scale_min: 1", "scale_min: 1\nmin_answered: 3", "indicator.min_answered", "more", "lower"),
    ],
    "analyses.yml": [
        ("waves: [endline]", "waves: [enlin]", "analysis.waves.0", "'enlin'", "'endline'"),
        ("[reads_pct, spend]", "[reads]", "analysis.indicators.0", "'reads'", "reads_pct"),
        ("level: network", "level: network\n  round: attended", "analysis.round", "not decl", "random"),
        ("level: network", "level: network\n  contrast: {treatment: treatment_aide}",
         "analysis.contrast.treatment", "assigns the arm 'treatment_aide'", "control, treatment"),
        ("level: network", "level: network\n  contrast: {treatment: control}",
         "analysis.contrast", "itself", "two different"),
        ("cohorts: [first]", "cohorts: [third]", "analysis.cohorts.0", "'third'", "first, second"),
        ("level: network", "level: network\n  clusters: none", "analysis.clusters", "ignored", "cross"),
        ("  level: network\n", "", "analysis.adjust", "no meaning", "level: network"),
        ("level: network", "level: network\n  inference: population_of_sites",
         "analysis.inference", "population", "these_sites"),
        ("level: network", "level: network\n  unit: person_weighted", "analysis.unit", "siaya", "eligible"),
        ("- analysis: first_cohort", SECOND_HEADLINE + "- analysis: first_cohort",
         "analysis.role", "'endline_2024' already", "further"),
    ],
}  # fmt: skip
CASES = [(file, *case) for file, cases in FAULTS.items() for case in cases]


@pytest.mark.parametrize(("file", "old", "new", "field", "message", "remedy"), CASES)
def test_each_fault_names_file_line_field_and_remedy(
    programme_files, write_folder, file, old, new, field, message, remedy
) -> None:
    assert old in programme_files[file]
    programme_files[file] = programme_files[file].replace(old, new, 1)
    folder = write_folder(programme_files)
    errors = [fault for fault in check_programme(folder) if fault.severity == "error"]
    found = [fault for fault in errors if fault.field == field and message in fault.message]
    assert found, [str(fault) for fault in errors]
    assert remedy in found[0].remedy
    assert found[0].file == ("analyses.yml" if field.startswith("analysis") else file)
    assert_place_exists(found[0], programme_files)
    with pytest.raises(ProgrammeFaults):
        load_programme(folder)


def assert_place_exists(fault: Fault, files: dict[str, str]) -> None:
    assert fault.file in files
    assert 1 <= fault.line <= max(len(files[fault.file].splitlines()), 1)
    assert fault.field and fault.message and fault.remedy


def test_the_line_is_the_one_of_the_field(programme_files, write_folder) -> None:
    programme_files["sources.yml"] = programme_files["sources.yml"].replace("1: treatment", "1: treated")
    (fault,) = [
        fault for fault in check_programme(write_folder(programme_files)) if "not an arm" in fault.message
    ]
    assert "1: treated" in programme_files["sources.yml"].splitlines()[fault.line - 1]
    assert str(fault).startswith(
        f"sources.yml:{fault.line} source.keys.arm.map.1: 'treated' is not an arm. Remedy: "
    )


def test_all_faults_are_told_at_once(programme_files, write_folder) -> None:
    programme_files["sites.yml"] = "- {site: a\n  b: ["
    programme_files["programme.yml"] += "unkown: 1\n"
    programme_files["indicators/spend.yml"] = programme_files["indicators/spend.yml"].replace(
        "spend\n", "spent\n"
    )
    with pytest.raises(ProgrammeFaults) as raised:
        load_programme(write_folder(programme_files))
    assert {"sites.yml", "programme.yml", "indicators/spend.yml"} <= {
        fault.file for fault in raised.value.faults
    }


@pytest.mark.parametrize("name", ["programme.yml", "sites.yml", "sources.yml", "analyses.yml"])
def test_a_missing_file_is_named(programme_files, write_folder, name) -> None:
    del programme_files[name]
    faults = check_programme(write_folder(programme_files))
    assert [fault.message for fault in faults if fault.file == name] == [
        "it is missing from the programme folder"
    ]


def test_an_instrument_that_is_gone_is_told_wherever_it_is_named(programme_files, write_folder) -> None:
    """A programme may have no instrument at all, so the missing one is a fault of those that name it."""
    del programme_files["instruments/child_test.yml"]
    faults = check_programme(write_folder(programme_files))
    told = {fault.file for fault in faults if fault.severity == "error"}
    assert {"sources.yml", "indicators/mood.yml", "indicators/reads_pct.yml"} <= told


@pytest.mark.parametrize("name", ["programme.yml", "sites.yml", "sources.yml", "analyses.yml"])
def test_an_empty_file_is_a_fault(programme_files, write_folder, name) -> None:
    programme_files[name] = "# nothing here\n"
    faults = check_programme(write_folder(programme_files))
    assert [fault.message for fault in faults if fault.file == name] == ["the file is empty"]


@pytest.mark.parametrize(
    "connection",
    [
        "hunter2",
        "[hunter2]",
        "{platform: kobotoolbox, token: hunter2}",
        "{platform: kobotoolbox, password: {env: hunter 2}}",
        "{platform: kobotoolbox, token: {env: [hunter2]}}",
    ],
)
def test_a_fault_never_quotes_a_secret(programme_files, write_folder, connection) -> None:
    programme_files["connections.yml"] = f"kobo: {connection}\n"
    faults = [
        fault for fault in check_programme(write_folder(programme_files)) if "connection" in fault.field
    ]
    assert [fault for fault in faults if fault.file == "connections.yml"]
    assert not any("hunter" in str(fault) for fault in faults)


SAME_PULLS = [
    ("{connection: kobo, asset: aXy1}", "source 'baseline_kobo'"),
    ("{drop: redcap/*.csv}", "source 'endline_redcap'"),
    ("{drop: redcap/a.csv}", "source 'endline_redcap'"),
]


@pytest.mark.parametrize(("pull", "message"), SAME_PULLS)
def test_two_sources_that_claim_the_same_submissions_are_told(
    programme_files, write_folder, pull, message
) -> None:
    programme_files["sources.yml"] += NEW_SURVEY.replace("{pull}", pull)
    folder = write_folder(programme_files)
    (fault,) = [fault for fault in check_programme(folder) if message in fault.message]
    line = programme_files["sources.yml"].splitlines()[fault.line - 1]
    assert pull in line and fault.field.startswith("source.pull") and "accept" in fault.remedy
    # the pull marks the later source and the other sites publish, so the programme loads
    assert fault.severity == "warning"
    load_programme(folder)


def test_two_instruments_may_read_the_same_export(programme_files, write_folder) -> None:
    programme_files["instruments/other.yml"] = "items: {b: {question: b, type: text}}\n"
    twin = NEW_SURVEY.replace("{pull}", "{drop: redcap/*.csv}").replace("child_test", "other")
    programme_files["sources.yml"] += twin
    assert not [
        fault for fault in check_programme(write_folder(programme_files)) if "'endline_" in fault.message
    ]


def test_rows_divided_by_accept_are_not_the_same_submissions(programme_files, write_folder) -> None:
    place, accept = "{connection: kobo, asset: aXy1}", "  accept: {where: {column: form, in: [%s]}}\n"
    twin = NEW_SURVEY.replace("{pull}", place) + accept % "b"
    programme_files["sources.yml"] = programme_files["sources.yml"].replace(
        f"  pull: {place}\n", f"  pull: {place}\n{accept % 'a'}"
    )
    programme_files["sources.yml"] += twin
    assert not [
        fault for fault in check_programme(write_folder(programme_files)) if fault.severity == "error"
    ]


def test_patterns_that_match_the_same_file_are_a_warning(programme_files, write_folder) -> None:
    programme_files["sources.yml"] += NEW_SURVEY.replace("{pull}", "{drop: red*/a.csv}")
    folder = write_folder(programme_files | {"redcap/a.csv": "x\n"})
    (fault,) = [fault for fault in check_programme(folder) if "matches files of" in fault.message]
    assert fault.severity == "warning" and "redcap/a.csv" in fault.message


LINES = st.text(string.printable + "é'\"{}[]:-&*!|>%@\\", max_size=12)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_raises_anything_but_faults_with_a_place(programme_files, write_folder, data) -> None:
    files = dict(programme_files)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(files)))
        text = files[name]
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        files[name] = text[:start] + data.draw(LINES) + text[end:]
    files = {name: text.replace("\r", "\n") for name, text in files.items()}
    folder = write_folder(files)
    faults = check_programme(folder)
    for fault in faults:
        assert_place_exists(fault, files)
    try:
        load_programme(folder)
    except ProgrammeFaults as raised:
        assert raised.faults == faults
    else:
        assert all(fault.severity == "warning" for fault in faults)


VALUES = st.sampled_from(
    ["", "null", "true", "1", "-1", "1.5", "[]", "{}", "[a, 1]", "{a: b}", "2024-01-01", "x y", "~a"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_wrong_shape_of_a_value_raises_anything_but_faults(programme_files, write_folder, data) -> None:
    files = dict(programme_files)
    name = data.draw(st.sampled_from(sorted(files)))
    places = [
        place for place, sign in enumerate(files[name]) if sign in ":,{[" and files[name][place + 1] in " {["
    ]
    start = data.draw(st.sampled_from(places)) + 1
    end = min(place for sign in ",}]\n" if (place := files[name].find(sign, start)) > 0)
    files[name] = f"{files[name][:start]} {data.draw(VALUES)}{files[name][end:]}"
    faults = check_programme(write_folder(files))
    for fault in faults:
        assert_place_exists(fault, files)
