{#- Where a cell of the moments, or a unit, belongs in a comparison ("fit"): here and only here an analysis' `level`,
    `adjust` and `clusters` become a site, a stage, a block and a cluster. `m` is the cell, `a` its analysis, `s` its row of
    int_analysis_sites, `r` its site; no cluster: units that are each their own. -#}
{% macro fit_site() -%}
    case when a.level = 'network' then 'network' else m.site end
{%- endmacro %}

{% macro fit_stage() -%}
    case when a.level = 'network' then s.pool else s.stage end
{%- endmacro %}

{% macro fit_block() -%}
    case
        when a.adjust = 'block' and a.level = 'network' then m.site || '|' || coalesce(m.block_id, '')
        when a.adjust = 'block' then coalesce(m.block_id, '')
        when a.adjust = 'site' and a.level = 'network' then m.site
        else ''
    end
{%- endmacro %}

{% macro fit_cluster() -%}
    case
        when a.clusters = 'none' then null
        when a.clusters = 'site' then m.site
        when r.design = 'cluster_rct' and m.cluster_id is null then m.site || '|unnamed'
        when a.level = 'network' then m.site || '|' || m.cluster_id
        else m.cluster_id
    end
{%- endmacro %}

{#- A row of moments or a unit that some comparison counts, with what these keys read. -#}
{% macro counted_in_fits(relation) -%}
    from {{ relation }} as m
    inner join {{ source('registry', 'analyses') }} as a on m.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on m.site = r.site
    inner join {{ ref('int_analysis_sites') }} as s
        on m.analysis = s.analysis and m.wave = s.wave and m.indicator = s.indicator and m.site = s.site
{%- endmacro %}
