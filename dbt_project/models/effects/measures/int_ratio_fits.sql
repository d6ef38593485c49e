-- Log ratios wherever people lie in clusters, count unequally, or are set against an exposure: macro
-- linearised_clusters makes each a difference of means, macro cluster_robust gives its CR2 (HC2) standard error. Key:
-- fit_id, is_odds.
with clusters as (
    {{ linearised_clusters(ref('int_fit_clusters'), ref('int_fits'), source('registry', 'indicators')) }}
),

fits as (
    {{ cluster_robust('clusters') }}
)

select
    fit_id // 2 as fit_id,
    fit_id % 2 = 1 as is_odds,
    beta,
    beta_se,
    df,
    clusters_1,
    clusters_0,
    is_nested
from fits
order by fit_id, is_odds
