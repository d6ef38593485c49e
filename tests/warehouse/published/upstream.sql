-- The upstream tables that the published models read, as their own models leave them.
create schema quality;
create schema frame;
create schema facts;
create schema moments;
create schema effects;

create table quality.judgements (
    rule varchar, rule_type varchar, dimension varchar, severity varchar, scope varchar, site varchar,
    wave varchar, indicator varchar, measured double, comparison varchar, threshold double, violations
    bigint, denominator bigint, state varchar, reason varchar, waiver varchar
);

create schema staging;

create table staging.stg_expected_deliveries (
    source varchar, instrument varchar, max_age_days bigint, site varchar, wave varchar, wave_state varchar,
    from_date date, closes_date date
);

create table registry.waivers (
    waiver varchar, rule varchar, site varchar, wave varchar, indicator varchar, who varchar, why varchar,
    from_date date, until_date date, not_evaluated boolean, state varchar
);

create table quality.admission (
    site varchar, wave varchar, indicator varchar, verdict varchar, is_admitted boolean, reason varchar,
    worst_rule varchar
);

create table effects.int_arm_quantiles (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, dimension varchar, level
    varchar, arm varchar, is_grid boolean, n hugeint, value_steps double, df double, cluster_count bigint,
    low_steps double, high_steps double, se_steps double, why_no_error varchar
);

create schema outcomes;

create table outcomes.int_scale_sums (
    indicator varchar, site varchar, wave varchar, item varchar, n bigint, total decimal(38, 0), squares
    decimal(38, 0)
);

create table frame.int_nested_dimensions (dimension varchar, family varchar);

create table frame.int_dispositions (
    unit_key varchar, site varchar, wave varchar, disposition varchar
);

create table frame.int_measurements (
    unit_key varchar, wave varchar, site_found varchar, is_in_frame boolean
);

create table facts.int_coverage (
    source varchar, lake_table varchar, column_name varchar, item varchar, role varchar, answered_count
    bigint, missing_code_count bigint, blank_count bigint, unreadable_count bigint, unmapped_count bigint
);

create table moments.int_cell_moments (
    analysis varchar, indicator varchar, site varchar, wave varchar, arm varchar, block_id varchar,
    cluster_id varchar, dimension varchar, level varchar, n bigint, mass decimal(38, 0), total
    decimal(38, 0), total_squares decimal(38, 0)
);

create table effects.int_analysis_sites (
    analysis varchar, wave varchar, indicator varchar, site varchar, stage varchar, is_admitted boolean,
    state varchar, reason varchar, pool varchar, basis varchar, design_group varchar,
    comparability_class varchar, comparability_reason varchar, look_date date
);

create table effects.int_comparability (
    indicator varchar, site varchar, wave varchar, comparability_class varchar, instrument_finding varchar,
    wording_finding varchar, language_finding varchar, recall_finding varchar, window_finding varchar,
    population_finding varchar, mode_finding varchar, unit_finding varchar, answers_finding varchar,
    comparability_reason varchar, reference varchar
);

create table effects.int_instrument_overlap (
    site_a varchar, site_b varchar, wave varchar, overlap_score double, shared_items bigint, items_a bigint,
    items_b bigint
);

create table effects.int_site_effects (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, dimension varchar,
    level varchar, measure varchar, estimator varchar, is_headline boolean, estimate double, estimate_se
    double, df double, estimate_low double, estimate_high double, p_value double, mean_treatment double,
    mean_control double, sd_control double, sd_pooled double, n_treatment bigint, n_control bigint,
    clusters_treatment bigint, clusters_control bigint, basis varchar, n bigint, citation varchar,
    state varchar, why_missing varchar, is_own boolean, p_holm double, p_bh double, sd_basis varchar,
    take_up_treatment_pct double, take_up_control_pct double, adjustment_note varchar
);

create table effects.int_pooled_effects (
    analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar, dimension varchar,
    level varchar, measure varchar, estimator varchar, unit varchar, inference varchar, population varchar,
    is_headline boolean, site_count bigint, n_treatment bigint, n_control bigint, basis varchar,
    quality_verdict varchar, estimate double, estimate_se double, df double, estimate_low double,
    estimate_high double, test_statistic double, p_value double, tau2 double, tau2_se double,
    tau2_qprofile_low double, tau2_qprofile_high double, q double, q_df double, p_q double, i2_q_pct double,
    h2_q double, i2_tau2_pct double, h2_tau2 double, q_scale double, i2_qprofile_low_pct double,
    i2_qprofile_high_pct double, pi_z_low double, pi_z_high double, pi_hts_low double, pi_hts_high double,
    pi_knha_low double, pi_knha_high double, p_next_above_zero double, p_next_above_smallest double,
    next_site_note varchar, largest_weight_pct double, withheld_sites varchar, excluded_sites varchar,
    interval_note varchar, why_missing varchar
);

