"""Adjusted effects from sums equal those from rows: full matrices of every person, weighted, in blocks."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

ADJUSTED = "select * from effects.int_adjusted_effects where measure = 'difference'"


def sandwich(
    design: np.ndarray, outcome: np.ndarray, weight: np.ndarray, cluster: np.ndarray, target: int
) -> tuple[float, float, float]:
    """Estimate, CR2 standard error and Satterthwaite df by n x n matrices (Pustejovsky and Tipton 2018)."""
    root = np.sqrt(weight)
    x, y = design * root[:, None], outcome * root
    bread = np.linalg.pinv(x.T @ x)
    residual_maker = np.eye(len(y)) - x @ bread @ x.T
    beta = bread @ x.T @ y
    scores, loadings = [], []
    for name in np.unique(cluster):
        own = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(residual_maker[np.ix_(own, own)])
        power = np.where(values > 1e-10, 1 / np.sqrt(np.where(values > 1e-10, values, 1)), 0)
        loading = np.zeros(len(y))
        loading[own] = (vectors * power) @ vectors.T @ x[own] @ bread[target]
        scores.append(loading @ (y - x @ beta))
        loadings.append(loading)
    products = np.array(loadings) @ residual_maker @ np.array(loadings).T
    error = float(np.sqrt(np.square(scores).sum()))
    return float(beta[target]), error, float(np.trace(products) ** 2 / np.square(products).sum())


def people(seed: int = 1, count: int = 160, clusters: int = 16) -> pd.DataFrame:
    """Pupils of two sites: clusters in two blocks a site, arm by cluster, baselines missing for some."""
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    cluster = index % clusters
    arm = cluster // 4 % 2
    level = rng.normal(0, 80, clusters)[cluster]
    baseline = np.rint(level + rng.normal(500, 200, count))
    age = rng.integers(60_000, 120_000, count)
    girl = rng.integers(0, 2, count)
    outcome = np.rint(0.6 * baseline + 40 * arm + 0.002 * age - 25 * girl + level + rng.normal(0, 90, count))
    return pd.DataFrame(
        {
            "unit_key": [f"u{i:03}" for i in index],
            "site": np.where(cluster % 2 == 0, "north", "south"),
            "arm": np.where(arm, "treatment", "control"),
            "cluster_id": [f"c{c:02}" for c in cluster],
            "block_id": np.where(cluster < clusters // 2, "b1", "b2"),
            "weight": np.round(rng.uniform(0.5, 2, count), 6),
            "value_steps": outcome.astype(int),
            "baseline_steps": pd.array(np.where(index % 7 == 0, None, baseline), dtype="Int64"),
            "age": pd.array(np.where(index % 11 == 0, None, age), dtype="Int64"),
            "female": np.where(girl, "girl", "boy"),
        }
    )


def covariate_rows(rows: pd.DataFrame) -> pd.DataFrame:
    known = rows[rows.age.notna()]
    return pd.DataFrame(
        {"round": "randomised", "unit_key": known.unit_key, "covariate": "age", "steps": known.age}
    )


@pytest.fixture
def adjusted(effects_warehouse):
    """A programme whose one analysis adjusts for what is named, built up to its adjusted effects."""

    def built(rows, covariates=("baseline",), designs="cluster_rct", analysis=None, threads=2, extra=None):
        warehouse = effects_warehouse(threads)
        waves = ["endline"] if extra is None else ["baseline", "endline"]
        sites = sorted(set(rows.site))
        warehouse.programme({site: "pilot" for site in sites}, analyses=[analysis or {}], waves=waves)
        warehouse.connection.execute("delete from registry.analysis_waves where wave = 'baseline'")
        warehouse.connection.execute("update registry.sites set design = ?", [designs])
        kinds = {"baseline": "baseline", "age": "number", "female": "levels"}
        warehouse.insert(
            "registry.analysis_covariates",
            [
                {"analysis": "main", "covariate": name, "covariate_order": place, "kind": kinds[name]}
                for place, name in enumerate(covariates)
            ]
            + [
                {"analysis": "everything", "covariate": name, "covariate_order": 9, "kind": kind}
                for name, kind in kinds.items()
            ],
        )
        warehouse.insert("registry.covariates", [{"covariate": "age", "resolution": 1}])
        warehouse.insert(
            "registry.subgroups", [{"dimension": "female", "level": level} for level in ("boy", "girl")]
        )
        if extra is None:
            warehouse.insert("registry.waves", [{"wave": "baseline", "is_baseline": True}])
            cells = [{"site": site, "wave": "baseline", "indicator": "score"} for site in sites]
            warehouse.insert("quality.admission", cells)
            warehouse.insert("registry.expected_cells", cells)
        everyone = rows if extra is None else pd.concat([rows.assign(wave="endline"), extra])
        frame = everyone.drop_duplicates("unit_key")
        warehouse.units(frame.drop(columns=[name for name in ("wave",) if name in frame]))
        if extra is not None:
            warehouse.connection.execute("delete from outcomes.int_outcomes")
            columns = ["unit_key", "wave", "value_steps", "baseline_steps"]
            values = everyone[columns].astype(object).where(everyone[columns].notna(), None)
            warehouse.insert("outcomes.int_outcomes", values.to_dict("records"))
        if "age" in rows:
            warehouse.insert("frame.int_covariates", covariate_rows(rows).to_dict("records"))
            groups = rows[["unit_key", "female"]].rename(columns={"female": "level"})
            warehouse.insert(
                "frame.int_subgroups",
                groups.assign(round="randomised", dimension="female").to_dict("records"),
            )
        warehouse.build("moments", "fits")
        return warehouse

    return built


def design_of(rows: pd.DataFrame, *covariates: str, blocks: str = "block_id") -> tuple[np.ndarray, int]:
    """Block dummies, treatment, and every covariate with the mark of where it is missing."""
    dummies = (rows[blocks].to_numpy()[:, None] == np.unique(rows[blocks])).astype(float)
    columns = [*dummies.T, (rows.arm == "treatment").to_numpy(float)]
    for name in covariates:
        if name == "female":
            columns.append((rows.female == "girl").to_numpy(float))
            continue
        number = rows["baseline_steps" if name == "baseline" else name]
        columns.append(((number - number.mean()) / number.std()).fillna(0).to_numpy(float))
        if number.isna().any():
            columns.append(number.isna().to_numpy(float))
    return np.column_stack(columns), dummies.shape[1]


def found(warehouse, site: str = "north", **key: str) -> pd.Series:
    where = "".join(f" and f.{name} = '{value}'" for name, value in key.items())
    (row,) = warehouse.rows(f"""
        select e.*, f.n_treatment, f.n_control
        from ({ADJUSTED}) as e inner join effects.int_fits as f using (fit_id)
        where f.site = '{site}' and f.analysis = 'main' {where or "and f.dimension = 'all'"}
    """).itertuples()
    return row


def check(row, expected: tuple[float, float, float]) -> None:
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "covariates", [("baseline",), ("age",), ("female",), ("baseline", "age", "female"), ("female", "age")]
)
def test_ancova_from_cluster_sums_equals_the_regression_on_rows(adjusted, covariates) -> None:
    rows = people()
    warehouse = adjusted(rows, covariates)
    for site in ("north", "south"):
        here = rows[rows.site == site]
        design, target = design_of(here, *covariates)
        row = found(warehouse, site)
        assert row.estimator == "ancova_cr2" and row.is_own
        assert row.adjustment_note is None
        expected = sandwich(
            design,
            here.value_steps.to_numpy(float),
            here.weight.to_numpy(),
            here.cluster_id.to_numpy(),
            target,
        )
        check(row, expected)
        assert (row.clusters_1, row.clusters_0) == (4, 4)


def test_ancova_over_the_network_takes_every_site_s_blocks(adjusted) -> None:
    rows = people().assign(block_id=lambda u: u.site + u.block_id)
    warehouse = adjusted(rows, ("baseline", "female"), analysis={"level": "network"})
    design, target = design_of(rows, "baseline", "female")
    row = found(warehouse, "network")
    check(
        row,
        sandwich(
            design,
            rows.value_steps.to_numpy(float),
            rows.weight.to_numpy(),
            rows.cluster_id.to_numpy(),
            target,
        ),
    )


def test_units_that_are_their_own_clusters_have_hc2_from_rows(adjusted) -> None:
    rows = people(count=80).assign(cluster_id=None)
    warehouse = adjusted(rows, ("baseline", "age"), designs="rct")
    here = rows[rows.site == "south"]
    design, target = design_of(here, "baseline", "age")
    row = found(warehouse, "south")
    assert row.estimator == "ancova_hc2"
    check(
        row,
        sandwich(
            design, here.value_steps.to_numpy(float), here.weight.to_numpy(), here.unit_key.to_numpy(), target
        ),
    )


def before(rows: pd.DataFrame, seed: int = 5) -> pd.DataFrame:
    """Other people of the same clusters, measured at baseline."""
    rng = np.random.default_rng(seed)
    return rows.sample(frac=0.9, random_state=seed).assign(
        unit_key=lambda u: "b" + u.unit_key,
        wave="baseline",
        value_steps=lambda u: (u.value_steps - 300 + rng.integers(-90, 90, len(u))).astype(int),
        baseline_steps=pd.array([None] * round(len(rows) * 0.9), dtype="Int64"),
    )


def test_differences_in_differences_of_the_same_people_compare_their_changes(adjusted) -> None:
    rows = people()
    warehouse = adjusted(rows, ("baseline", "age"), designs="comparison")
    here = rows[(rows.site == "north") & rows.baseline_steps.notna()]
    design, target = design_of(here, "age")
    change = (here.value_steps - here.baseline_steps).to_numpy(float)
    row = found(warehouse)
    assert row.estimator == "did_panel_cr2"
    check(row, sandwich(design, change, here.weight.to_numpy(), here.cluster_id.to_numpy(), target))


@pytest.mark.parametrize("is_clustered", [True, False])
def test_differences_in_differences_of_other_people_keep_clusters_across_waves(
    adjusted, is_clustered
) -> None:
    rows = people().drop(columns=["age", "female"])
    if not is_clustered:
        rows = rows.assign(cluster_id=None)
    earlier = before(rows)
    warehouse = adjusted(
        rows, ("baseline",), designs="comparison", analysis={"is_panel": False}, extra=earlier
    )
    both = pd.concat([rows.assign(wave="endline"), earlier])
    here = both[both.site == "north"]
    later, arm = (here.wave == "endline").to_numpy(float), (here.arm == "treatment").to_numpy(float)
    dummies = (here.block_id.to_numpy()[:, None] == np.unique(here.block_id)).astype(float)
    design = np.column_stack([dummies, arm, later, arm * later])
    cluster = here.cluster_id if is_clustered else here.unit_key
    row = found(warehouse)
    assert row.estimator == f"did_cross_sections_{'cr2' if is_clustered else 'hc2'}"
    check(
        row,
        sandwich(design, here.value_steps.to_numpy(float), here.weight.to_numpy(), cluster.to_numpy(), 4),
    )
    assert row.n_treatment + row.n_control == len(rows[rows.site == "north"])


def test_matched_people_without_clusters_are_weighted_row_by_row(adjusted) -> None:
    rows = people(count=80).assign(cluster_id=None)
    warehouse = adjusted(rows, (), designs="matched_comparison")
    here = rows[rows.site == "north"]
    design, target = design_of(here)
    row = found(warehouse)
    assert row.estimator == "matched_hc2"
    check(
        row,
        sandwich(
            design, here.value_steps.to_numpy(float), here.weight.to_numpy(), here.unit_key.to_numpy(), target
        ),
    )


def test_where_people_were_not_linked_or_not_measured_before_nothing_is_made_up(adjusted) -> None:
    rows = people().assign(baseline_steps=pd.array([None] * 160, dtype="Int64"))
    warehouse = adjusted(rows, ("baseline",), designs="comparison")
    row = found(warehouse)
    assert pd.isna(row.estimate) and pd.isna(row.estimate_se)
    assert row.why_no_error == "too few of the same people were measured in both waves and both arms"
    warehouse.connection.execute("delete from registry.expected_cells where wave = 'baseline'")
    warehouse.build("int_analysis_sites")
    states = warehouse.rows("select distinct state, reason from effects.int_analysis_sites").values.tolist()
    assert states == [["not_identified", "design comparison: no baseline wave to take the difference from"]]


def test_a_withheld_baseline_withholds_the_difference_but_only_drops_out_of_ancova(adjusted) -> None:
    rows = people()
    for design, state in (("comparison", "withheld"), ("cluster_rct", "included")):
        warehouse = adjusted(rows, ("baseline", "age"), designs=design)
        warehouse.connection.execute(
            "update quality.admission set is_admitted = false, reason = 'too few' where wave = 'baseline'"
        )
        warehouse.build("moments", "fits")
        found_states = warehouse.rows("select distinct state, reason from effects.int_analysis_sites")
        assert found_states.state.tolist() == [state]
        if design == "comparison":
            assert found_states.reason.tolist() == ["its baseline: too few"]
            assert warehouse.rows("select * from effects.int_fits").empty
    here = rows[rows.site == "north"]
    design, target = design_of(here, "age")
    row = found(warehouse)
    assert row.adjustment_note == "left out: baseline (known of nobody)"
    check(
        row,
        sandwich(
            design,
            here.value_steps.to_numpy(float),
            here.weight.to_numpy(),
            here.cluster_id.to_numpy(),
            target,
        ),
    )


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda u: {"age": 70_000}, "left out: age (does not vary)"),
        (lambda u: {"age": u.baseline_steps.fillna(0) * 3}, "left out: age (told by the others)"),
        (lambda u: {"female": "girl"}, "left out: female=girl (does not vary)"),
        (
            lambda u: {"female": np.where(u.arm == "treatment", "girl", "boy")},
            "female=girl (told by the others)",
        ),
        (
            lambda u: {"baseline_steps": pd.array([None] * len(u), dtype="Int64")},
            "baseline (known of nobody)",
        ),
    ],
)
def test_a_covariate_that_tells_nothing_is_left_out_by_name(adjusted, change, note) -> None:
    rows = people()
    rows = rows.assign(baseline_steps=rows.baseline_steps.fillna(500), age=rows.age.fillna(80_000))
    rows = rows.assign(**change(rows))
    warehouse = adjusted(rows, ("baseline", "age", "female"))
    row = found(warehouse)
    assert note in row.adjustment_note
    assert np.isfinite([row.estimate, row.estimate_se, row.df]).all()


def test_no_variation_and_too_few_clusters_give_no_standard_error(adjusted) -> None:
    rows = people()
    constant = found(adjusted(rows.assign(value_steps=7), ("baseline",)))
    assert constant.estimate == 0 and pd.isna(constant.estimate_se)
    perfect = rows.assign(baseline_steps=rows.baseline_steps.fillna(1).astype("Int64"))
    perfect = perfect.assign(value_steps=3 * perfect.baseline_steps.astype(int) + 2)
    told = found(adjusted(perfect, ("baseline",)))
    assert told.estimate == pytest.approx(0, abs=1e-9) and pd.isna(told.estimate_se)
    alone = rows.assign(cluster_id=lambda u: np.where(u.arm == "treatment", "one", u.cluster_id))
    single = found(adjusted(alone, ("baseline",), analysis={"adjust": "none"}))
    assert np.isfinite(single.estimate) and pd.isna(single.estimate_se)
    assert (single.clusters_1, single.clusters_0) == (1, 4)
    empty = adjusted(rows.assign(arm="control"), ("baseline",))
    assert pd.isna(found(empty).estimate)


def test_offsets_of_a_billion_and_the_number_of_threads_change_nothing(adjusted) -> None:
    rows = people()
    far = rows.assign(
        value_steps=rows.value_steps + 10**11,
        baseline_steps=rows.baseline_steps + 10**11,
        age=rows.age + 10**12,
    )
    near, moved = (adjusted(u, ("baseline", "age")).rows(f"{ADJUSTED} order by fit_id") for u in (rows, far))
    pd.testing.assert_frame_equal(near, moved, rtol=1e-9)
    tables = [
        adjusted(rows, ("baseline", "age", "female"), threads=threads)
        .connection.execute("select * from effects.int_adjusted_effects order by all")
        .fetchall()
        for threads in (1, 2)
    ]
    assert tables[0] == tables[1]


def test_subgroups_are_adjusted_among_themselves(adjusted) -> None:
    rows = people(count=320)
    warehouse = adjusted(rows, ("baseline",))
    warehouse.insert("registry.indicator_subgroups", [{"indicator": "score", "dimension": "female"}])
    warehouse.build("moments", "fits")
    here = rows[(rows.site == "south") & (rows.female == "girl")]
    design, target = design_of(here, "baseline")
    row = found(warehouse, "south", dimension="female", level="girl")
    check(
        row,
        sandwich(
            design,
            here.value_steps.to_numpy(float),
            here.weight.to_numpy(),
            here.cluster_id.to_numpy(),
            target,
        ),
    )


def sent(rows: pd.DataFrame, wave: str) -> list[dict]:
    cells = rows.groupby(["site", "arm", "cluster_id"]).value_steps
    table = cells.agg(n="count", mean="mean", sd="std").reset_index()
    numbers = {name: table[name].round(9).map(lambda x: Decimal(str(x))) for name in ("n", "mean", "sd")}
    return table.assign(wave=wave, **numbers).to_dict("records")


def test_sites_that_send_moments_of_both_waves_have_their_difference_in_differences(adjusted) -> None:
    rows = people().drop(columns=["age", "female"]).assign(weight=1, block_id=None)
    earlier = before(rows)
    by_people = adjusted(rows, (), designs="comparison", analysis={"is_panel": False}, extra=earlier)
    by_moments = adjusted(rows, (), designs="comparison", extra=earlier)
    by_moments.connection.execute("delete from outcomes.int_outcomes")
    by_moments.connection.execute("update registry.expected_cells set basis = 'moments'")
    by_moments.insert("staging.stg_moments", sent(rows, "endline") + sent(earlier, "baseline"))
    by_moments.build("moments", "fits")
    for site in ("north", "south"):
        people_row, sent_row = found(by_people, site), found(by_moments, site)
        assert sent_row.estimator == "did_cross_sections_cr2"
        assert [sent_row.estimate, sent_row.estimate_se, sent_row.df] == pytest.approx(
            [people_row.estimate, people_row.estimate_se, people_row.df], rel=1e-6
        )


def test_a_site_that_sent_moments_keeps_its_unadjusted_effect_with_the_reason(adjusted) -> None:
    rows = people().drop(columns=["age", "female"]).assign(weight=1, block_id=None)
    warehouse = adjusted(rows, ("baseline",))
    warehouse.connection.execute("update registry.expected_cells set basis = 'moments'")
    warehouse.insert("staging.stg_moments", sent(rows, "endline"))
    warehouse.build("moments", "fits")
    assert warehouse.rows(ADJUSTED).empty
    fits = warehouse.rows("select distinct adjustment, adjustment_note from effects.int_fits")
    assert fits.values.tolist() == [["none", "not adjusted: needs rows, and only moments were sent"]]


def test_take_up_of_the_same_person_and_wave_stands_in_the_moments(adjusted) -> None:
    rows = people(count=40).drop(columns=["age", "female"]).assign(weight=1)
    warehouse = adjusted(rows, (), analysis={"take_up": "attended"})
    told = rows[rows.index % 5 > 0]
    warehouse.insert(
        "outcomes.int_outcomes",
        [
            {"indicator": "attended", "unit_key": row.unit_key, "value_steps": int(row.Index % 3 > 0)}
            for row in told.itertuples()
        ],
    )
    warehouse.insert("quality.admission", [{"site": "north", "indicator": "attended"}])
    warehouse.build("moments")
    products = warehouse.rows("""
        select term_a || ' ' || term_b as pair, sum(n)::int as n, (sum(product_sum) / 1e6)::double as total
        from moments.int_moments where site = 'north' group by all
    """).set_index("pair")
    here = told[told.site == "north"]
    attended = (here.index % 3 > 0).astype(int)
    assert products.n["one take_up"] == len(here)
    assert products.total["one take_up"] == attended.sum() == products.total["take_up take_up"]
    assert products.total["outcome take_up"] == (here.value_steps * attended).sum()
    missing = rows[(rows.site == "north") & (rows.index % 5 == 0)]
    assert products.total["outcome take_up_missing"] == missing.value_steps.sum()
    elsewhere = warehouse.rows(
        "select count(*) as n from moments.int_moments where site = 'south' and term_b = 'take_up'"
    )
    assert elsewhere.n[0] == 0  # not admitted there


def test_the_adjusted_effect_is_the_headline_and_the_unadjusted_one_stands_beside_it(adjusted) -> None:
    warehouse = adjusted(people(), ("baseline",))
    warehouse.build("int_site_effects")
    rows = warehouse.rows("""
        select estimator, is_headline from effects.int_site_effects
        where site = 'north' and measure = 'difference' and dimension = 'all' order by estimator
    """)
    assert list(rows.itertuples(index=False, name=None)) == [("ancova_cr2", True), ("cr2", False)]
    g = warehouse.rows("""
        select estimator, estimate, sd_pooled from effects.int_site_effects
        where site = 'north' and measure = 'hedges_g' and estimator = 'ancova_cr2'
    """).iloc[0]
    own = found(warehouse)
    correction = 1 - 3 / (4 * (own.n_treatment + own.n_control - 2) - 1)
    assert g.estimate == pytest.approx(correction * own.estimate / g.sd_pooled, rel=1e-4)
