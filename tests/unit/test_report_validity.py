"""The report tells how far each headline can be trusted, by stage, from the published rows alone."""

from orchestration.release.report_validity import trust

PLACE = {"analysis": "main", "indicator": "reads", "wave": "endline", "site": "network", "stage": "pilot"}
HEADLINE = {"analysis": "main", "indicator": "reads", "wave": "endline", "indicator_title": "Readers"}


def row(measure: str, subject: str, estimator: str, value: float | None, **more: object) -> dict[str, object]:
    return PLACE | {"measure": measure, "subject": subject, "estimator": estimator, "value": value} | more


def test_everybodys_loss_the_error_by_clusters_and_the_joint_test_are_chosen() -> None:
    rows = [
        row("attrition", "everybody", "count", 7.0),
        row("attrition", "treatment", "count", 6.0),
        row("differential_attrition", "treatment minus control", "cr2", -2.0),
        row("differential_attrition", "treatment minus control", "unpooled", -2.0),
        row("baseline_joint_test", "all covariates", "hansen", 3.0, indicator="*", wave="*"),
        row("minimum_detectable_effect", "difference", "reml", 4.0),
        row("attrition", "everybody", "count", 99.0, site="alpha"),
    ]
    for order in (rows, rows[::-1]):
        [found] = trust([HEADLINE], order)
        assert (found.title, found.stage) == ("Readers", "pilot")
        assert found.attrition and found.attrition["value"] == 7.0
        assert found.differential and found.differential["estimator"] == "cr2"
        assert found.balance and found.detectable and found.detectable["value"] == 4.0


def test_a_stage_of_which_nothing_is_known_has_no_row() -> None:
    assert trust([HEADLINE], [row("attrition", "everybody", "count", None)]) == []
    assert trust([HEADLINE], []) == []
