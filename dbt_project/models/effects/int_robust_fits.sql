-- CR2 (HC2 where units are their own clusters) for every comparison: the macro's own table, one row per fit.
{{ cluster_robust(ref('int_fit_clusters')) }}
order by s.fit_id
