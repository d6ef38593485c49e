-- The headline effect of all sites together, where there is no pilot: as one trial, or pooled over the sites.
{{ config(materialized='ephemeral') }}
{%- set numbers = [
    'analysis', 'indicator', 'wave', 'measure', 'estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high',
    'n_treatment', 'n_control', 'estimator', 'estimand', 'is_suppressed', 'why_missing'
] | join(', ') %}
select
    {{ numbers }},
    site_count
from {{ ref('pooled_effects') }}
where is_headline and stage = 'all' and dimension = 'all' and level = 'all'
union all
select
    {{ numbers }},
    null as site_count
from {{ ref('site_effects') }}
where is_headline and stage = 'all' and dimension = 'all' and level = 'all' and site = 'network'
