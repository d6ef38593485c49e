-- Change, contrast and claim for the headline's pair of sides (formulas: macro retention_claims).
{{ retention_claims(ref('int_retention_sides')) }}
order by analysis, indicator, wave
