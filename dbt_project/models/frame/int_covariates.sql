-- The frame's covariates: one number for each round, unit and covariate, from the earliest wave that tells it.
{{ earliest_told(ref('stg_covariates'), 'covariate', 'steps') }}
