"""Rules over answers: what single items, and the form's own statements about them, must keep.

Facts count them from `registry.rule_terms`, in one scan of each lake table.
"""

from typing import Annotated, ClassVar, Literal, Self

import duckdb
from pydantic import Field, field_validator, model_validator

from expectations.rule_types.said import Dimension, Number, PercentAtMost, Scope, Text


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


class Pattern(OfItem):
    """Answers that do not match `pattern`, a regular expression (RE2), from first letter to last."""

    type: Literal["pattern"]
    dimension: Dimension = "validity"
    item: Text
    pattern: Annotated[str, Field(min_length=1, max_length=500)]

    @field_validator("pattern")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        # Asked of the engine that will match it: no other dialect has to be guessed at.
        with duckdb.connect() as engine:
            try:
                engine.execute("select regexp_full_match('', ?)", [value]).fetchone()
            except duckdb.Error:
                raise ValueError(
                    "`pattern` is no regular expression of RE2, which has no look-around or back-references"
                ) from None
        return value


class ExclusiveOptions(OfItem):
    """Answers that choose an option meant to stand alone (such as none of these) beside another one.

    Of a select_multiple `item`, `alone` lists such options; of an item of yes or no that is one such option,
    `others` names the items of the other options.
    """

    type: Literal["exclusive_options"]
    dimension: Dimension = "consistency"
    item: Text
    alone: tuple[Text, ...] = ()
    others: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if bool(self.alone) == bool(self.others):
            raise ValueError(
                "name either `alone` (codes of the item) or `others` (items), not both or neither"
            )
        return self


class ConsentPresent(OfItem):
    """Complete records in which `item` does not say yes: is true, or one of the codes in `yes`."""

    type: Literal["consent_present"]
    dimension: Dimension = "validity"
    item: Text
    yes: tuple[Text, ...] = ()


class Heaping(OfItem):
    """Numbers other than 0 that are multiples of `multiple_of`, as rounded guesses are (Whipple's index).

    By chance one in `multiple_of` whole numbers is a multiple, so that a limit must lie above that share.
    Whipple's index of ages is this percentage times `multiple_of` (United Nations, Demographic Yearbook: 100
    without heaping, 500 if every age ends in 0 or 5).
    """

    type: Literal["heaping"]
    dimension: Dimension = "accuracy"
    item: Text
    multiple_of: Annotated[Number, Field(gt=1)]

    @model_validator(mode="after")
    def _lies_above_chance(self) -> Self:
        if self.threshold_pct <= 100 / self.multiple_of:
            raise ValueError(
                f"by chance {100 / self.multiple_of:g} percent are multiples; the limit must lie above that"
            )
        return self


class OfSeveral(PercentAtMost):
    """A percentage of records judged by several items at once; it concerns every indicator that reads one."""

    scope: ClassVar[Scope] = "indicator"
    items: Annotated[tuple[Text, ...], Field(min_length=2)]

    @field_validator("items")
    @classmethod
    def _are_different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("`items` names an item twice")
        return value


class SumOfItems(OfSeveral):
    """Records whose `items` do not add up to the item `total` within `tolerance`, where all are answered."""

    type: Literal["sum_of_items"]
    dimension: Dimension = "consistency"
    total: Text
    tolerance: Annotated[Number, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _total_is_none_of_them(self) -> Self:
        if self.total in self.items:
            raise ValueError("`total` is one of the `items` that should add up to it")
        return self


class StraightLining(OfSeveral):
    """Records that give all `items` of one scale the same answer, where all are answered."""

    type: Literal["straight_lining"]
    dimension: Dimension = "accuracy"
    items: Annotated[tuple[Text, ...], Field(min_length=3)]


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
