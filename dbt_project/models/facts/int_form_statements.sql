-- What forms state about their own answers, and what became of it: the rule that measures it, or why none does.
select
    stated.instrument,
    stated.path,
    stated.kind,
    stated.item,
    stated.source_text,
    stated.expression,
    form_rules.rule,
    case
        when form_rules.rule is null
            then coalesce(stated.why_untranslated, form_rules.why_not_measured, 'no rule of its kind is in force')
    end as why_not_measured,
    stated.line
from {{ source('registry', 'form_expressions') }} as stated
left join {{ source('registry', 'form_rules') }} as form_rules
    on
        stated.instrument = form_rules.instrument
        and stated.path = form_rules.path
        and stated.kind = form_rules.kind
