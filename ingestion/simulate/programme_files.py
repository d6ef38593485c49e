"""The programme's YAML: the shipped demo's files, with sites.yml and sources.yml for the sites wanted.

In: the sites. Out: text by path within the programme folder. What does not depend on the sites is plain YAML
in ingestion/programmes/demo and is copied; the two files there that do are this module's output.
"""

from collections.abc import Sequence
from pathlib import Path

from ingestion.simulate import story
from ingestion.simulate.costs import CATEGORIES, PERIODS
from ingestion.simulate.costs import PATH as COSTS
from ingestion.simulate.fieldwork import RESULTS
from ingestion.simulate.frame_files import countries
from ingestion.simulate.redcap import EVENTS
from ingestion.simulate.surveycto import WAVE_CODES

DEMO = Path(__file__).parents[1] / "programmes" / "demo"
GENERATED = ("sites.yml", "sources.yml")
# With fewer pilots than this nothing can be said of a population of sites.
PILOTS_FOR_A_POPULATION = 3
IMPLEMENTER = {"pilot": "ngo", "scale_pilot": "ngo", "scaled": "government"}


def programme_files(sites: Sequence[story.Place]) -> dict[str, str]:
    """Every YAML file of a programme with these sites."""
    files = {
        path.relative_to(DEMO).as_posix(): path.read_text("utf-8")
        for path in sorted(DEMO.rglob("*.yml"))
        if path.name not in GENERATED and "exports" not in path.parts
    }
    if sum(place.stage == "pilot" for place in sites) < PILOTS_FOR_A_POPULATION:
        wanted = "inference: these_sites"
        files["analyses.yml"] = files["analyses.yml"].replace("inference: population_of_sites", wanted)
    bad, _ = story.bad_places(sites)
    if bad is None:
        del files["waivers.yml"]
    else:
        files["waivers.yml"] = files["waivers.yml"].replace("site: kakamega", f"site: {bad.site}")
    return files | {"sites.yml": sites_yml(sites), "sources.yml": sources_yml(sites)}


def sites_yml(sites: Sequence[story.Place]) -> str:
    """The sites, pilots first."""
    return _GENERATED_HEAD + "".join(_site(place) for place in sites)


def _site(place: story.Place) -> str:
    stages = [f"{{stage: {place.stage}, from: {story.STAGE_FROM[place.stage]}}}"]
    if place.order == 0 and place.stage == "pilot":
        stages.append(
            "{stage: scaled, from: 2026-01-12}"
        )  # after treatment began: still a pilot in every analysis
    eligible = 4000 + 1370 * place.order % 9000
    lines = [
        f"- site: {place.site}",
        f"  title: {place.title}",
        f"  country: {place.country}",
        f"  codes: [{place.code}]",
        "  design: cluster_rct",
        f"  implementer: {IMPLEMENTER[place.stage]}",
        f"  stages: [{', '.join(stages)}]",
        f"  population: {{eligible: {eligible}, rural_pct: {52 + 7 * place.order % 41}}}",
    ]
    if place.stage != "scaled":
        lines.append("  waves:")
        for wave in story.WAVES:
            first, last = place.days(wave)
            frozen = story.PILOT_FROZEN.get(wave) if place.stage == "pilot" else None
            ending = f", frozen: {frozen}" if frozen else ""
            if (first, last) != story.CALENDAR["scaled"][wave]:
                lines.append(f"    {wave}: {{from: {first}, closes: {last}{ending}}}")
    return "\n".join(lines) + "\n"


def sources_yml(sites: Sequence[story.Place]) -> str:
    """The sources: the listing per country, tracking, each platform's forms, and the register of costs."""
    parts = [_assignment(sites, country) for country in countries(sites)]
    parts.append(_TRACKING)
    for platform in story.platforms_of(sites):
        parts += _SURVEYS[platform](sites)
    parts.append(_COSTS)
    return _GENERATED_HEAD + "\n".join(parts)


def _named(sites: Sequence[story.Place], platform: str = "", country: str = "") -> str:
    fit = [
        place.site for place in sites if platform in ("", place.platform) and country in ("", place.country)
    ]
    return f"[{', '.join(fit)}]"


def _assignment(sites: Sequence[story.Place], country: str) -> str:
    name = story.COUNTRY_NAME[country]
    return f"""\
- source: assignment_{name}
  role: assignment
  platform: csv
  sites: {_named(sites, country=country)}
  pull: {{drop: exports/frame/{name}/*.csv, mode: snapshot}}
  keys:
{_ASSIGNMENT_KEYS[country]}"""


def _spend_unit(platform: str) -> str:
    return f"units: {{child_test.spend: {story.CURRENCY_OF[story.COUNTRY_OF[platform]]}/month}}"


def _asked(platform: str) -> str:
    return _ASKED[story.COUNTRY_OF[platform]]


