"""What an analysis registers about who chose its pilot and when its data are looked at.

In: parts of an entry of analyses.yml. Out: `PilotSelection`, `Looks`. What follows from them is computed
elsewhere.
"""

from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.words import Day, Id, Part, Text, refusal

_SHORTHANDS = {"none": {"rule": "none"}, "significant_at_5pct": {"rule": "significant"}}


class PilotSelection(Part):
    """The rule by which the pilot came to be scaled, its effect oriented so that more is better."""

    rule: Literal["none", "significant", "estimate_above"]
    alpha: float | None = Field(None, gt=0, lt=0.5, description="Level of significance; none: 0.05.")
    sides: Literal["two", "one"] | None = Field(None, description="Sides of that test; none: two.")
    value: float | None = Field(None, description="What the estimate had to exceed, in the effect's unit.")
    on: Id | None = Field(None, description="Indicator that the rule looked at; none: each one at its own.")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return _SHORTHANDS.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fields_of_the_rule(self) -> "PilotSelection":
        if self.rule != "significant" and (self.alpha is not None or self.sides is not None):
            raise refusal("'alpha' and 'sides' belong to the rule 'significant'", "remove them")
        if (self.rule == "estimate_above") != (self.value is not None):
            remedy = "write {rule: estimate_above, value: 5}, in the unit of the effect"
            raise refusal("'value' and the rule 'estimate_above' belong together", remedy)
        if self.rule == "none" and self.on is not None:
            raise refusal("a pilot that nobody selected was selected on nothing", "remove 'on'")
        return self


class Amendment(Part):
    """A dated change to what was registered, or to the data behind an answer, and why it was made."""

    on: Day
    what: Text
    why: Text


class Looks(Part):
    """Dates on which the data may be looked at, and how the 5% are spent over them.

    The last look is the analysis itself, when its waves are closed, whatever its date.
    """

    plan: Literal["obrien_fleming", "pocock"]
    planned: list[Day] = Field(min_length=2, max_length=20)
    information: list[float] | None = Field(
        None, description="Share of the final information at each look, ending in 1; none: equal steps."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Looks":
        if any(later <= earlier for earlier, later in pairwise(self.planned)):
            remedy = "write their dates in order, each once"
            raise refusal("looks do not follow each other", remedy, "planned")
        shares = self.shares
        if len(shares) != len(self.planned):
            remedy = f"write {len(self.planned)} shares, one for each planned date"
            raise refusal("information and planned differ in number", remedy, "information")
        if shares[0] <= 0 or shares[-1] != 1 or any(b <= a for a, b in pairwise(shares)):
            remedy = "write shares above 0 that grow and end in 1, e.g. [0.4, 0.7, 1]"
            raise refusal("these are no shares of the final information", remedy, "information")
        return self

    @property
    def shares(self) -> list[float]:
        """Share of the final information at each look."""
        count = len(self.planned)
        return self.information or [look / count for look in range(1, count + 1)]