create table effects.int_pools (
    pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar,
    dimension varchar, level varchar, measure varchar, sites varchar []
);

create table effects.int_site_influence (
    pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar,
    measure varchar, site varchar, estimator varchar, site_estimate double, weight_pct double,
    without_estimator varchar, without_site_count bigint, without double, without_se double, without_df double,
    without_low double, without_high double, without_change double, shrinkage double, shrunken double,
    shrunken_se double, constrained double, why_missing varchar
);

create table effects.int_cumulative_effects (
    pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar,
    measure varchar, site varchar, turn bigint, started_date date, site_count bigint, estimator varchar,
    inference varchar, estimate double, estimate_se double, df double, estimate_low double,
    estimate_high double, tau2 double, why_missing varchar
);

create table effects.int_meta_regression (
    pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar,
    measure varchar, model varchar, moderator varchar, site_count bigint, moderator_count bigint,
    estimate double, estimate_se double, df double, estimate_low double, estimate_high double,
    p_value double, intercept double, tau2_left double, tau2_explained_pct double, state varchar,
    why_missing varchar
);

create table effects.int_effect_retention (
    analysis varchar, indicator varchar, wave varchar, measure varchar, estimator varchar, design_group
    varchar, pilot_estimate double, pilot_se double, pilot_df double, pilot_site_count bigint, pilot_n_treatment
    bigint, pilot_n_control bigint, pilot_basis varchar, pilot_low double, pilot_high double,
    scaled_estimate double, scaled_se double, scaled_df double, scaled_site_count bigint,
    scaled_n_treatment bigint, scaled_n_control bigint, scaled_basis varchar, scaled_low double,
    scaled_high double, retention double, retention_set varchar, retention_low double, retention_high double,
    retention_df double, retention_set_normal varchar, retention_low_normal double, retention_high_normal
    double, fieller_g double, fieller_g_normal double, ratio_low_delta double, ratio_high_delta double,
    ratio_low_log double, ratio_high_log double, replication_low double, replication_high double,
    is_replicated boolean, share_of_draws_kept_pct double, share_of_draws_kept_normal_pct double, change double,
    change_se double, change_df double, change_low double, change_high double, p_change double,
    change_verdict varchar, margin double, contrast double, contrast_se double, contrast_df double,
    selection_state varchar, pilot_corrected_estimate double, pilot_corrected_low double,
    pilot_corrected_high double, retention_corrected double, retention_corrected_low double,
    retention_corrected_high double, retention_corrected_set varchar, change_verdict_corrected varchar,
    pilot_eb_tau2 double, pilot_eb_shrinkage_pct double, pilot_eb_estimate double, pilot_eb_se double,
    pilot_eb_df double, pilot_eb_low double, pilot_eb_high double, retention_eb double, retention_eb_low double,
    retention_eb_high double, retention_eb_set varchar, why_not_eb varchar,
    portability varchar, p_next_site_above_smallest double, look integer, alpha double, is_interim_look boolean,
    p_claim double, p_claim_holm double, verdict varchar, p_claim_corrected double, p_claim_holm_corrected
    double, verdict_corrected varchar, verdict_words varchar, caution varchar, why varchar
);

