"""The shape of instruments/*.yml, indicators/*.yml and analyses.yml: what is asked, measured and compared.

In: entries of those files. Out: `Instrument`, `Indicator`, `Analysis`. References are checked elsewhere.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.model_sources import Door
from ingestion.programme.words import (
    Arm,
    Code,
    Columns,
    Day,
    EffectScale,
    Grid,
    Id,
    ItemId,
    ItemType,
    Part,
    Statistic,
    Text,
    refusal,
)


class Item(Part):
    """One canonical question, free of platform."""

    question: Columns = Field(description="Columns that hold its answer, the preferred one first.")
    type: ItemType
    unit: Text | None = Field(None, description="Unit of the answer, e.g. KES/month.")
    min: float | None = Field(None, description="Smallest credible answer, in its unit.")
    max: float | None = Field(None, description="Largest credible answer, in its unit.")
    required: bool = Field(False, description="Whether a complete record must answer it.")
    yes: list[Code] = Field(default_factory=lambda: ["1", "yes"], description="Codes of yes (boolean).")
    no: list[Code] = Field(default_factory=lambda: ["0", "no"], description="Codes of no (boolean).")
    choices: dict[Code, Code] = Field(default_factory=dict, description="Code -> label (select).")

    @model_validator(mode="after")
    def _consistent(self) -> "Item":
        if self.type == "amount" and self.unit is None:
            raise refusal("an amount has no unit", "add one, e.g. unit: KES/month", "type")
        if self.type.startswith("select_") and not self.choices:
            raise refusal("a select has no choices", "add choices: {code: label}", "type")
        if self.choices and not self.type.startswith("select_"):
            raise refusal("only selects have choices", "remove them, or make it a select_one", "choices")
        if self.type == "boolean" and set(self.yes) & set(self.no):
            raise refusal("a code means both yes and no", "list each code on one side only", "yes")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refusal("min is greater than max", "correct one of the two", "min")
        return self


class DerivedItem(Item):
    """An item that no YAML mentions: a question of the instrument's form definition.

    It lets no column into the lake, and costs nothing where nothing reads it.
    """


class Instrument(Part):
    """A questionnaire."""

    instrument: Id
    definition: Text | None = Field(
        None, description="Path of its form definition, from the programme folder, e.g. forms/child.xlsx."
    )
    missing: dict[Code, Id] = Field(default_factory=dict, description="Code of no answer -> its meaning.")
    items: dict[Id, Item] = Field(default_factory=dict)
    privacy: Door = Field(default_factory=Door)

    @model_validator(mode="after")
    def _asks_something(self) -> "Instrument":
        if not self.items and self.definition is None:
            raise refusal(
                "the instrument asks nothing",
                "add items, or the path of its form: definition: forms/child_test.xlsx",
                "items",
            )
        return self


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


class Contrast(Part):
    """Two arms compared."""

    treatment: Arm = "treatment"
    control: Arm = "control"


class Analysis(Part):
    """One registered comparison."""

    analysis: Id
    title: Text
    waves: list[Id] = Field(min_length=1)
    indicators: list[Id] | None = Field(None, description="Indicators compared; none: all.")
    registered_on: Day
    role: Literal["headline", "further", "cross_check"] = "further"
    contrast: Contrast = Field(default_factory=Contrast)
    round: Id = Field("randomised", description="Round of assignment whose arms are compared.")
    cohorts: list[Code] | None = Field(None, min_length=1, description="Entry cohorts compared; none: all.")
    replacements: Literal["exclude", "include"] = "exclude"
    level: Literal["site", "network"] = "site"
    adjust: Literal["block", "site", "none"] = "block"
    clusters: Literal["cluster", "site", "none"] = "cluster"
    unit: Literal["site_mean", "person_weighted"] = "site_mean"
    inference: Literal["these_sites", "population_of_sites"]
    pilot_selection: Literal["none", "significant_at_5pct"] = "none"

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        is_network = value.get("level") == "network"
        return {"inference": "these_sites" if is_network else "population_of_sites"} | value
