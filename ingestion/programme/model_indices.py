"""The shape of standardised indices: their components, each with the numbers it is standardised by.

In: parts of indicators/*.yml. Out: `Component`, `Standardised`. All numbers are frozen, so no arm, site or
night can move them; `sitewise freeze` reckons them from the data of a control arm.
"""

from pydantic import Field, model_validator

from ingestion.programme.words import Day, Id, Part, Text, refusal

INDICES = ("index_klk", "index_anderson")


class Component(Part):
    """An indicator within an index."""

    indicator: Id
    mean: float = Field(description="Frozen mean that its values are counted from, in its unit.")
    sd: float = Field(gt=0, description="Frozen standard deviation that they are counted in.")
    reversed: bool | None = Field(
        None, description="Whether more of it is less of the index; none: where their directions differ."
    )
    weight: float | None = Field(
        None, description="Frozen weight (index_anderson): row sum of the inverse covariance."
    )


class Standardised(Part):
    """When an index's numbers were frozen and from whom; the index's own mean and deviation there."""

    mean: float | None = Field(None, description="Mean of the index among them; none: it is left as it is.")
    sd: float | None = Field(None, gt=0, description="Standard deviation of the index among them.")
    frozen_on: Day
    ground: Text = Field(description="Whose numbers they are, and from which data.")

    @model_validator(mode="after")
    def _consistent(self) -> "Standardised":
        if (self.mean is None) != (self.sd is None):
            raise refusal("an index is moved by its mean and its deviation together", "write mean and sd")
        return self


def check_index(statistic: str, components: list[Component], standardised: Standardised | None) -> None:
    """Refuses what does not belong together in an indicator's index fields."""
    if statistic not in INDICES:
        for name, value in {"of_indicators": components, "standardised": standardised}.items():
            if value:
                raise refusal(f"a {statistic} has no '{name}'", f"remove {name}", name)
        return
    if standardised is None:
        raise refusal(
            "an index needs to say when its numbers were frozen, and whose they are", "add standardised"
        )
    if components and len(components) < 2:
        raise refusal("an index of one component is that component", "list two or more", "of_indicators")
    names = [component.indicator for component in components]
    if len(set(names)) < len(names):
        raise refusal("the index lists a component twice", "list each once", "of_indicators")
    for place, component in enumerate(components):
        at = f"of_indicators.{place}.weight"
        if statistic == "index_anderson" and component.weight is None:
            raise refusal("a component has no weight", "add the weight that sitewise freeze prints", at)
        if statistic == "index_klk" and component.weight is not None:
            raise refusal(
                "the components of this index weigh alike", "remove it, or write index_anderson", at
            )
