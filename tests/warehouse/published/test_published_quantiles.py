"""A quantile is published with its own bounds, unless so few lie beyond it that it is one person's value."""

QUERY = """select value, value_low, value_high, df, estimator, why_missing from indicator_values
    where indicator = '{}'"""


def test_a_quantile_s_value_and_bounds_are_its_own_not_the_mean_s(public_release) -> None:
    expected = (9.0, 8.0, 11.0, 4.0, "arm_quantile_exact_by_cluster", None)
    assert public_release(QUERY.format("middle")) == [expected]
    assert public_release(QUERY.format("top")) == [expected]


def test_a_quantile_beyond_which_few_people_lie_is_hidden(private_release) -> None:
    ((value, low, high, _, _, why),) = private_release(QUERY.format("top"))
    assert (value, low, high) == (None, None, None)
    assert why == "suppressed: few people lie beyond this quantile"
    ((value, *_),) = private_release(QUERY.format("middle"))
    assert value == 9.0


def test_so_is_the_effect_on_it_and_what_was_withheld_is_not_called_hidden(private_release) -> None:
    rows = private_release("""select site, estimate, is_suppressed, why_missing from site_effects
        where indicator = 'top' order by site""")
    assert rows[0] == ("alpha", None, True, "suppressed: few people lie beyond this quantile")
    assert rows[1] == ("gamma", None, False, "age_range: more than 1%")
