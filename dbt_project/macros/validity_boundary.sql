{#- The What Works Clearinghouse's attrition boundary: for a whole percentage of overall attrition the largest
    differential attrition, in tenths of a percentage point, under which the bias it may cause is tolerable (0.05
    standard deviations), if attrition is thought to have much to do with the outcome (cautious) or little
    (optimistic). WWC Standards Handbook, version 4.0 (2017), attrition standard; unchanged in 4.1 (2020).
    Beyond the last row attrition is high whatever the differential. Figures are facts of the standard: one row in
    each line, `overall cautious optimistic`. -#}
{% macro attrition_boundary() %}
    {%- set figures -%}
        0 57 100, 1 58 101, 2 59 102, 3 59 103, 4 60 104, 5 61 105, 6 62 107, 7 63 108, 8 63 109, 9 63 109
        10 63 109, 11 62 109, 12 62 109, 13 61 109, 14 60 108, 15 59 108, 16 59 107, 17 58 106, 18 57 105, 19 55 103
        20 54 102, 21 53 100, 22 52 99, 23 51 97, 24 49 95, 25 48 94, 26 47 92, 27 45 90, 28 44 88, 29 43 86
        30 41 84, 31 40 82, 32 38 80, 33 36 78, 34 35 76, 35 33 74, 36 32 72, 37 31 70, 38 29 67, 39 28 65
        40 26 63, 41 25 60, 42 23 58, 43 21 56, 44 20 53, 45 18 51, 46 16 49, 47 15 46, 48 13 44, 49 12 42
        50 10 39, 51 9 37, 52 7 35, 53 6 32, 54 4 30, 55 3 28, 56 2 26, 57 0 23
    {%- endset -%}
    values
    {%- for row in figures.replace('\n', ',').split(',') | map('trim') | select %}
    ({{ row.split() | join(', ') }}){{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}
