"""Items that only a form names are counted as any other, and cost nothing where nothing reads them."""

import pytest

COUNTED = "answered_count, missing_code_count, blank_count, unreadable_count, unmapped_count"


@pytest.fixture(scope="module")
def derived(tiny_programme, build_once):
    """The tiny programme, as if its YAML named no item and all came from a form."""
    programme = tiny_programme.copy()
    for item in programme.registry["items"]:
        item["is_derived"] = True
    return build_once(programme, "+int_coverage +int_outcomes +int_responses")


@pytest.fixture(scope="module")
def unread(tiny_programme):
    """Items that no indicator reads."""
    read = {term["item"] for term in tiny_programme.registry["indicator_terms"]}
    return sorted({item["item"] for item in tiny_programme.registry["items"]} - read)


def test_derived_items_are_counted_as_written_ones_are(warehouse, derived, unread):
    assert unread
    named = ", ".join(f"'{item}'" for item in unread)
    query = f"select * from facts.int_coverage where item in ({named}) order by all"
    assert derived.rows(query) == warehouse.rows(query)
    states = f"select {COUNTED} from facts.int_coverage where item in ({named})"
    answered, missing, blank, unreadable, unmapped = map(sum, zip(*derived.rows(states), strict=True))
    print(f"{unread}: {answered} answered, {missing} missing, {blank} blank, {unreadable} unreadable")
    assert answered and blank and unreadable and not unmapped


def test_every_cell_is_counted_once_whoever_names_its_item(warehouse, derived):
    query = f"""select source, lake_table, role, sum(columns({COUNTED.replace(", ", "|")!r}))
        from facts.int_coverage group by all order by all"""
    assert derived.rows(query) == warehouse.rows(query)


def test_only_what_indicators_read_is_turned_long(warehouse, derived, unread):
    asked = {item for (item,) in derived.rows("select distinct item from outcomes.int_responses")}
    before = {item for (item,) in warehouse.rows("select distinct item from outcomes.int_responses")}
    assert asked == before - set(unread)


def test_outcomes_do_not_depend_on_who_names_an_item(warehouse, derived):
    query = "select * from outcomes.int_outcomes order by all"
    assert derived.rows(query) == warehouse.rows(query)


def test_an_item_of_several_columns_has_a_count_for_each(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.row("items", item="note")["is_derived"] = True
    programme.questions["note"] = ["note", "remark \"'x"]
    programme.lake["kobo.main"][0]["remark \"'x"] = "seen"
    built = build_warehouse(programme, "+int_coverage")
    query = """select column_name, answered_count from facts.int_coverage
        where item = 'note' and source = 'kobo' and lake_table = 'main' order by column_name"""
    counts = dict(built.rows(query))
    assert counts["remark \"'x"] == 1 and set(counts) == {"note", "remark \"'x"}
