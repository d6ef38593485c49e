"""The types of quality rule: what each may say in YAML, and what it measures.

In: plain data of one YAML entry. Out: `RuleSpec`, the union of all rule types. Reading many rules at once is
the work of `rule`, turning them into SQL that of `compile`; neither belongs here.

No type sees an outcome by arm, an effect, drift of outcomes across sites or chance imbalance: a rule that
withholds on results would select on results. `arm_shares` holds counts of units by arm against the design.
"""

from abc import ABC, abstractmethod
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Severity = Literal["critical", "warning"]
Comparison = Literal["at_most", "at_least"]
Dimension = Literal[
    "completeness",
    "uniqueness",
    "validity",
    "consistency",
    "timeliness",
    "accuracy",
    "comparability",
    "sampling",
    "delivery",
]
# The finest key a type's facts carry: site x wave x indicator, site x wave, or site.
Scope = Literal["indicator", "wave", "site"]
Unit = Literal["percent", "probability", "days"]


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is expected here, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value), Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class BaseRule(BaseModel, ABC):
    """What every rule says: its name, its weight, and who set its threshold, when and on what ground."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    scope: ClassVar[Scope]
    comparison: ClassVar[Comparison]
    unit: ClassVar[Unit]

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: str
    dimension: Dimension
    severity: Severity
    description: Text | None = None
    set_by: Text
    set_on: date
    ground: Text
    valid_from: date | None = None
    waves: tuple[Text, ...] = ()
    replaces: Text | None = None

    @property
    @abstractmethod
    def threshold(self) -> float:
        """The limit, in the type's unit."""


class PercentAtMost(BaseRule):
    """At most this percentage of what the rule applies to may violate it."""

    comparison: ClassVar[Comparison] = "at_most"
    unit: ClassVar[Unit] = "percent"
    threshold_pct: Number

    @property
    def threshold(self) -> float:
        """The limit in percent."""
        return self.threshold_pct

    @field_validator("threshold_pct")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value >= 100:
            raise ValueError("a limit of 100 or more percent can never fail")
        if value < 0:
            raise ValueError("a limit below 0 percent can never pass")
        return value


class PercentAtLeast(BaseRule):
    """At least this percentage of what was planned must be there."""

    comparison: ClassVar[Comparison] = "at_least"
    unit: ClassVar[Unit] = "percent"
    threshold_pct: Number

    @property
    def threshold(self) -> float:
        """The limit in percent."""
        return self.threshold_pct

    @field_validator("threshold_pct")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("a demand of 0 percent or less can never fail")
        if value > 100:
            raise ValueError("a demand of more than 100 percent can never pass")
        return value


class OfItem(PercentAtMost):
    """A percentage of one item's cells; without `item` the rule fans out over every item it applies to."""

    scope: ClassVar[Scope] = "indicator"
    item: Text | None = None


class RequiredAnswered(OfItem):
    """Complete interviews in which the question holds no answer."""

    type: Literal["required_answered"]
    dimension: Dimension = "completeness"


