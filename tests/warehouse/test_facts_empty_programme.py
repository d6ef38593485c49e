"""Models compile and run before anything was delivered, and what is missing then is said."""


def test_an_empty_registry_gives_empty_tables(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.registry, programme.lake, programme.rules = {}, {}, []
    built = build_warehouse(programme)
    tables = (
        "staging.stg_cells",
        "frame.int_frame",
        "outcomes.int_outcomes",
        "facts.int_facts",
        "facts.int_coverage",
    )
    assert [built.one(f"select count(*) from {table}") for table in tables] == [(0,)] * len(tables)


def test_a_programme_without_deliveries_has_facts_that_say_so(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.lake = {}
    built = build_warehouse(programme)
    states = dict(built.rows("select fact_state, count(*) from facts.int_facts group by 1"))
    assert set(states) == {"no_data", "not_applicable", "not_evaluated", "measured"}
    measured = "select distinct rule, wave from facts.int_facts where fact_state = 'measured' order by 1, 2"
    assert built.rows(measured) == [
        ("all_delivered", "baseline"),
        ("all_delivered", "endline"),
        ("fresh_enough", "followup"),
    ]


def test_a_frame_without_a_survey_gives_units_that_were_not_measured(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.lake = {
        name: rows for name, rows in programme.lake.items() if not name.startswith(("kobo", "redcap"))
    }
    built = build_warehouse(programme)
    query = "select distinct why_missing from outcomes.int_outcomes"
    assert built.rows(query) == [("disposition",)]
