-- Every cell measured against the registered reference version of its indicator: the class, each aspect, the reasons.
select
    indicator,
    site,
    wave,
    comparability_class,
    {%- for aspect in [
        'instrument', 'wording', 'language', 'recall', 'window', 'population', 'mode', 'unit', 'answers'
    ] %}
        {{ aspect }}_finding,
    {%- endfor %}
    comparability_reason,
    reference
from {{ ref('int_comparability') }}
order by indicator, site, wave
