-- How much of the pilot's effect was kept, as a ratio, by every method under its own name (formulas: macro
-- retention_ratios).
{{ retention_ratios(ref('int_retention_claims')) }}
order by analysis, indicator, wave
