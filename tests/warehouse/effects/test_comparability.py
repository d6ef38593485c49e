"""Before anything is pooled, each site is compared with one registered version of the indicator."""

import textwrap
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables

SITES = ("east", "north", "south", "west")
STAGES = ("pilot", "pilot", "scaled", "scaled")
AT_SOUTH = "asked: [{mode: in_person}, {sites: [south], %s}]"
REFERENCE = (
    "reference: {wording: v1, language: en, recall: 7 days, population: children 7-11, mode: in_person,"
    " window: {endline: {from_day: 200, to_day: 400}}}"
)
FILES = {
    "programme.yml": """
        programme: camps
        title: Camps
        waves: [{wave: endline, from: 2024-10-01, closes: 2024-11-30}]
    """,
    "instruments/child_test.yml": """
        instrument: child_test
        wordings:
          v1: {}
          v2: {linked: [v1]}
          v3: {}
          v4: {linked: v1, items: {score: {max: 90}}}
          v5: {linked: v1, items: {score: {type: number}}}
          v6: {linked: v1, items: {score: {unit: pages}}}
          v7: {linked: v1, without: [score]}
        items:
          score: {question: score, type: integer, unit: words, min: 0, max: 100}
          likes: {question: likes, type: select_one, choices: {"1": never, "2": often}}
    """,
    "analyses.yml": """
        - {analysis: main, title: Effect, waves: [endline], registered_on: 2024-01-10, clusters: none}
    """,
}

SOURCES = """\
- source: frame
  role: assignment
  platform: csv
  pull: {drop: frame/*.csv}
  keys: {unit: id, site: site, arm: arm}
- source: endline
  role: survey
  platform: csv
  instrument: child_test
  wave: endline
  pull: {drop: endline/*.csv}
  keys: {unit: id, site: site}
"""


@pytest.fixture
def judged(tmp_path, effects_warehouse):
    """Builds the sites' states from a programme's YAML, with what the test says of the questions."""

    def build(asked="", reference=REFERENCE, rules="", files=(), indicators=("score",)):
        write(tmp_path, asked, reference, rules, dict(files), indicators)
        faults = [fault for fault in check_programme(tmp_path) if fault.severity == "error"]
        assert not faults, faults
        warehouse = effects_warehouse()
        for name, table in registry_tables(load_programme(tmp_path), tmp_path, date(2025, 6, 1)).items():
            warehouse.connection.register("rows", table)
            warehouse.connection.execute(f"create or replace table registry.{name} as from rows")
        warehouse.insert(
            "quality.admission", [{"site": site, "indicator": name} for site in SITES for name in indicators]
        )
        warehouse.build("sites")
        return warehouse

    return build


def write(folder, asked, reference, rules, files, indicators):
    sites = [
        f"- {{site: {site}, design: rct, stages: [{{stage: {stage}, from: 2024-01-15}}]}}"
        for site, stage in zip(SITES, STAGES, strict=True)
    ]
    indicator = textwrap.dedent(f"""
        title: Score
        unit: words
        statistic: mean
        of: child_test.score
        direction: higher_is_better
        smallest_effect: 1
        role: primary
        resolution: "1"
        {reference}
        {rules}
    """)
    written = FILES | {
        "sites.yml": "\n".join(sites),
        "sources.yml": SOURCES + textwrap.indent(asked, "  "),
        **{f"indicators/{name}.yml": indicator for name in indicators},
        **files,
    }
    for name, text in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def at_south(warehouse, where="true"):
    """What is found at the one site that the tests change, the others being as the reference says."""
    states, classes = (f"effects.{name}" for name in ("int_analysis_sites", "int_comparability"))
    rows = warehouse.rows(
        f"select s.*, columns('.*_finding') from {states} as s"
        f" join {classes} as c using (indicator, site, wave) where {where}"
    ).set_index("site")
    assert set(rows.comparability_class.drop("south")) <= {"A"}, rows.comparability_reason
    return rows.loc["south"]


ASPECTS = [
    ("mode: phone", "mode", "B", "phone, in the reference in person"),
    ("language: en", "language", "A", "same"),
    ("language: [EN]", "language", "A", "same"),
    ("language: sw, translation: back_translated", "language", "B", "sw, back translated"),
    ("language: sw, translation: translated", "language", "C", "in the reference en"),
    ("language: sw, translation: untranslated", "language", "C", "sw, untranslated"),
    ("language: sw", "language", "C", "nothing declared of a translation"),
    ("language: [en, sw], translation: back_translated", "language", "B", "en, sw"),
    ("translation: same_language", "language", "A", "same"),
    ("translation: back_translated", "language", "B", "another language"),
    ("recall: 7 days", "recall", "A", "same"),
    ("recall: 1 week", "recall", "A", "same"),
    ("recall: 8 days", "recall", "B", "8 days, in the reference 7 days"),
    ("recall: 1 month", "recall", "C", "30.4375 days, in the reference 7 days"),
    ("wording: v1", "wording", "A", "same"),
    ("wording: v2", "wording", "B", "v2, in the reference v1"),
    ("wording: v3", "wording", "C", "v3, in the reference v1"),
    ("wording: v4", "answers", "B", "to 90"),
    ("wording: v5", "answers", "C", "number"),
    ("wording: v6", "unit", "C", "score in pages, in the reference words"),
    ("wording: v7", "answers", "C", "score not asked"),
    ("population: Children 7-11", "population", "A", "same"),
    ("population: adults", "population", "C", "adults, in the reference children 7-11"),
    ("window: {from_day: 200, to_day: 400}", "window", "A", "same"),
    (
        "window: {from_day: 200, to_day: 430}",
        "window",
        "B",
        "days 200 to 430, in the reference days 200 to 400",
    ),
    ("window: {from_day: 169, to_day: 300}", "window", "C", "days 169 to 300"),
]


