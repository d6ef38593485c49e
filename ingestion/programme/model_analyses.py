"""The shape of analyses.yml: what is compared, registered before the answer is known.

In: entries of that file. Out: `Analysis`. References are checked elsewhere.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.model_registration import Amendment, Looks, PilotSelection
from ingestion.programme.words import Arm, Code, Day, Id, Part, Text, refusal


class Contrast(Part):
    """Two arms compared."""

    treatment: Arm = "treatment"
    control: Arm = "control"

    @property
    def suffix(self) -> str:
        """What tells it from its fellows: the treatment arm, and a control that is a treatment too."""
        return self.treatment if self.control == "control" else f"{self.treatment}__{self.control}"


class Analysis(Part):
    """One registered comparison."""

    analysis: Id
    title: Text
    waves: list[Id] = Field(min_length=1)
    indicators: list[Id] | None = Field(None, description="Indicators compared; none: all.")
    registered_on: Day
    role: Literal["headline", "further", "cross_check"] = "further"
    contrast: Contrast = Field(default_factory=Contrast)
    contrasts: list[Contrast] | None = Field(
        None, min_length=2, description="Several treatment arms, each against its control."
    )
    family: Id | None = Field(
        None, exclude=True, description="The analysis whose contrast it is; not written."
    )
    round: Id = Field("randomised", description="Round of assignment whose arms are compared.")
    cohorts: list[Code] | None = Field(None, min_length=1, description="Entry cohorts compared; none: all.")
    replacements: Literal["exclude", "include"] = "exclude"
    level: Literal["site", "network"] = "site"
    adjust: Literal["block", "site", "none"] = "block"
    clusters: Literal["cluster", "site", "none"] = "cluster"
    unit: Literal["site_mean", "person_weighted"] = "site_mean"
    inference: Literal["these_sites", "population_of_sites"]
    pool_designs: Literal["apart", "together"] = Field(
        "apart", description="Whether randomised and other comparisons are pooled together."
    )
    moderators: list[Id] = Field(
        default_factory=list,
        description="Site covariates, log_eligible or government, that enter one meta-regression together.",
    )
    pilot_selection: PilotSelection = Field(
        default_factory=lambda: PilotSelection(rule="none"),
        description="How the pilot came to be scaled: none, significant_at_5pct, or a rule.",
    )
    looks: Looks | None = Field(None, description="Dates on which open waves may be looked at; none: never.")
    amendments: list[Amendment] = Field(
        default_factory=list, description="What was changed after registration, when and why."
    )
    covariates: list[Id] = Field(
        default_factory=list,
        description="What effects are adjusted for: baseline, covariates and subgroup dimensions of frames.",
    )
    panel: bool = Field(
        True, description="Difference in differences: whether the same people were measured in both waves."
    )
    take_up: Id | None = Field(
        None, description="Share that tells, in the same wave, who took the treatment up."
    )

    def by_contrast(self) -> list["Analysis"]:
        """The analysis itself, or one for each of its contrasts: `<analysis>__<treatment>`, of one family.

        A contrast of two treatment arms is named `<analysis>__<treatment>__<control>`.
        """
        if self.contrasts is None:
            return [self]
        return [
            self.model_copy(
                update={
                    "analysis": f"{self.analysis}__{contrast.suffix}",
                    "title": f"{self.title}: {contrast.treatment} against {contrast.control}",
                    "family": self.analysis,
                    "contrast": contrast,
                    "contrasts": None,
                }
            )
            for contrast in self.contrasts
        ]

    @model_validator(mode="after")
    def _one_kind_of_contrast(self) -> "Analysis":
        if self.family is not None:
            raise refusal("a family is not written", "remove it; list the arms under contrasts", "family")
        if self.contrasts is None:
            return self
        if "contrast" in self.model_fields_set:
            raise refusal("it has both contrast and contrasts", "keep contrasts", "contrast")
        if len({contrast.suffix for contrast in self.contrasts}) < len(self.contrasts):
            raise refusal("a contrast is listed twice", "list each pair of arms once", "contrasts")
        return self

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        is_network = value.get("level") == "network"
        return {"inference": "these_sites" if is_network else "population_of_sites"} | value
