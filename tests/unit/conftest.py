"""A small valid programme as YAML text by file name, which a test changes by hand before it is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "programme.yml": """\
programme: reading_camps
title: Reading camps
currency: {base: USD, price_year: 2025}
conversions:
  - {from_unit: KES/month, to_unit: USD/month, factor: 0.0077, dated: 2025-06-30, ground: central bank}
privacy: {min_cell: 7, round_to: 5}
waves:
  - {wave: baseline, from: 2024-01-15, closes: 2024-03-31, is_baseline: true}
  - {wave: endline, from: 2024-11-01, closes: 2025-01-31, frozen: 2025-06-30}
nightly: {cron: "0 2 * * *", timezone: Africa/Nairobi}
""",
    "connections.yml": """\
kobo: {platform: kobotoolbox, server: https://kobo.example.org, token: {env: KOBO_TOKEN}}
""",
    "sites.yml": """\
- site: kisumu_east
  codes: [KE01, "ke 02"]
  design: cluster_rct
  stages: [{stage: pilot, from: 2024-01-01}, {stage: scaled, from: 2025-02-01}]
  waves: {endline: {closes: 2025-02-28}}
  population: {eligible: 12400}
  covariates: {fidelity_pct: 81}
- {site: siaya, codes: [KE07], design: cluster_rct, stages: [{stage: scaled, from: 2024-01-01}]}
""",
    "sources.yml": """\
- source: listing
  role: assignment
  platform: csv
  pull: {drop: frame/*.csv}
  keys:
    unit: child_id
    site: site_code
    cluster: village
    cohort: {column: year, map: {1: first, 2: second}}
    arm: {column: arm, map: {1: treatment, 0: control}}
    subgroups: {female: {column: sex, map: {1: male, 2: female}}}
    covariates: {age: age_years, income: {column: income, resolution: 1}}
- source: baseline_kobo
  role: survey
  platform: kobotoolbox
  instrument: child_test
  wave: baseline
  pull: {connection: kobo, asset: aXy1}
  keys: {unit: child_id, site: g/site}
- source: endline_redcap
  role: survey
  platform: redcap
  instrument: child_test
  wave: {column: event, map: {endline_arm_1: endline}}
  sites: [kisumu_east]
  pull: {drop: redcap/*.csv, mode: delta}
  units: {child_test.spend: USD/month}
  keys: {unit: child_id, site: site}
""",
    "instruments/child_test.yml": """\
missing: {-99: dont_know, "-88": refused}
items:
  reads: {question: [g/reads, reads], type: boolean, yes: ["1", "yes"], no: ["0", "no"], required: true}
  spend: {question: spend_total, type: amount, unit: KES/month, min: 0, max: 100000}
  grade: {question: grade, type: select_one, choices: {"01": one, "02": two}}
  mood_1: {question: mood_1, type: integer}
  mood_2: {question: mood_2, type: integer}
  sick_days: {question: sick, type: integer}
  days: {question: days, type: integer}
privacy: {keep: ["g/*"]}
""",
    "indicators/reads_pct.yml": """\
title: Children who read
unit: percent
statistic: share
of: child_test.reads
direction: higher_is_better
smallest_effect: 5
role: primary
subgroups: [female]
""",
    "indicators/spend.yml": """\
title: Spending
unit: USD/month
statistic: amount
of: child_test.spend
direction: higher_is_better
""",
    "indicators/mood.yml": """\
title: Mood
unit: points
statistic: scale_mean
items: [child_test.mood_1, child_test.mood_2]
reversed: [child_test.mood_2]
scale_min: 1
scale_max: 5
direction: higher_is_better
effect_scale: hedges_g
""",
    "indicators/sickness.yml": """\
title: Days sick
unit: days per 100 days
statistic: rate
events: child_test.sick_days
exposure: child_test.days
per: 100
direction: lower_is_better
""",
    "analyses.yml": """\
- analysis: endline_2024
  title: Endline
  waves: [endline]
  indicators: [reads_pct, spend]
  registered_on: 2024-01-10
  role: headline
  moderators: [fidelity_pct, log_eligible]
- analysis: first_cohort
  title: Endline of the first cohort
  waves: [endline]
  registered_on: 2024-01-10
  cohorts: [first]
  covariates: [baseline, female, age]
  level: network
  adjust: site
""",
}


@pytest.fixture
def programme_files() -> dict[str, str]:
    """The small programme's files, to be changed by the test."""
    return dict(FILES)


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Writes files into a programme folder of the test's own."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "programme" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return tmp_path / "programme"

    return write
