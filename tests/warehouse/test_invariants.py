"""What a model's YAML says of its rows is judged where the model is made: a breach fails it by name."""

import copy

import pytest


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "stg_records: more than one row per source, lake_table, record_id"),
        ({"record_id": None}, "stg_records: record_id is null"),
    ],
)
def test_rows_that_breach_a_key_fail_their_model(tiny_programme, build_warehouse, changed, told):
    programme = copy.deepcopy(tiny_programme)
    rows = programme.lake["tracker.main"]
    rows.append(rows[0] | changed)
    with pytest.raises(AssertionError, match=told):
        build_warehouse(programme, "+int_submissions")
