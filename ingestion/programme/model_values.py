"""What is done to a unit's number before it counts: a threshold to reach, cut-offs, bins.

In: parts of indicators/*.yml. Out: `Threshold`, `Winsor`, `ReferenceSd`, `Bins`. All are frozen numbers of
the YAML, so no arm, site or night can move them.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from ingestion.programme.words import Day, Part, Text, refusal

Bound = Annotated[Decimal, Field(max_digits=26, decimal_places=12)]
MOST_BINS = 200
"""Of a grid: more would make the histograms of many clusters larger than the people they count."""


class Threshold(Part):
    """The line that a number must reach for a yes; compared exactly."""

    at_least: Bound | None = Field(None, description="Lowest number that counts as yes.")
    above: Bound | None = Field(None, description="Numbers above this count as yes.")
    at_most: Bound | None = Field(None, description="Highest number that counts as yes.")
    below: Bound | None = Field(None, description="Numbers below this count as yes.")
    between: tuple[Bound, Bound] | None = Field(None, description="Lowest and highest number of a yes.")
    unit: Text | None = Field(None, description="Unit of these numbers, e.g. words/minute.")

    @model_validator(mode="after")
    def _consistent(self) -> "Threshold":
        lows = [bound for bound in (self.at_least, self.above, self.between) if bound is not None]
        highs = [bound for bound in (self.at_most, self.below, self.between) if bound is not None]
        if not lows and not highs:
            raise refusal("the threshold has no number", "write at_least, above, at_most, below or between")
        if len(lows) > 1 or len(highs) > 1:
            raise refusal("the threshold has two lower or two upper ends", "keep one of each")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise refusal("the threshold's lower end is above its upper end", "correct one of the two")
        return self

    @property
    def low(self) -> Decimal | None:
        """The lower end, where there is one."""
        if self.between is not None:
            return self.between[0]
        return self.above if self.at_least is None else self.at_least

    @property
    def high(self) -> Decimal | None:
        """The upper end, where there is one."""
        if self.between is not None:
            return self.between[1]
        return self.below if self.at_most is None else self.at_most


class Winsor(Part):
    """Cut-offs to which what lies beyond them is set: the same ones for every arm, site and wave."""

    low: Bound | None = Field(None, description="What is lower counts as this, in the indicator's unit.")
    high: Bound | None = Field(None, description="What is higher counts as this, in the indicator's unit.")
    frozen_on: Day = Field(description="Day on which the cut-offs were fixed.")
    ground: Text = Field(description="Where the cut-offs come from.")

    @model_validator(mode="after")
    def _consistent(self) -> "Winsor":
        if self.low is None and self.high is None:
            raise refusal("there is no cut-off", "write low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise refusal("the lower cut-off is not below the upper one", "correct one of the two", "low")
        return self


class Bins(Part):
    """Bins of one width between two numbers, in which values are counted for quantiles between them."""

    low: Bound = Field(alias="from", description="Where the first bin begins, in the indicator's unit.")
    high: Bound = Field(alias="to", description="Where the last bin ends.")
    step: Annotated[Bound, Field(gt=0)] = Field(description="Width of a bin.")

    @model_validator(mode="after")
    def _consistent(self) -> "Bins":
        if self.low >= self.high:
            raise refusal("the grid's 'from' is not below its 'to'", "correct one of the two", "from")
        if (self.high - self.low) % self.step:
            message = "the grid's bins do not end at its 'to'"
            raise refusal(message, "write a step that divides its span", "step")
        if (self.high - self.low) / self.step > MOST_BINS:
            raise refusal(f"the grid has more than {MOST_BINS} bins", "write a larger step", "step")
        return self


class ReferenceSd(Part):
    """One standard deviation of the control arm, frozen on a day, in which Hedges' g is counted."""

    value: float = Field(gt=0, description="Standard deviation, in the indicator's unit.")
    frozen_on: Day
    ground: Text = Field(description="Whose deviation it is, and from which data.")
