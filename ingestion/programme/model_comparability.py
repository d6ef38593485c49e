"""The shape of what makes outcomes comparable: the registered reference, what was asked, the rules between.

In: parts of indicators/*.yml (`reference`, `comparability`), sources.yml (`asked`) and instruments/*.yml
(`wordings`). Out: `Reference`, `Comparability`, `Asked`, `Wording`. Which class a site gets is judged in the
warehouse, from these facts alone.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ingestion.programme.words import Code, Id, ItemType, Part, Text, refusal

Translation = Literal["same_language", "back_translated", "translated", "untranslated"]
Mode = Literal["in_person", "phone", "self"]
Class = Literal["A", "B", "C"]

_PERIOD = re.compile(r"(?:last\s+)?(\d+(?:\.\d+)?)?\s*(day|week|month|year)s?", re.IGNORECASE)
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


def _days(value: Any) -> Any:
    """Days of a period in words, e.g. `7 days` or `1 month` (a twelfth of 365.25 days)."""
    if isinstance(value, str) and (found := _PERIOD.fullmatch(value.strip())):
        return float(found[1] or 1) * _DAYS[found[2].lower()]
    raise refusal(f"'{value}' is no period", "write it as 7 days, 2 weeks, 1 month or 1 year")


def listed(value: Any) -> Any:
    """A value alone as a list of one."""
    return value if isinstance(value, list) else [value]


Period = Annotated[float, BeforeValidator(_days), Field(gt=0)]
Languages = Annotated[list[Text], BeforeValidator(listed), Field(min_length=1)]
Ids = Annotated[list[Id], BeforeValidator(listed), Field(min_length=1)]


class Window(Part):
    """Days within which a wave is measured, the first and the last included."""

    from_day: int = Field(description="First day.")
    to_day: int = Field(description="Last day.")

    @model_validator(mode="after")
    def _in_order(self) -> "Window":
        if self.from_day > self.to_day:
            raise refusal("from_day lies after to_day", "correct one of the two", "from_day")
        return self


class ReferenceWindow(Window):
    """The registered window of a wave."""

    after: Id = Field(
        "treatment_start", description="What day 0 is: treatment_start, or the wave whose first day it is."
    )


class _Facts(Part):
    """How an indicator's questions were asked; what is absent is not said."""

    language: Languages | None = Field(None, description="Language asked in, or several.")
    recall: Period | None = Field(None, description="Period asked about, e.g. 7 days.")
    mode: Mode | None = Field(None, description="How it was asked: in_person, phone or self.")
    population: Text | None = Field(None, description="Whom it was asked, e.g. children 7-11.")


class Reference(_Facts):
    """The version of an indicator that every site is compared with."""

    instrument: Id | None = Field(None, description="Its questionnaire; default: the indicator's own.")
    wording: Id | None = Field(None, description="Wording of that instrument.")
    unit: Text | None = Field(None, description="Unit in which values are compared: the indicator's own.")
    window: dict[Id, ReferenceWindow] = Field(default_factory=dict, description="Wave -> its window.")

    @model_validator(mode="before")
    @classmethod
    def _recall_in_days(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "recall_days" not in value:
            return value
        if "recall" in value:
            raise refusal("the recall period is given twice", "keep recall or recall_days", "recall_days")
        days = value["recall_days"]
        if isinstance(days, bool) or not isinstance(days, int):
            raise refusal(f"'{days}' is no number of days", "write recall_days: 7", "recall_days")
        rest = {name: said for name, said in value.items() if name != "recall_days"}
        return rest | {"recall": f"{days} days"}


class Comparability(Part):
    """The class that each difference from the reference gives; the worst of a site's counts."""

    instrument: Class = Field("C", description="Another questionnaire.")
    wording: Class = Field("C", description="Another wording that is not linked to the reference's.")
    linked_wording: Class = Field("B", description="Another wording, linked to the reference's.")
    back_translated: Class = Field("B", description="Another language, the translation translated back.")
    translated: Class = Field("C", description="Another language, translated and not checked.")
    untranslated: Class = Field("C", description="Another language, translated by whoever asked, or unsaid.")
    recall: Class = Field("C", description="Another recall period.")
    small_recall: Class = Field("B", description="A recall period that differs by small_recall_pct at most.")
    small_recall_pct: float = Field(25, ge=0, le=100, description="What is small, in % of the reference's.")
    window: Class = Field("C", description="Measured outside the window.")
    near_window: Class = Field("B", description="Measured outside it by near_window_days at most.")
    near_window_days: int = Field(30, ge=0, description="What is near, in days.")
    population: Class = Field("C", description="Another population.")
    mode: Class = Field("B", description="Asked in another way.")
    answers: Class = Field("C", description="Another type, other choices or other scale points.")
    answer_range: Class = Field("B", description="Another smallest or largest answer of a number.")

    # A number in another unit is another number: this class is nobody's to choose.
    @property
    def classes(self) -> dict[str, str]:
        """Difference -> class."""
        chosen = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in ("small_recall_pct", "near_window_days")
        }
        return {"none": "A", "undeclared": "A", "unregistered": "A", "unit": "C"} | chosen


class AskedItem(Part):
    """What another wording of an item changes; what is absent is as the instrument has it."""

    type: ItemType | None = None
    unit: Text | None = None
    min: float | None = None
    max: float | None = None
    choices: dict[Code, Code] | None = Field(None, description="Code -> label.")


class Wording(_Facts):
    """A version of an instrument: how it asked, and what it asked differently."""

    translation: Translation | None = None
    definition: Text | None = Field(
        None, description="Path of its form definition, from the programme folder."
    )
    linked: Ids | None = Field(None, description="Wordings it was shown to measure the same as.")
    items: dict[Id, AskedItem] = Field(default_factory=dict, description="Items it asks differently.")
    without: list[Id] = Field(default_factory=list, description="Items it does not ask.")


class Asked(_Facts):
    """What a source's questions were, or those of some of its sites, waves or indicators."""

    sites: Ids | None = Field(None, description="Only there; default: every site of the source.")
    waves: Ids | None = Field(None, description="Only then; default: every wave.")
    indicators: Ids | None = Field(None, description="Only these; default: every indicator it measures.")
    instrument: Id | None = Field(None, description="Questionnaire behind sent moments or estimates.")
    wording: Id | None = Field(None, description="Wording of the instrument.")
    translation: Translation | None = None
    unit: Text | None = Field(None, description="Unit of sent moments or estimates.")
    window: Window | None = Field(None, description="Days after treatment start; default: from the dates.")

    @model_validator(mode="after")
    def _agrees(self) -> "Asked":
        if self.translation == "same_language" and self.language:
            raise refusal(
                "translation is same_language beside a language", "keep one of the two", "translation"
            )
        return self

    def holds(self, site: str, wave: str, indicator: str) -> bool:
        """Whether it speaks of that cell."""
        limits = ((self.sites, site), (self.waves, wave), (self.indicators, indicator))
        return all(names is None or name in names for names, name in limits)


FACTS = ("language", "recall", "mode", "population", "translation", "instrument", "wording", "unit", "window")
"""What may be declared, by field."""
