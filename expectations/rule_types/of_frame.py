"""Rules over the frame's units: who was lost, refused or forgotten, and whether arms are alike and stay.

Facts measure each type with SQL of its own. Types that compare arms by chance only ever warn.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from expectations.rule_types.said import (
    BaseRule,
    Comparison,
    Dimension,
    Number,
    PercentAtLeast,
    PercentAtMost,
    Scope,
    Unit,
)


class ClusterCounts(PercentAtLeast):
    """Clusters with at least `min_units` measured units, of the clusters the frame lists."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["cluster_counts"]
    dimension: Dimension = "sampling"
    min_units: Annotated[int, Field(strict=True, ge=1)] = 1


class DispositionShare(PercentAtMost):
    """Units of the frame that ended as `disposition`, e.g. refused; replaced units are left out."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["disposition_share"]
    dimension: Dimension = "sampling"
    disposition: Literal["refused", "moved", "dead", "not_found", "other", "unaccounted"]


class IdsVanish(PercentAtMost):
    """Units measured at an earlier wave of whom this one tells nothing: not listed, or no word of them."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["ids_vanish"]
    dimension: Dimension = "consistency"


class ArmChanges(PercentAtMost):
    """Units whose arm is told more than once, by the frame's sources or a survey, and not alike."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["arm_changes"]
    dimension: Dimension = "consistency"


class Attrition(PercentAtMost):
    """Units assigned by lot that were not measured; a replacement does not bring back whom it replaces."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["attrition"]
    dimension: Dimension = "sampling"


class AttritionDifferential(BaseRule):
    """Difference between arms in the percentage lost, the largest of any arm with control.

    With `boundary` the What Works Clearinghouse's limit at the overall percentage lost holds where it is the
    tighter one (Standards Handbook 4.0, 2017).
    """

    scope: ClassVar[Scope] = "wave"
    comparison: ClassVar[Comparison] = "at_most"
    unit: ClassVar[Unit] = "points"
    sees_outcomes: ClassVar[bool] = True
    type: Literal["attrition_differential"]
    dimension: Dimension = "sampling"
    threshold_points: Number
    boundary: Literal["cautious", "optimistic"] | None = None

    @property
    def threshold(self) -> float:
        """The largest acceptable difference in percentage points."""
        return self.threshold_points

    @field_validator("threshold_points")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value >= 100:
            raise ValueError("a difference of 100 or more percentage points can never fail")
        if value < 0:
            raise ValueError("a difference below 0 percentage points can never pass")
        return value


class BaselineBalance(BaseRule):
    """Largest standardised difference between treated and control units in what the frame tells of them.

    (m1 - m0) / sqrt((s1^2 + s0^2) / 2), s^2 = p (1 - p) for levels of a subgroup (Austin 2009).
    """

    scope: ClassVar[Scope] = "site"
    comparison: ClassVar[Comparison] = "at_most"
    unit: ClassVar[Unit] = "sd"
    sees_outcomes: ClassVar[bool] = True
    type: Literal["baseline_balance"]
    dimension: Dimension = "sampling"
    threshold_sd: Number

    @property
    def threshold(self) -> float:
        """The largest acceptable difference in standard deviations."""
        return self.threshold_sd

    @field_validator("threshold_sd")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("a difference of 0 standard deviations or less can hardly ever pass")
        if value >= 5:
            raise ValueError("a difference of 5 or more standard deviations can hardly ever fail")
        return value