@pytest.mark.parametrize(("asked", "aspect", "letter", "words"), ASPECTS)
def test_every_aspect_moves_the_class_as_registered_and_says_how(judged, asked, aspect, letter, words):
    rules = "comparability: {linked_wording: A}" if aspect in ("answers", "unit") else ""
    row = at_south(judged(AT_SOUTH % asked, rules=rules))
    assert words in row[f"{aspect}_finding"]
    assert row[f"{aspect}_finding"].startswith("same" if letter == "A" else f"{letter}: ")
    assert row.comparability_class == letter


def test_what_differs_by_class_c_is_not_comparable_and_the_reason_names_both_sides(judged):
    row = at_south(judged(AT_SOUTH % "recall: 1 month, mode: phone"))
    assert row.state == "not_comparable"
    assert row.reason.startswith(
        "not comparable: recall (C: 30.4375 days, in the reference 7 days); mode (B: phone"
    )


def test_what_nobody_declared_is_as_the_reference_says_and_named(judged):
    rows = judged().rows("from effects.int_analysis_sites")
    assert set(rows.comparability_class) == {"A"}
    words = "as in the reference; nothing declared about language, mode, population, recall, wording"
    assert set(rows.comparability_reason) == {words}


def test_without_a_reference_only_forms_and_units_are_compared_and_that_is_said(judged):
    (reason,) = set(judged(reference="").rows("from effects.int_analysis_sites").comparability_reason)
    assert reason == "as the indicator itself says; no reference version is registered"


OVERRIDES = [
    ("mode: phone", "mode: A", "A"),
    ("mode: phone", "mode: C", "C"),
    ("recall: 8 days", "small_recall: C", "C"),
    ("recall: 8 days", "small_recall_pct: 10", "C"),
    ("recall: 1 month", "recall: B", "B"),
    ("language: sw, translation: translated", "translated: B", "B"),
    ("window: {from_day: 200, to_day: 430}", "near_window_days: 29", "C"),
]


@pytest.mark.parametrize(("asked", "rules", "letter"), OVERRIDES)
def test_an_indicator_s_own_rules_win_over_those_shipped(judged, asked, rules, letter):
    row = at_south(judged(AT_SOUTH % asked, rules=f"comparability: {{{rules}}}"))
    assert row.comparability_class == letter


def test_the_window_is_judged_by_the_dates_of_each_site_when_nothing_is_declared(judged):
    starts = dict.fromkeys(SITES, "2024-01-15") | {"south": "2023-10-17"}
    sites = [
        f"- {{site: {site}, design: rct, stages: [{{stage: pilot, from: {start}}}]}}"
        for site, start in starts.items()
    ]
    row = at_south(judged(files={"sites.yml": "\n".join(sites)}))
    assert row.window_finding == "B: days 350 to 410, in the reference days 200 to 400"


WAYS = {
    "A": ("", "mode: in_person", "language: en"),
    "B": ("mode: phone", "recall: 8 days", "wording: v2", "language: sw, translation: back_translated"),
    "C": (
        "recall: 30 days",
        "population: adults",
        "wording: v3",
        "language: sw",
        "mode: phone, recall: 1 day",
    ),
}


