"""What every rule says, whatever its type: its id, its weight, its limit, and who set it on what ground.

In: plain data of one YAML entry. Out: the classes that rule types are made of; the types themselves stand
beside this module.
"""

import json
from abc import ABC, abstractmethod
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

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
Unit = Literal["percent", "probability", "days", "ratio", "correlation", "points", "sd"]


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
    # Whether it looks at outcomes by arm, at how they drift, or at chance imbalance: then it may only warn.
    sees_outcomes: ClassVar[bool] = False

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

    @property
    def parameters(self) -> str:
        """What a type says beyond what every rule does, as JSON with sorted keys: its facts may read it."""
        own = type(self).model_fields.keys() - BaseRule.model_fields.keys()
        said = self.model_dump(
            mode="json", include={name for name in own if not name.startswith("threshold")}
        )
        return json.dumps(said, sort_keys=True)


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
