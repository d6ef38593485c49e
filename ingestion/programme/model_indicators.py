"""The shape of indicators/*.yml: what is measured, and what would be a success.

In: entries of those files. Out: `Indicator`. References are checked elsewhere.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.words import EffectScale, Grid, Id, ItemId, Part, Statistic, Text, refusal


class Indicator(Part):
    """A named outcome or delivery measure."""

    indicator: Id
    title: Text
    unit: Text
    statistic: Statistic
    of: ItemId | None = Field(None, description="Item of a share, mean or amount.")
    events: ItemId | None = Field(None, description="Item counted by a rate.")
    exposure: ItemId | None = Field(None, description="Item a rate is divided by.")
    per: int = Field(1, ge=1, description="Multiplier of a rate.")
    over_repeat: Literal["count", "sum"] | None = Field(
        None, description="Count or sum the item over a record's rows of its repeat (mean, amount)."
    )
    items: list[ItemId] = Field(default_factory=list, description="Items of a scale.")
    reversed: list[ItemId] = Field(default_factory=list, description="Items of a scale that count backwards.")
    scale_min: float | None = Field(None, description="Lowest answer of a scale's items.")
    scale_max: float | None = Field(None, description="Highest answer of a scale's items.")
    min_answered: int | None = Field(None, ge=1, description="Items needed for a scale; default: all.")
    direction: Literal["higher_is_better", "lower_is_better"]
    effect_scale: EffectScale
    smallest_effect: float | None = Field(
        None, ge=0, description="Smallest effect that matters, on its scale."
    )
    retention_margin: float = Field(0.5, gt=0, le=1, description="Share of the pilot effect to keep.")
    role: Literal["primary", "exploratory"] = "exploratory"
    resolution: Grid = Field(description="Grid on which values lie, in the unit; 100 for a share.")
    subgroups: list[Id] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        is_share = value.get("statistic") == "share"
        defaults: dict[str, Any] = {
            "resolution": Decimal(100) if is_share else Decimal("0.01"),
            "effect_scale": "risk_difference" if is_share else "difference",
        }
        if str(value.get("statistic")).startswith("scale_") and isinstance(value.get("items"), list):
            defaults["min_answered"] = max(len(value["items"]), 1)
        return defaults | value

    @model_validator(mode="after")
    def _consistent(self) -> "Indicator":
        for name, is_needed in self._needs().items():
            if is_needed and not getattr(self, name):
                raise refusal(f"a {self.statistic} needs '{name}'", f"add {name}")
            if not is_needed and getattr(self, name):
                raise refusal(f"a {self.statistic} has no '{name}'", f"remove {name}", name)
        if self.over_repeat and self.statistic not in ("mean", "amount"):
            raise refusal(
                f"a {self.statistic} is not reckoned over a repeat",
                "write statistic: mean, or remove over_repeat",
                "over_repeat",
            )
        if self.over_repeat == "count" and self.statistic == "amount":
            raise refusal("rows are counted, not an amount", "write statistic: mean", "over_repeat")
        if self.statistic == "share" and self.unit != "percent":
            raise refusal("a share is measured in percent", "write unit: percent", "unit")
        if self.statistic == "share" and 100 % self.resolution != 0:
            raise refusal("a share is 0 or 100, off this grid", "remove it", "resolution")
        if self.statistic != "share" and self.effect_scale == "risk_difference":
            raise refusal("this has no risk difference", "write effect_scale: difference", "effect_scale")
        if self.role == "primary" and self.smallest_effect is None:
            raise refusal("a primary indicator needs its smallest effect that matters", "add smallest_effect")
        self._check_scale()
        return self

    def _needs(self) -> dict[str, bool]:
        is_scale = self.statistic.startswith("scale_")
        is_rate = self.statistic == "rate"
        return {"of": not (is_scale or is_rate), "events": is_rate, "exposure": is_rate, "items": is_scale}

    def _check_scale(self) -> None:
        low, high = self.scale_min, self.scale_max
        if set(self.reversed) - set(self.items):
            raise refusal("an item is reversed that the scale does not have", "list it in items", "reversed")
        if len(set(self.items)) < len(self.items):
            raise refusal("the scale lists an item twice", "list each item once", "items")
        if self.reversed and (low is None or high is None):
            raise refusal("reversed items need the scale's ends", "add scale_min and scale_max", "reversed")
        if low is not None and high is not None and low >= high:
            raise refusal("scale_min is not below scale_max", "correct one of the two", "scale_min")
        if self.min_answered is not None and self.min_answered > max(len(self.items), 1):
            raise refusal("min_answered is more than the scale's items", "lower it", "min_answered")

    @property
    def terms(self) -> list[tuple[str, str]]:
        """The items it reads, each with its part: value, events, exposure or component."""
        single = [("value", self.of), ("events", self.events), ("exposure", self.exposure)]
        return [(term, item) for term, item in single if item] + [("component", item) for item in self.items]

    @property
    def instruments(self) -> list[str]:
        """The instruments it reads, in order."""
        return list(dict.fromkeys(item.partition(".")[0] for _, item in self.terms))
