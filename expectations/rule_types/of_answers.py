"""Rules over answers: what single items, and the form's own statements about them, must keep.

Facts count them from `registry.rule_terms`, in one scan of each lake table.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

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