create table effects.int_retention_by_estimator (
    analysis varchar, indicator varchar, wave varchar, estimator varchar, is_headline boolean, measure
    varchar, design_group varchar, pilot_n_treatment bigint, pilot_n_control bigint, pilot_site_count
    bigint, pilot_estimate double, pilot_se double, pilot_df double, pilot_low double, pilot_high double,
    scaled_n_treatment bigint, scaled_n_control bigint, scaled_site_count bigint, scaled_estimate double,
    scaled_se double, scaled_df double, scaled_low double, scaled_high double, retention_set varchar,
    retention_set_normal varchar, retention double, retention_low double, retention_high double,
    retention_df double, retention_low_normal double, retention_high_normal double, retention_shape
    varchar, retention_shape_normal varchar, ratio double, voltage_drop double, ratio_delta_se double,
    ratio_low_delta double, ratio_high_delta double, ratio_low_delta_normal double,
    ratio_high_delta_normal double, log_ratio double, log_ratio_se double, ratio_low_log double,
    ratio_high_log double, ratio_low_log_normal double, ratio_high_log_normal double, fieller_g double,
    fieller_g_normal double, retention_excluded_low double, retention_excluded_high double,
    retention_excluded_low_normal double, retention_excluded_high_normal double, replication_low double,
    replication_high double, replication_low_normal double, replication_high_normal double, is_replicated
    boolean, is_replicated_normal boolean, share_of_draws_kept_pct double, share_of_draws_kept_normal_pct
    double, change double, change_se double, change_df double, change_low double, change_high double,
    change_low_normal double, change_high_normal double, p_change double, p_change_normal double,
    contrast double, contrast_se double, contrast_df double, p_kept double, p_kept_normal double,
    contrast_z double, change_z double, change_verdict varchar, margin double, note varchar, why_missing
    varchar
);

create schema validity;

create table validity.int_validity_rows (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, measure varchar, subject
    varchar, estimator varchar, unit varchar, value double, value_se double, df double, value_low double,
    value_high double, p_value double, n bigint, events bigint, n_treatment bigint, events_treatment bigint,
    n_control bigint, events_control bigint, band varchar, state varchar, reason varchar
);

create table validity.int_population_samples (sample varchar, area varchar, is_in boolean);

create table validity.int_generalizability (
    sample varchar, area_count bigint, site_area_count bigint, b_kernel double, b_kernel_rest double, b_bins5
    double, b_bins10 double, is_scored boolean, state varchar, reason varchar
);

create table validity.int_population_covariates (
    sample varchar, covariate varchar, area_count bigint, site_area_count bigint, smd double, share_within
    double
);

create table effects.int_subgroup_tests (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, design_group varchar,
    dimension varchar, level varchar, estimator varchar, estimate double, estimate_se double, df double,
    estimate_low double, estimate_high double, test_f double, test_df1 double, test_df2 double, p_value double,
    is_tested boolean, family_count bigint, p_holm double, p_bh double, n_treatment bigint, n_control bigint,
    why_missing varchar
);

create table effects.int_site_changes (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, design varchar,
    measure varchar, estimate double, estimate_se double, df double, estimate_low double, estimate_high double,
    n bigint, cluster_count bigint, margin double, pilot_effect double, pilot_se double, breakdown double,
    breakdown_se double, breakdown_df double, breakdown_low double, breakdown_high double, state varchar,
    why_missing varchar, why_no_breakdown varchar
);

create table effects.int_effect_accounting (
    analysis varchar, indicator varchar, wave varchar, measure varchar, part varchar, part_order integer,
    estimate double, estimate_se double, df double, estimate_low double, estimate_high double, state varchar,
    why_missing varchar
);

create table effects.int_dose_curve (
    pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar,
    measure varchar, moderator varchar, position_pct integer, dose double, predicted double, predicted_se double,
    df double, predicted_low double, predicted_high double
);

create schema cost;

create table cost.int_cost_effectiveness (
    analysis varchar, indicator varchar, wave varchar, site varchar, stage varchar, measure varchar, unit
    varchar, value double, value_low double, value_high double, value_set varchar, df double, people_power
    integer, n bigint, participants_basis varchar, n_treatment bigint, n_control bigint, pilot_n bigint,
    pilot_n_treatment bigint, pilot_n_control bigint, site_count bigint, costed_count bigint, rows_set_aside
    bigint, comparability_class varchar, quality_verdict varchar, state varchar, why_missing varchar, note
    varchar
);

create table cost.int_cost_steps (
    analysis varchar, wave varchar, curve varchar, site varchar, from_point varchar, to_point varchar,
    site_count bigint, from_total_cost double, to_total_cost double, from_n double, to_n double, value double
);

create table cost.int_cost_elasticity (
    analysis varchar, wave varchar, k bigint, is_one_scale boolean, beta double, df double, beta_se double,
    beta_low double, beta_high double
);

create table effects.int_withheld_pools (
    analysis varchar, indicator varchar, wave varchar, stage varchar, design_group varchar, measure varchar,
    estimator varchar, withheld_count bigint, restored_count bigint, bounded_count bigint, withheld_site_pct
    double, unit_count bigint, withheld_unit_count bigint, span double, withheld_share double, bounded_share
    double, estimate_if_restored double, se_if_restored double, df_if_restored double
);
