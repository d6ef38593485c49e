"""The shape of indicators/*.yml: what is measured, and what would be a success.

In: entries of those files. Out: `Indicator`. References are checked elsewhere.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.model_comparability import Comparability, Reference
from ingestion.programme.model_indices import INDICES, Component, Standardised, check_index
from ingestion.programme.model_values import Bins, ReferenceSd, Threshold, Winsor
from ingestion.programme.words import EffectScale, Grid, Id, ItemId, Part, Statistic, Text, refusal

QUANTILES = ("median", "quantile")
OF_ONE_ITEM = ("share", "mean", "amount", "sum", *QUANTILES)
"""Statistics of one item's number, named by `of`."""
_AMOUNTS = ("mean", "amount", "sum")
_CHANGING = ("mean", "amount", "scale_sum", "scale_mean")


class Indicator(Part):
    """A named outcome or delivery measure."""

    indicator: Id
    title: Text
    unit: Text
    statistic: Statistic
    of: ItemId | None = Field(None, description="Item of a share, mean, amount, sum, median or quantile.")
    events: ItemId | None = Field(None, description="Item counted by a rate.")
    exposure: ItemId | None = Field(None, description="Item a rate is divided by.")
    numerator: ItemId | None = Field(None, description="Item whose sum a ratio divides.")
    denominator: ItemId | None = Field(None, description="Item by whose sum a ratio is divided.")
    quantile: Annotated[Decimal, Field(gt=0, lt=1, decimal_places=4)] | None = Field(
        None, description="Which quantile: 0.9 is what nine of ten are not above; a median's is 0.5."
    )
    grid: Bins | None = Field(None, description="Bins within which a quantile is interpolated; none: exact.")
    per: int = Field(1, ge=1, description="Multiplier of a rate or ratio.")
    over_repeat: Literal["count", "sum"] | None = Field(
        None, description="Count or sum the item over a record's rows of its repeat (mean, amount, sum)."
    )
    threshold: Threshold | None = Field(None, description="Which numbers of the item a share counts as yes.")
    winsor: Winsor | None = Field(None, description="Frozen cut-offs of a mean, amount or sum.")
    transform: Literal["none", "log", "asinh"] = Field(
        "none", description="What the number goes through; descriptive only."
    )
    change_from_baseline: bool = Field(False, description="Count the value minus the unit's baseline.")
    items: list[ItemId] = Field(default_factory=list, description="Items of a scale.")
    reversed: list[ItemId] = Field(default_factory=list, description="Items of a scale that count backwards.")
    scale_min: float | None = Field(None, description="Lowest answer of a scale's items.")
    scale_max: float | None = Field(None, description="Highest answer of a scale's items.")
    of_indicators: list[Component] = Field(default_factory=list, description="Components of an index.")
    standardised: Standardised | None = Field(None, description="When and from whom an index was frozen.")
    min_answered: int | None = Field(
        None, ge=1, description="Items needed for a scale, or components for an index; default: all."
    )
    direction: Literal["higher_is_better", "lower_is_better"]
    effect_scale: EffectScale
    reference_sd: ReferenceSd | None = Field(
        None, description="Frozen standard deviation that Hedges' g is counted in; none: each site's own."
    )
    smallest_effect: float | None = Field(
        None, ge=0, description="Smallest effect that matters, on its scale."
    )
    retention_margin: float = Field(0.5, gt=0, le=1, description="Share of the pilot effect to keep.")
    role: Literal["primary", "exploratory"] = "exploratory"
    resolution: Grid = Field(description="Grid on which values lie, in the unit; 100 for a share.")
    subgroups: list[Id] = Field(default_factory=list)
    reference: Reference | None = Field(None, description="The version every site is compared with.")
    comparability: Comparability = Field(
        default_factory=Comparability, description="Class that each difference from the reference gives."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        scales = {"share": "risk_difference"} | dict.fromkeys(QUANTILES, "quantile_difference")
        defaults: dict[str, Any] = {
            "resolution": _default_resolution(value),
            "effect_scale": scales.get(str(value.get("statistic")), "difference"),
        }
        if value.get("statistic") == "median":
            defaults["quantile"] = "0.5"
        if str(value.get("statistic")).startswith("scale_") and isinstance(value.get("items"), list):
            defaults["min_answered"] = max(len(value["items"]), 1)
        if value.get("statistic") in INDICES and isinstance(value.get("of_indicators"), list):
            defaults["min_answered"] = max(len(value["of_indicators"]), 1)
        return defaults | value

    @model_validator(mode="after")
    def _consistent(self) -> "Indicator":
        for name, is_needed in self.needs.items():
            if is_needed and (self.terms or self.of_indicators) and not getattr(self, name):
                raise refusal(f"a {self.statistic} needs '{name}'", f"add {name}")
            if not is_needed and getattr(self, name):
                raise refusal(f"a {self.statistic} has no '{name}'", f"remove {name}", name)
        if self.over_repeat and self.statistic not in _AMOUNTS:
            raise refusal(
                f"a {self.statistic} is not reckoned over a repeat",
                "write statistic: mean, or remove over_repeat",
                "over_repeat",
            )
        if self.over_repeat == "count" and self.statistic in ("amount", "sum"):
            raise refusal("rows are counted, not an amount", "write statistic: mean", "over_repeat")
        if self.statistic == "share" and self.unit != "percent":
            raise refusal("a share is measured in percent", "write unit: percent", "unit")
        if self.statistic == "share" and 100 % self.resolution != 0:
            raise refusal("a share is 0 or 100, off this grid", "remove it", "resolution")
        if self.statistic != "share" and self.effect_scale == "risk_difference":
            raise refusal("this has no risk difference", "write effect_scale: difference", "effect_scale")
        self._check_effect_scale()
        self._check_quantile()
        check_index(self.statistic, self.of_indicators, self.standardised)
        if self.role == "primary" and self.smallest_effect is None:
            raise refusal("a primary indicator needs its smallest effect that matters", "add smallest_effect")
        self._check_values()
        self._check_scale()
        return self

    @property
    def needs(self) -> dict[str, bool]:
        """The fields that name items, by whether its statistic needs them; a site may send it reckoned."""
        is_rate, is_ratio = self.statistic == "rate", self.statistic == "ratio"
        return {
            "of": self.statistic in OF_ONE_ITEM,
            "events": is_rate,
            "exposure": is_rate,
            "numerator": is_ratio,
            "denominator": is_ratio,
            "items": self.statistic.startswith("scale_"),
            "of_indicators": self.statistic in INDICES,
        }

    def _check_effect_scale(self) -> None:
        is_quotient = self.statistic in ("rate", "ratio")
        fitting = {
            "log_risk_ratio": self.statistic == "share",
            "log_odds_ratio": self.statistic == "share",
            "log_rate_ratio": is_quotient,
            "hedges_g": not is_quotient and self.statistic not in QUANTILES,
            "quantile_difference": self.statistic in QUANTILES,
            "difference": self.statistic not in QUANTILES,
        }
        if not fitting.get(self.effect_scale, True):
            words = self.effect_scale.replace("_", " ")
            own = "quantile_difference" if self.statistic in QUANTILES else "difference"
            raise refusal(f"a {self.statistic} has no {words}", f"write effect_scale: {own}", "effect_scale")
        if self.reference_sd and (is_quotient or self.statistic in QUANTILES):
            raise refusal(
                f"a {self.statistic} is not counted in standard deviations", "remove it", "reference_sd"
            )

    def _check_quantile(self) -> None:
        is_quantile = self.statistic in QUANTILES
        for name in ("quantile", "grid"):
            if getattr(self, name) is not None and not is_quantile:
                raise refusal(f"a {self.statistic} has no '{name}'", f"remove {name}", name)
        if is_quantile and self.quantile is None:
            raise refusal("a quantile needs to know which", "add quantile, e.g. 0.9")
        if self.statistic == "median" and self.quantile != Decimal("0.5"):
            raise refusal("a median is the quantile 0.5", "write statistic: quantile", "quantile")
        ends = (self.grid.low, self.grid.high, self.grid.step) if self.grid else ()
        if any(end % self.resolution for end in ends):
            raise refusal("the grid's bins end between two values of the resolution", "align the two", "grid")

    def _check_values(self) -> None:
        fitting = {
            "threshold": (self.threshold is not None, ("share",)),
            "winsor": (self.winsor is not None, _AMOUNTS),
            "transform": (self.transform != "none", ("mean", "amount")),
            "change_from_baseline": (self.change_from_baseline, _CHANGING),
        }
        for name, (is_written, statistics) in fitting.items():
            if is_written and self.statistic not in statistics:
                remedy = f"write statistic: {' or '.join(statistics)}, or remove {name}"
                raise refusal(f"'{name}' has no meaning for statistic {self.statistic}", remedy, name)
        if self.is_descriptive and self.role == "primary":
            message = f"the effect of {self._descriptive} carries no verdict, so it is not primary"
            raise refusal(message, "write role: exploratory, and a mean beside it as primary", "role")

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
        parts = self.of_indicators or self.items
        if self.min_answered is not None and self.min_answered > max(len(parts), 1):
            whole = "index's components" if self.of_indicators else "scale's items"
            raise refusal(f"min_answered is more than the {whole}", "lower it", "min_answered")

    @property
    def is_descriptive(self) -> bool:
        """Whether it only describes: its effect carries no verdict."""
        return bool(self._descriptive)

    @property
    def _descriptive(self) -> str:
        """What makes it descriptive, in words; blank where nothing does.

        A total grows with the arm, a log's effect changes with the currency, and a difference of quantiles is
        the effect on nobody in particular.
        """
        named = {"sum": "a sum"} | {name: f"a {name}" for name in QUANTILES}
        return named.get(self.statistic, "a transformed value" if self.transform != "none" else "")

    @property
    def terms(self) -> list[tuple[str, str]]:
        """The items it reads, each with its part: value, events, exposure or component."""
        single = [("value", self.of), ("events", self.events), ("exposure", self.exposure)]
        single += [("numerator", self.numerator), ("denominator", self.denominator)]
        return [(term, item) for term, item in single if item] + [("component", item) for item in self.items]

    @property
    def instruments(self) -> list[str]:
        """The instruments it reads, in order."""
        return list(dict.fromkeys(item.partition(".")[0] for _, item in self.terms))


def _default_resolution(value: dict[str, Any]) -> Decimal:
    if value.get("statistic") == "share":
        return Decimal(100)
    is_plain = value.get("transform", "none") == "none" and value.get("statistic") not in INDICES
    return Decimal("0.01" if is_plain else "0.0001")
