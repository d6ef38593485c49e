"""Cronbach's alpha is that of the people who answered every item, reversed items first, exactly."""

import numpy as np
import pytest


def cronbach(answers):
    """By its definition, from a people x items array."""
    items = answers.shape[1]
    variances = answers.var(axis=0, ddof=1).sum()
    return items / (items - 1) * (1 - variances / answers.sum(axis=1).var(ddof=1))


def answered(seed, people, common=1.0):
    """Answers from 1 to 5 to three items, of which the second counts backwards."""
    rng = np.random.default_rng(seed)
    leaning = rng.normal(0, common, people)
    raw = np.clip(np.rint(3 + leaning[:, None] + rng.normal(0, 1, (people, 3))), 1, 5).astype(int)
    raw[:, 1] = 6 - raw[:, 1]
    return raw


def as_scored(answers):
    return answers * [1, -1, 1] + [0, 6, 0]


ALPHA, BETA = answered(1, 40), answered(2, 25, common=0.2)


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    """The tiny programme with 40 and 25 people, of whom two left an item out."""
    programme = tiny_programme.copy()
    listed, asked = programme.lake["listing.main"], {"alpha": "kobo.main", "beta": "redcap.main"}
    for table in asked.values():
        programme.lake[table] = [row for row in programme.lake[table] if row["wave"] != "endline"]
    for site, answers in {"alpha": ALPHA, "beta": BETA}.items():
        for number, row in enumerate([*answers.tolist(), [5, 5, None], [1, None, 1]]):
            unit = f"{site}{number}"
            listed.append({"record_id": f"L-{unit}", "unit_id": unit, "site_code": site})
            told = {f"q{item}": str(code) for item, code in enumerate(row, 1) if code is not None}
            place = {"record_id": f"r-{unit}", "unit_id": unit, "site_code": site, "wave": "endline"}
            programme.lake[asked[site]].append(place | {"submitted_at": "2025-02-01T09:00:00Z"} | told)
    programme.registry["programme"][0] |= {"is_public": True, "min_cell": 7, "round_to": 5}
    for name, items in {"against": ["q1", "q2"], "alone": ["q1"]}.items():
        row = programme.row("indicators", indicator="grit") | {"indicator": name, "min_answered": 1}
        programme.registry["indicators"].append(row)
        programme.registry["indicator_terms"] += [
            {"indicator": name, "instrument": "child_test", "item": item, "term": "component"}
            for item in items
        ]
    admission = [
        {"site": site, "wave": "endline", "indicator": name, "is_admitted": name != "grit_mean"}
        | {"verdict": "pass" if name != "grit_mean" else "fail", "reason": "said"}
        for site in ("alpha", "beta")
        for name in ("grit", "grit_mean", "against", "alone")
    ]
    return build_once(programme, "+int_scale_sums scale_reliability", admission)


def sums(built, site):
    rows = built.rows(f"""select item, n, total, squares from outcomes.int_scale_sums
        where indicator = 'grit' and site = '{site}' and wave = 'endline' order by item""")
    return {item: (n, total, squares) for item, n, total, squares in rows}


@pytest.mark.parametrize(("site", "answers"), [("alpha", ALPHA), ("beta", BETA)])
def test_sums_are_exact_over_those_who_answered_every_item(built, site, answers):
    scored = as_scored(answers)
    expected = {
        item: (len(scored), int(values.sum()) * 10**6, int((values**2).sum()) * 10**12)
        for item, values in zip(["", "q1", "q2", "q3"], [scored.sum(axis=1), *scored.T], strict=True)
    }
    assert sums(built, site) == expected


def told(built, indicator, site, wave="endline"):
    return built.one(f"""select alpha, n, state, why_missing from published.scale_reliability
        where indicator = '{indicator}' and site = '{site}' and wave = '{wave}'""")


@pytest.mark.parametrize(
    ("site", "wave", "answers"),
    [
        ("alpha", "endline", ALPHA),
        ("beta", "endline", BETA),
        ("network", "endline", np.vstack([ALPHA, BETA])),
        ("network", "all", np.vstack([ALPHA, BETA])),
    ],
)
def test_alpha_is_that_of_its_definition(built, site, wave, answers):
    alpha, n, state, why = told(built, "grit", site, wave)
    assert alpha == pytest.approx(cronbach(as_scored(answers)), rel=1e-9)
    assert (n, state, why) == (len(answers), "measured", None)


def test_a_negative_alpha_is_told_as_it_is(built):
    alpha, *_ = told(built, "against", "alpha")
    pairs = np.vstack([ALPHA[:, :2], [5, 5]])
    assert alpha < 0 and alpha == pytest.approx(cronbach(pairs), rel=1e-9)


def test_one_item_and_what_was_not_admitted_have_no_alpha(built):
    assert told(built, "alone", "alpha")[::2] == (None, "one_item")
    assert told(built, "grit_mean", "alpha")[::2] == (None, "withheld")
    assert told(built, "grit_mean", "network", "all")[::2] == (None, "withheld")
    assert told(built, "grit", "alpha", "baseline")[::2] == (None, "withheld")
