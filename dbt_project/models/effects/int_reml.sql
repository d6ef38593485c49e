-- tau2 by restricted maximum likelihood for every pool of two sites or more: the macro's own table.
{{ reml(ref('int_pools')) }}
order by pool_id
