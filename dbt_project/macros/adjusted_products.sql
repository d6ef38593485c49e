-- noqa: disable=LT02
{#- The products behind adjusted effects: which columns a design can have, and how its sums are read and centred. -#}

{#- Columns beside the constant, in the order in which they are taken: for each its name where it is named when left
    out, its term, its column of int_analysis_units, the place of the column that marks where it is missing, and whether
    its values lie on a scale with an arbitrary origin. -#}
{% macro adjustment_columns() -%}
    {%- set needs = moment_needs() -%}
    {%- set covariates = covariate_terms() -%}
    {%- set found = [] -%}
    {%- if needs.is_adjusted -%}
        {%- do found.append({
            'name': 'baseline', 'declared': 'baseline', 'term': 'baseline', 'column': 'term_baseline', 'missing': 2,
            'has_origin': true,
        }) -%}
        {%- do found.append({'term': 'baseline_missing', 'column': 'term_baseline_missing'}) -%}
    {%- endif -%}
    {%- set marks = covariates_of(covariates) -%}
    {%- set first_mark = found | length + covariates | length + 1 -%}
    {%- for term in covariates -%}
        {%- set mark = marks | map(attribute='covariate') | list -%}
        {%- do found.append({
            'name': term.name, 'declared': term.covariate, 'term': term.term, 'column': term.column,
            'missing': first_mark + mark.index(term.covariate), 'has_origin': term.kind == 'number',
        }) -%}
    {%- endfor -%}
    {%- for mark in marks -%}{%- do found.append({'term': mark.term, 'column': mark.column}) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The names of the sums of a cell: x_i_j of columns i <= j, 0 the constant; y_i of column i with the outcome. -#}
{% macro product_names(count) -%}
    {%- set names = [] -%}
    {%- for i in range(count + 1) -%}
        {%- for j in range(i, count + 1) -%}{%- do names.append('x_' ~ i ~ '_' ~ j) -%}{%- endfor -%}
    {%- endfor -%}
    {%- for i in range(count + 1) -%}{%- do names.append('y_' ~ i) -%}{%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Which product of the moments is which sum: rows (adjustment, is_rate, term_a, term_b, is_later, sum). -#}
{% macro product_slots(columns) -%}
    {%- set slots = [] -%}
    {%- set kinds = [('ancova', 'one', 'outcome'), ('difference_in_differences', 'panel', 'change')] -%}
    {%- for adjustment, one, outcome in kinds -%}
        {%- do slots.append((adjustment, false, one, one, true, 'x_0_0')) -%}
        {%- do slots.append((adjustment, false, one, outcome, true, 'y_0')) -%}
        {%- for first in columns if adjustment == 'ancova' or not first.term.startswith('baseline') -%}
            {%- set i = columns.index(first) + 1 -%}
            {%- do slots.append((adjustment, false, one, first.term, true, 'x_0_' ~ i)) -%}
            {%- do slots.append((adjustment, false, outcome, first.term, true, 'y_' ~ i)) -%}
            {%- for second in columns[i - 1:] -%}
                {%- set sum = 'x_' ~ i ~ '_' ~ (i + loop.index0) -%}
                {%- do slots.append((adjustment, false, first.term, second.term, true, sum)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for is_rate, mass in [(false, ''), (true, 'exposure')] -%}
        {%- for is_later, mark in [(true, ''), (false, '_before')] -%}
            {%- set one = 'one' if is_later else 'before' -%}
            {%- set total = mass ~ mark if is_rate else one -%}
            {%- do slots.append(('repeated_cross_sections', is_rate, one, total, is_later, 'x_0_0')) -%}
            {%- do slots.append(('repeated_cross_sections', is_rate, one, 'outcome' ~ mark, is_later, 'y_0')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(slots) }}
{%- endmacro %}

{#- The sums of one unit, as a cell of its own. -#}
{% macro unit_product(name, columns) -%}
    {%- set parts = name.split('_') -%}
    unit_mass
    {%- for part in parts[1:] if part != '0' %} * coalesce({{ columns[part | int - 1].column }}, 0){% endfor %}
    {{- ' * unit_outcome' if parts[0] == 'y' }}
{%- endmacro %}

{#- A column's whole-number origin in a comparison, near its mean over those of whom it is known. -#}
{% macro origin_of(total, known) -%}
    round(sum({{ total }})::double / nullif(sum({{ known }}), 0)::double)::decimal(38, 0)::hugeint
{%- endmacro %}

{#- A column as a sum of stored ones, each with its factor: f with origin o, zero where its mark m says it is unknown,
    is f - o + o m; the outcome y is y - o_y. -#}
{% macro stored_parts(i, columns) -%}
    {%- if i == 'y' -%}{{ return([('1', 'y'), ('-o_y', 0)]) }}{%- endif -%}
    {%- if i > 0 and columns[i - 1].has_origin -%}
        {{ return([('1', i), ('-o_' ~ i, 0), ('o_' ~ i, columns[i - 1].missing)]) }}
    {%- endif -%}
    {{ return([('1', i)]) }}
{%- endmacro %}

{#- The sum of a cell counted from the origins, still exact. -#}
{% macro centred_product(name, columns) -%}
    {%- set parts = name.split('_') -%}
    {%- set i = parts[1] | int -%}
    {%- set j = 'y' if parts[0] == 'y' else parts[2] | int -%}
    {%- set sums = [] -%}
    {%- for first, a in stored_parts(i, columns) -%}
        {%- for second, b in stored_parts(j, columns) -%}
            {%- set stored = 'y_' ~ a if b == 'y' else 'x_' ~ ([a, b] | min) ~ '_' ~ ([a, b] | max) -%}
            {%- do sums.append([first, second, stored] | reject('equalto', '1') | join(' * ')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ sums | join(' + ') }}
{%- endmacro %}
