"""The shape of instruments/*.yml: what is asked.

In: entries of those files. Out: `Instrument`, `Item`. References are checked elsewhere.
"""

from pydantic import Field, model_validator

from ingestion.programme.model_comparability import Wording
from ingestion.programme.model_sources import Door
from ingestion.programme.words import Code, Columns, Id, ItemType, Part, Text, refusal


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
    wordings: dict[Id, Wording] = Field(default_factory=dict, description="Versions of it -> what is theirs.")

    @model_validator(mode="after")
    def _asks_something(self) -> "Instrument":
        if not self.items and self.definition is None:
            raise refusal(
                "the instrument asks nothing",
                "add items, or the path of its form: definition: forms/child_test.xlsx",
                "items",
            )
        return self
