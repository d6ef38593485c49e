-- Standardised indices: z-scores of a unit's component values, each oriented so that more is better for the index,
--     z_j = sign_j (y_j - mean_j) / sd_j,   index = sum(w_j z_j) / sum(w_j) over the components answered,
-- then (index - mean) / sd where these are registered. Every mean, sd and weight is a frozen number of the registry.
-- index_klk (Kling, Liebman and Katz 2007): w = 1. Their filling of gaps by the mean of the unit's own arm would let
-- the arm into the outcome; here a unit's own components stand for those it lacks; min_answered says how many it needs.
-- index_anderson (Anderson 2008): w are the row sums of the inverse covariance of the frozen z-scores, rescaled to the
-- components answered.
{{ index_outcomes(ref('int_item_outcomes'), source('registry', 'waves')) }}
