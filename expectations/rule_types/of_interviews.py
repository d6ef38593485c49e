"""Rules over interviews: how long they took, when, who held them, and whether a second visit tells the same.

Facts measure each type with SQL of its own. What a rule `needs` are keys that a source may tell; where no
source of a site and wave tells them, the rule is not applicable there, and a programme that writes such a
rule itself without telling them is refused.
"""

import json
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from expectations.rule_types.said import (
    BaseRule,
    Comparison,
    Dimension,
    Number,
    PercentAtMost,
    Scope,
    Text,
    Unit,
)

Need = Literal["enumerator", "started_at", "ended_at", "position", "back_check"]
Count = Annotated[int, Field(strict=True)]


class Needing(BaseRule):
    """A rule of a site and wave that can only be measured where sources tell certain keys."""

    scope: ClassVar[Scope] = "wave"
    needs: ClassVar[tuple[Need, ...]] = ()

    @property
    def parameters(self) -> str:
        """What the type says for itself, and what it needs: facts ask for both."""
        return json.dumps(json.loads(super().parameters) | {"needs": self.needs}, sort_keys=True)


class OfInterviews(Needing, PercentAtMost):
    """A percentage of interviews, of enumerators or of their days."""


class InterviewDuration(OfInterviews):
    """Interviews shorter than `min_minutes` or longer than `max_minutes`, from their start to their end."""

    needs = ("started_at", "ended_at")
    type: Literal["interview_duration"]
    dimension: Dimension = "accuracy"
    min_minutes: Number | None = None
    max_minutes: Number | None = None

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        low, high = self.min_minutes, self.max_minutes
        if low is None and high is None:
            raise ValueError("without `min_minutes` and `max_minutes` no interview can violate the rule")
        if low is not None and high is not None and low > high:
            raise ValueError(
                "`min_minutes` lies above `max_minutes`, so that every interview would violate it"
            )
        return self


class NightInterviews(OfInterviews):
    """Interviews begun before `from_hour` or at or after `to_hour`, in the programme's time zone."""

    needs = ("started_at",)
    type: Literal["night_interviews"]
    dimension: Dimension = "accuracy"
    from_hour: Annotated[Count, Field(ge=0, le=23)]
    to_hour: Annotated[Count, Field(ge=1, le=24)]

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        if self.from_hour >= self.to_hour:
            raise ValueError(
                "`from_hour` does not lie before `to_hour`, so that every interview would violate it"
            )
        if self.to_hour - self.from_hour == 24:
            raise ValueError("from hour 0 to hour 24 no interview can violate the rule")
        return self


class EnumeratorProductivity(OfInterviews):
    """Days of an enumerator with more than `max_per_day` interviews."""

    needs = ("enumerator",)
    type: Literal["enumerator_productivity"]
    dimension: Dimension = "accuracy"
    max_per_day: Annotated[Count, Field(ge=1, le=1000)]


class EnumeratorMissing(OfInterviews):
    """Enumerators whose share of missing answers lies `points` above that of all others together.

    Missing is a code of no answer, or a blank where the item is required.
    """

    needs = ("enumerator",)
    type: Literal["enumerator_missing"]
    dimension: Dimension = "completeness"
    points: Annotated[Number, Field(gt=0, lt=100)]
    min_interviews: Annotated[Count, Field(ge=2)] = 10


class EnumeratorEffect(Needing):
    """Share of an item's variance that lies between enumerators (one-way analysis of variance).

    Without `item` the greatest share among all numbers that indicators read. It looks at outcomes, if never
    by arm, so that it may only warn.
    """

    comparison: ClassVar[Comparison] = "at_most"
    unit: ClassVar[Unit] = "ratio"
    sees_outcomes: ClassVar[bool] = True
    needs = ("enumerator",)
    type: Literal["enumerator_effect"]
    dimension: Dimension = "accuracy"
    item: Text | None = None
    min_interviews: Annotated[Count, Field(ge=2)] = 10
    threshold_share: Number

    @property
    def threshold(self) -> float:
        """The greatest acceptable share of variance, between 0 and 1."""
        return self.threshold_share

    @field_validator("threshold_share")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if not 0 <= value < 1:
            raise ValueError(
                "a share of variance lies from 0 to below 1; beyond that it can never fail or pass"
            )
        return value


class NearDuplicates(OfInterviews):
    """Interviews whose answers agree with those of another unit in `agree_pct` of the questions or more.

    Interviews of one site and wave are compared within the work of one enumerator, or else within a cluster.
    Questions that neither answered do not count; pairs with fewer than `min_items` that either did are left
    out.
    """

    type: Literal["near_duplicates"]
    dimension: Dimension = "uniqueness"
    agree_pct: Annotated[Number, Field(ge=50, le=100)]
    min_items: Annotated[Count, Field(ge=5)] = 30


class OverlappingInterviews(OfInterviews):
    """Interviews begun `min_minutes` or more before another one of the same enumerator had ended.

    With `same_place`, only where both were held at one place, as exact as the door lets places pass. What was
    open for over `left_open_minutes` was left open, and overlaps with nothing.
    """

    needs = ("enumerator", "started_at", "ended_at")
    type: Literal["overlapping_interviews"]
    dimension: Dimension = "uniqueness"
    min_minutes: Annotated[Number, Field(ge=0)] = 1
    left_open_minutes: Annotated[Number, Field(gt=0)] = 480
    same_place: bool = False


class SamePlace(OfInterviews):
    """Interviews at the very place, to a metre or so, at which more than `max_units` units were interviewed.

    Places that were made coarse at the door are not judged.
    """

    needs = ("position",)
    type: Literal["same_place"]
    dimension: Dimension = "uniqueness"
    max_units: Annotated[Count, Field(ge=1)]


class BackCheckErrorRate(OfInterviews):
    """Answers that differ between an interview and its back-check, of those that both hold.

    Without `items` all that both ask; numbers may differ by `tolerance`, in the item's unit.
    """

    needs = ("back_check",)
    type: Literal["back_check_error_rate"]
    dimension: Dimension = "accuracy"
    items: tuple[Text, ...] = ()
    tolerance: Annotated[Number, Field(ge=0)] = 0


class BackCheckReliability(Needing):
    """Agreement between interviews and back-checks beyond chance: the least among items.

    Intraclass correlation of numbers, Cohen's kappa of codes. Without `items` all that both ask; an item with
    fewer than `min_pairs` pairs, or with one answer only, is left out.
    """

    comparison: ClassVar[Comparison] = "at_least"
    unit: ClassVar[Unit] = "correlation"
    needs = ("back_check",)
    type: Literal["back_check_reliability"]
    dimension: Dimension = "accuracy"
    items: tuple[Text, ...] = ()
    min_pairs: Annotated[Count, Field(ge=3)] = 10
    threshold_r: Number

    @property
    def threshold(self) -> float:
        """The least acceptable agreement, above 0 and at most 1."""
        return self.threshold_r

    @field_validator("threshold_r")
    @classmethod
    def _can_fail_and_pass(cls, value: float) -> float:
        if not 0 < value <= 1:
            raise ValueError("an agreement beyond chance is demanded above 0 and up to 1")
        return value
