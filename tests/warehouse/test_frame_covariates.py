"""Covariates come from the frame, as whole steps of their grid; what is no number is not known."""

from decimal import Decimal


def test_covariates_of_the_frame_are_counted_on_their_grid(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.registry["covariates"] = [
        {"covariate": "age", "resolution": Decimal("0.0001")},
        {"covariate": "income", "resolution": Decimal(5)},
    ]
    told = {"A2": ("8.25", "1,000"), "A3": (" -7 ", "1002.5"), "A4": ("unknown", "1e30"), "A5": ("", "12")}
    for row in programme.lake["listing.main"]:
        row["covariate_age"], row["covariate_income"] = told.get(row["unit_id"], (None, None))
    built = build_warehouse(programme, "+int_covariates")
    found = built.rows("""
        select unit_key, covariate, steps from frame.int_covariates where round = 'randomised' order by all
    """)
    assert found == [
        ("A2", "age", 82_500),
        ("A3", "age", -70_000),
        ("A3", "income", 201),
        ("A5", "income", 2),
    ]


def test_a_frame_without_covariates_has_none(warehouse):
    assert warehouse.rows("select * from frame.int_covariates") == []