def _per_wave(sites: Sequence[story.Place], platform: str, name: str, drop: str, keys: str) -> list[str]:
    parts = []
    for wave in story.WAVES:
        first, _ = story.first_day(sites, platform, wave) or (None, 0)
        parts.append(f"""\
- source: {wave}_{platform}
  role: survey
  platform: {name}
  instrument: child_test
  wave: {wave}
  sites: {_named(sites, platform)}
  pull: {{drop: exports/{platform}/{wave}/{drop}, mode: snapshot}}
  keys:{keys}
  accept: {{from: {first}}}               # earlier submissions were practice
  {_spend_unit(platform)}
  {_asked(platform)}
  max_age_days: 14
""")
    return parts


def _kobo(sites: Sequence[story.Place]) -> list[str]:
    return _per_wave(sites, "kobo", "kobotoolbox", "*.csv", " {unit: g_child/child_id, site: g_loc/site}")


def _odk(sites: Sequence[story.Place]) -> list[str]:
    keys = """
    unit: g_child-child_id
    site: g_loc-site
    disposition: {column: g_visit-result, map: {"1": complete, "2": refused}}"""
    return _per_wave(sites, "odk", "odk_central", "*.zip", keys)


def _surveycto(sites: Sequence[story.Place]) -> list[str]:
    first, _ = story.first_day(sites, "surveycto", story.WAVES[0]) or (None, 0)
    waves = ", ".join(f'"{code}": {wave}' for wave, code in WAVE_CODES.items())
    return [
        f"""\
- source: child_test_surveycto
  role: survey
  platform: surveycto
  instrument: child_test
  wave: {{column: round, map: {{{waves}}}}}
  sites: {_named(sites, "surveycto")}
  pull: {{drop: exports/surveycto/*_WIDE.csv, mode: delta}}
  keys: {{unit: child_id, site: site}}
  accept: {{from: {first}}}               # earlier submissions were practice
  {_spend_unit("surveycto")}
  {_asked("surveycto")}
  max_age_days: 14
"""
    ]


def _redcap(sites: Sequence[story.Place]) -> list[str]:
    waves = ", ".join(f"{event}: {wave}" for wave, event in EVENTS.items())
    return [
        f"""\
- source: child_test_redcap
  role: survey
  platform: redcap
  instrument: child_test
  wave: {{column: redcap_event_name, map: {{{waves}}}}}
  sites: {_named(sites, "redcap")}
  pull: {{drop: exports/redcap/*_DATA_*.csv, mode: snapshot}}
  keys: {{unit: record_id, site: redcap_data_access_group, submitted_at: visit_date}}
  # Unfinished forms (0) are left out, with the home visits, a repeating instrument, that hang on them.
  accept: {{where: {{column: child_test_complete, in: ["1", "2"]}}}}
  {_spend_unit("redcap")}
  {_asked("redcap")}
  max_age_days: 14
"""
    ]


_SURVEYS = {"kobo": _kobo, "odk": _odk, "surveycto": _surveycto, "redcap": _redcap}
_GENERATED_HEAD = (
    "# Written by the simulator (ingestion/simulate/programme_files.py) for the sites it was asked for.\n"
)
_ASSIGNMENT_KEYS = {
    "KE": """\
    unit: child_id
    site: site
    block: ward
    cluster: village
    arm: {column: arm, map: {"1": treatment, "0": control}}
    replaces: replaces_id
    subgroups:
      female: {column: sex, map: {"2": female, "1": male}}
      age_group: {column: age_band, map: {"7-8": younger, "9-11": older}}
""",
    "UG": """\
    unit: pupil
    site: site_code
    block: parish
    cluster: village
    arm: {column: grp, map: {T: treatment, C: control}}
    replaces: replacement_for
    subgroups:
      female: {column: gender, map: {F: female, M: male}}
      age_group: {column: age_band, map: {"7-8": younger, "9-11": older}}
""",
}
# In Uganda the questions are asked in Luganda; the passage that is read is the same English one.
_ASKED = {
    "KE": "asked: {language: en, mode: in_person}",
    "UG": """\
asked:
    - {language: en, mode: in_person}
    - indicators: [absence_rate, confidence_score, learning_spend]
      language: lg
      translation: back_translated""",
}
_TRACKING = f"""\
- source: tracking
  role: tracking
  platform: csv
  wave: {{column: wave, map: {{{", ".join(f"{wave}: {wave}" for wave in story.WAVES)}}}}}
  pull: {{drop: exports/tracking/*.csv, mode: snapshot}}
  keys:
    unit: child_id
    site: site
    submitted_at: visited_on
    disposition:
      column: result
      map: {{{", ".join(f'"{code}": {result}' for result, code in RESULTS.items())}}}
"""
_COSTS = f"""\
- source: costs
  role: register
  register: costs
  platform: csv
  wave: {{column: period, map: {{{", ".join(f"{period}: {wave}" for period, wave in PERIODS.items())}}}}}
  pull: {{drop: {COSTS}, mode: snapshot}}
  columns:
    amount: usd
    price_year: prices_of
    category: {{column: kind, map: {{{", ".join(f"{kind}: {meant}" for kind, meant in CATEGORIES.items())}}}}}
    behaviour: sort
    payment: paid_by
    participants: children
"""
