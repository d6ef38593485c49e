{{ config(materialized='view') }}
-- Every outcome there is: those of items, and the indices made of them.
select * from {{ ref('int_item_outcomes') }}
union all by name
select * from {{ ref('int_index_outcomes') }}
