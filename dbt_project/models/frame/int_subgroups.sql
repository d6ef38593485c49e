-- The frame's subgroups: one level for each round, unit and dimension, from the earliest wave that tells it.
{{ earliest_told(ref('stg_subgroups'), 'dimension', 'level') }}