def test_a_site_of_class_c_enters_no_pool_whatever_the_others_are(judged):
    """Every combination of comparable and incomparable sites, each an indicator of one programme."""
    rng = np.random.default_rng(11)
    letters = {f"score_{n}": combination for n, combination in enumerate(product("AC", repeat=len(SITES)))}
    # where a site is comparable, B is as good as A
    letters = {
        name: [rng.choice(["A", "B"]) if one == "A" else one for one in found]
        for name, found in letters.items()
    }
    said = [
        f"- {{sites: [{site}], indicators: [{name}], {way}}}"
        for name, found in letters.items()
        for site, letter in zip(SITES, found, strict=True)
        if (way := rng.choice(WAYS[letter]))
    ]
    warehouse = judged("asked:\n" + textwrap.indent("\n".join(said), "  "), indicators=tuple(letters))
    before = warehouse.rows("from effects.int_comparability")
    warehouse.units(pd.concat([units(rng).assign(indicator=name) for name in letters]))
    warehouse.build("sites", "moments", "fits", "effects", "retention")
    pd.testing.assert_frame_equal(before, warehouse.rows("from effects.int_comparability"))
    states = warehouse.rows("from effects.int_analysis_sites").set_index(["indicator", "site"])
    effects = warehouse.rows("from effects.int_site_effects where dimension = 'all'")
    pools = warehouse.rows(
        "from effects.int_pooled_effects where estimator = 'equal_mean' and stage <> 'all' and is_headline"
    ).set_index(["indicator", "stage"])
    verdicts = warehouse.rows("from effects.int_effect_retention").set_index("indicator").verdict
    for name, found in letters.items():
        expected = dict(zip(SITES, found, strict=True))
        here = states.loc[name]
        assert here.comparability_class.to_dict() == expected
        assert set(here[here.comparability_class == "C"].state) <= {"not_comparable"}
        estimated = set(effects[(effects.indicator == name) & effects.estimate.notna()].site)
        assert estimated == {site for site, letter in expected.items() if letter != "C"}
        for stage, members in (("pilot", SITES[:2]), ("scaled", SITES[2:])):
            comparable = [site for site in members if expected[site] != "C"]
            pool = pools.loc[(name, stage)]
            assert pool.site_count == len(comparable)
            assert pd.isna(pool.estimate) == (not comparable)
            if not comparable:
                assert "not comparable" in pool.why_missing
        sides = [{expected[site] for site in members} for members in (SITES[:2], SITES[2:])]
        assert (verdicts[name] == "not_comparable") == ({"C"} in sides)


def units(rng):
    people = pd.DataFrame(
        [*product(SITES, ("treatment", "control"), range(12))], columns=["site", "arm", "n"]
    )
    return people.assign(
        unit_key=[f"u{n}" for n in range(len(people))],
        cluster_id=None,
        value_steps=rng.integers(0, 100, len(people)) + 20 * (people.arm == "treatment"),
    ).drop(columns="n")


def test_a_change_is_as_comparable_as_the_worse_of_its_waves(judged):
    waves = """
        programme: camps
        title: Camps
        waves:
          - {wave: baseline, from: 2024-02-01, closes: 2024-02-28, is_baseline: true}
          - {wave: endline, from: 2024-10-01, closes: 2024-11-30}
    """
    files = {
        "programme.yml": waves,
        "sources.yml": SOURCES.replace(
            "wave: endline", 'wave: {column: w, map: {"0": baseline, "1": endline}}'
        )
        + "  asked: [{sites: [south], waves: [baseline], population: adults}]",
    }
    for rules, state in (("change_from_baseline: true", "not_comparable"), ("", "included")):
        row = at_south(judged(rules=rules, files=files), "wave = 'endline'")
        assert row.state == state
        assert ("its baseline is not comparable: population (C: adults" in (row.reason or "")) == bool(rules)


OVERLAPS = [
    ("", 1, (2, 2, 2)),
    ("wording: v1", 1, (2, 2, 2)),
    ("wording: v4", 1, (2, 2, 2)),
    ("wording: v5", 1 / 2, (1, 2, 2)),
    ("wording: v6", 1 / 2, (1, 2, 2)),
    ("wording: v7", 1 / 2, (1, 2, 1)),
]


@pytest.mark.parametrize(("asked", "score", "counts"), OVERLAPS)
def test_two_sites_overlap_in_what_both_asked_alike(judged, asked, score, counts):
    warehouse = judged(f"asked: [{{sites: [south], {asked}}}]" if asked else "")
    warehouse.build("int_instrument_overlap")
    rows = warehouse.rows("from effects.int_instrument_overlap").set_index(["site_a", "site_b"])
    assert len(rows) == 6, "each pair of four sites stands once"
    alike = rows.drop(index=[pair for pair in rows.index if "south" in pair])
    assert set(alike.overlap_score) == {1}
    row = rows.loc[("east", "south")]
    assert row.overlap_score == pytest.approx(score, rel=1e-12)
    assert tuple(row[["shared_items", "items_a", "items_b"]]) == counts
    assert rows.loc[("south", "west")].overlap_score == row.overlap_score


def test_an_item_whose_column_never_came_was_not_asked(judged):
    second = textwrap.dedent("""
        - source: late
          role: survey
          platform: csv
          instrument: child_test
          sites: [south]
          wave: endline
          pull: {drop: late/*.csv}
          keys: {unit: id, site: site}
    """)
    warehouse = judged(files={"sources.yml": SOURCES + "  sites: [east, north, west]" + second})
    warehouse.insert("registry.lake_tables", [{"source": "late", "lake_table": "main"}])
    column = {"source": "late", "lake_table": "main", "column_name": "likes", "role": "item", "item": "likes"}
    warehouse.insert("registry.lake_columns", [column])
    warehouse.build("int_instrument_overlap")
    rows = warehouse.rows("from effects.int_instrument_overlap").set_index(["site_a", "site_b"])
    assert tuple(rows.loc[("east", "south")][["overlap_score", "items_a", "items_b"]]) == (0.5, 2, 1)
    assert rows.loc[("east", "west")].overlap_score == 1