class Range(OfItem):
    """Answers below `min` or above `max` (themselves allowed); without them the item's own limits hold."""

    type: Literal["range"]
    dimension: Dimension = "validity"
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if self.item is None and (self.min is not None or self.max is not None):
            raise ValueError("`min` and `max` need the `item` they are limits of")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` lies above `max`, so that every answer would violate the rule")
        return self


class AllowedValues(OfItem):
    """Answers that are none of the item's codes, or none of `allowed`."""

    type: Literal["allowed_values"]
    dimension: Dimension = "validity"
    allowed: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _list_has_an_item(self) -> Self:
        if self.allowed and self.item is None:
            raise ValueError("`allowed` needs the `item` it lists the codes of")
        return self


class Readable(OfItem):
    """Answers that cannot be read as the item's type."""

    type: Literal["readable"]
    dimension: Dimension = "validity"


class Check(OfItem):
    """Records for which an expression over items is not true; it applies where those items are answered."""

    type: Literal["check"]
    dimension: Dimension = "consistency"
    expression: Annotated[str, Field(min_length=1, max_length=2000)]


class OfForm(PercentAtMost):
    """A percentage of answers that break what their form's definition says of them, for every such item."""

    scope: ClassVar[Scope] = "indicator"


class FormConstraint(OfForm):
    """Answers that the form's own constraint refuses."""

    type: Literal["form_constraint"]
    dimension: Dimension = "validity"


class FormRelevance(OfForm):
    """Answers to questions that the form did not ask."""

    type: Literal["form_relevance"]
    dimension: Dimension = "consistency"


class FormRequired(OfForm):
    """Questions left blank that the form asked and required an answer to."""

    type: Literal["form_required"]
    dimension: Dimension = "completeness"


class KeyUnique(PercentAtMost):
    """Completed records beyond the first of one unit in one wave."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["key_unique"]
    dimension: Dimension = "uniqueness"


class InFrame(PercentAtMost):
    """Records whose unit the frame does not list."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["in_frame"]
    dimension: Dimension = "sampling"


class FrameUnique(PercentAtMost):
    """Units that the frame's sources list more than once in a round."""

    scope: ClassVar[Scope] = "site"
    type: Literal["frame_unique"]
    dimension: Dimension = "uniqueness"


class VolumeAgainstFrame(PercentAtLeast):
    """Units with a completed record, of the units the frame lists."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["volume_against_frame"]
    dimension: Dimension = "completeness"


class ArmShares(BaseRule):
    """Probability of arm sizes as unequal as these if the design were kept; sizes only, never outcomes."""

    scope: ClassVar[Scope] = "site"
    comparison: ClassVar[Comparison] = "at_least"
    unit: ClassVar[Unit] = "probability"
    type: Literal["arm_shares"]
    dimension: Dimension = "sampling"
    threshold_p: Number

    @property
    def threshold(self) -> float:
        """The smallest acceptable probability, between 0 and 1."""
        return self.threshold_p

    @field_validator("threshold_p")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("a probability of 0 or less can never fail")
        if value >= 1:
            raise ValueError("a probability of 1 or more would fail every site that is not split exactly")
        return value


class Freshness(BaseRule):
    """Days between the last submission and the as-of date, while the wave is in the field."""

    scope: ClassVar[Scope] = "wave"
    comparison: ClassVar[Comparison] = "at_most"
    unit: ClassVar[Unit] = "days"
    type: Literal["freshness"]
    dimension: Dimension = "timeliness"
    threshold_days: Number

    @property
    def threshold(self) -> float:
        """The greatest acceptable age in days, where the source names none of its own."""
        return self.threshold_days

    @field_validator("threshold_days")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value < 0:
            raise ValueError("an age below 0 days can never pass")
        if value > 3650:
            raise ValueError("an age of more than ten years can never fail within a wave")
        return value


class Delivered(PercentAtMost):
    """Sources expected at a site and wave that hold no record of it once the wave is closed."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["delivered"]
    dimension: Dimension = "delivery"


class ClaimedOnce(PercentAtMost):
    """Records that two sources claim."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["claimed_once"]
    dimension: Dimension = "uniqueness"


class AggregateConsistent(PercentAtMost):
    """Rows of moments, or of a published effect, that contradict themselves."""

    scope: ClassVar[Scope] = "indicator"
    type: Literal["aggregate_consistent"]
    dimension: Dimension = "consistency"


ItemRule = RequiredAnswered | Range | AllowedValues | Readable | Check
FormRule = FormConstraint | FormRelevance | FormRequired
MeasuredRule = (
    KeyUnique
    | InFrame
    | FrameUnique
    | VolumeAgainstFrame
    | ArmShares
    | Freshness
    | Delivered
    | ClaimedOnce
    | AggregateConsistent
)
RuleSpec = Annotated[ItemRule | FormRule | MeasuredRule, Field(discriminator="type")]

# By the name that each type gives itself.
RULE_TYPES: dict[str, type[BaseRule]] = {
    name: kind
    for kind in (*get_args(ItemRule), *get_args(FormRule), *get_args(MeasuredRule))
    for name in get_args(kind.model_fields["type"].annotation)
}
