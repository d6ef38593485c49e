"""An index is the weighted mean of its components' frozen z-scores, or says why it is none."""

import pytest

UNITS = {  # age, sick, mood (asked in another instrument); None: not answered
    "A1": ("8.5", "3", "4"),
    "A2": ("12", "1", None),
    "A4": ("7", None, None),
    "A5": ("9.5", "6", "2"),
    "B1": ("11", "2", "5"),
}
AGE, SICK, MOOD = (10.0, 2.0, 1), (2.5, 1.25, -1), (3.0, 0.5, 1)
COMPONENTS = {"ages": AGE, "ill": SICK, "mood": MOOD}


def index(programme, name, weights=(1.0, 1.0, 1.0), **fields):
    row = {"indicator": name, "unit": "standard deviations", "statistic": "index_klk", "min_answered": 3}
    programme.registry["indicators"].append(
        row | {"resolution": "0.000001", "indicator_order": len(programme.registry["indicators"])} | fields
    )
    programme.registry.setdefault("index_components", []).extend(
        {"indicator": name, "component": component, "component_order": place}
        | {"mean": mean, "sd": sd, "sign": sign, "weight": weights[place]}
        for place, (component, (mean, sd, sign)) in enumerate(COMPONENTS.items())
    )


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    """Five people asked by two instruments, at the baseline too."""
    programme = tiny_programme.copy()
    registry, lake = programme.registry, programme.lake
    registry["sources"].append(
        {"source": "diary", "role": "survey", "platform": "csv", "instrument": "diary"}
    )
    registry["source_sites"] += [{"source": "diary", "site": site} for site in ("alpha", "beta")]
    registry["source_waves"] += [{"source": "diary", "wave": wave} for wave in ("baseline", "endline")]
    registry["items"].append({"instrument": "diary", "item": "mood", "item_type": "number"})
    plain = {"unit": "points", "statistic": "mean", "resolution": "0.5"}
    registry["indicators"] += [
        plain | {"indicator": name, "indicator_order": 90 + place}
        for place, name in enumerate(("ill", "mood"))
    ]
    registry["indicator_terms"] += [
        {"indicator": "ill", "instrument": "child_test", "item": "sick", "term": "value"},
        {"indicator": "mood", "instrument": "diary", "item": "mood", "term": "value"},
    ]
    index(programme, "all_three")
    index(programme, "any_two", min_answered=2)
    index(programme, "moved", min_answered=2, index_mean=0.25, index_sd=0.8)
    index(programme, "weighed", (0.5, 0.2, 1.3), statistic="index_anderson", min_answered=1)
    index(programme, "against", (1.0, -1.0, -1.5), statistic="index_anderson", min_answered=1)
    for table in ("kobo.main", "redcap.main"):
        lake[table] = []
    lake["diary.main"] = []
    for wave, date, older in (("baseline", "2024-02-01", 1), ("endline", "2025-02-01", 0)):
        for unit, (age, sick, mood) in UNITS.items():
            site, table = ("alpha", "kobo.main") if unit < "B" else ("beta", "redcap.main")
            place = {"record_id": f"{wave}{unit}", "unit_id": unit, "site_code": site, "wave": wave}
            place |= {"submitted_at": f"{date}T09:00:00Z"}
            lake[table].append(place | {"age": str(float(age) - older), "sick": sick})
            if mood:
                lake["diary.main"].append(place | {"mood": mood})
    # measured by the diary at the other site
    elsewhere = {"record_id": "x", "unit_id": "A3", "wave": "endline", "submitted_at": "2025-02-01T09:00:00Z"}
    lake["kobo.main"].append(elsewhere | {"site_code": "alpha", "age": "8", "sick": "1"})
    lake["diary.main"].append(elsewhere | {"site_code": "beta", "mood": "3"})
    lake["kobo.main"].append(elsewhere | {"unit_id": "STRAY", "record_id": "y", "site_code": "alpha"})
    return build_once(programme, "+int_outcomes")


def found(built, name, unit, wave="endline"):
    return built.one(f"""select value_steps, baseline_steps, why_missing from outcomes.int_outcomes
        where indicator = '{name}' and unit_key = '{unit}' and wave = '{wave}'""")


def by_hand(unit, weights=(1.0, 1.0, 1.0), older=0):
    z = [
        None if answer is None else weight * sign * (float(answer) - shift - mean) / sd
        for answer, weight, shift, (mean, sd, sign) in zip(
            UNITS[unit], weights, (older, 0, 0), COMPONENTS.values(), strict=True
        )
    ]
    shared = sum(weight for weight, part in zip(weights, z, strict=True) if part is not None)
    return sum(part for part in z if part is not None) / shared


@pytest.mark.parametrize("unit", ["A1", "A5", "B1"])
def test_an_index_of_two_instruments_is_the_mean_of_z_scores_and_has_its_own_baseline(built, unit):
    steps, baseline, why = found(built, "all_three", unit)
    assert steps == round(by_hand(unit) * 10**6) and why is None
    assert baseline == round(by_hand(unit, older=1) * 10**6)


def test_gaps_are_filled_by_nobody_s_arm_but_by_the_unit_s_own_components(built):
    assert found(built, "any_two", "A2")[0] == round(by_hand("A2") * 10**6)
    assert found(built, "all_three", "A2")[::2] == (None, "too_few_answered")
    assert found(built, "any_two", "A4")[::2] == (None, "too_few_answered")


def test_an_index_is_moved_by_its_own_frozen_mean_and_deviation(built):
    assert found(built, "moved", "A1")[0] == round((by_hand("A1") - 0.25) / 0.8 * 10**6)


@pytest.mark.parametrize("unit", UNITS)
def test_weights_are_rescaled_to_the_components_answered(built, unit):
    assert found(built, "weighed", unit)[0] == round(by_hand(unit, (0.5, 0.2, 1.3)) * 10**6)


def test_what_is_no_index_says_why(built):
    assert found(built, "against", "A1")[::2] == (None, "no_weight")
    assert found(built, "any_two", "A3")[::2] == (None, "measured_apart")
    assert found(built, "any_two", "STRAY")[::2] == (None, "not_in_frame")


def test_every_outcome_keeps_its_key(built):
    assert not built.rows("""select indicator, wave, unit_key from outcomes.int_outcomes
        group by all having count(*) > 1""")
