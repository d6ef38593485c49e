"""Rules over records, the frame and deliveries: who was measured, once, where and when.

Facts measure each type with SQL of its own.
"""

from typing import ClassVar, Literal

from pydantic import field_validator

from expectations.rule_types.said import (
    BaseRule,
    Comparison,
    Dimension,
    Number,
    PercentAtLeast,
    PercentAtMost,
    Scope,
    Text,
    Unit,
)


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


class FormVersionDrift(PercentAtMost):
    """Records of another form version than most of their source, site and wave, or than all `versions`."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["form_version_drift"]
    dimension: Dimension = "comparability"
    versions: tuple[Text, ...] = ()


class UnmappedQuestions(PercentAtMost):
    """Columns of an export that hold answers and feed no item, of all that hold answers."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["unmapped_questions"]
    dimension: Dimension = "completeness"


class Lateness(PercentAtMost):
    """Records that the server received more than `max_days` days after the interview ended, in the field."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["lateness"]
    dimension: Dimension = "timeliness"
    max_days: Number

    @field_validator("max_days")
    @classmethod
    def _days_can_pass(cls, value: float) -> float:
        if value < 0:
            raise ValueError("`max_days` lies below 0: no record comes before its interview")
        return value


class Shrinkage(PercentAtMost):
    """Records that the last landed pull no longer holds, of those of the one before, in the field."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["shrinkage"]
    dimension: Dimension = "delivery"


class OrphanRows(PercentAtMost):
    """Rows of repeats whose parent was not delivered: they lie in quarantine."""

    scope: ClassVar[Scope] = "wave"
    type: Literal["orphan_rows"]
    dimension: Dimension = "consistency"
