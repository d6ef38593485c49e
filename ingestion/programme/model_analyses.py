"""The shape of analyses.yml: what is compared, registered before the answer is known.

In: entries of that file. Out: `Analysis`. References are checked elsewhere.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from ingestion.programme.words import Arm, Code, Day, Id, Part, Text


class Contrast(Part):
    """Two arms compared."""

    treatment: Arm = "treatment"
    control: Arm = "control"


class Analysis(Part):
    """One registered comparison."""

    analysis: Id
    title: Text
    waves: list[Id] = Field(min_length=1)
    indicators: list[Id] | None = Field(None, description="Indicators compared; none: all.")
    registered_on: Day
    role: Literal["headline", "further", "cross_check"] = "further"
    contrast: Contrast = Field(default_factory=Contrast)
    round: Id = Field("randomised", description="Round of assignment whose arms are compared.")
    cohorts: list[Code] | None = Field(None, min_length=1, description="Entry cohorts compared; none: all.")
    replacements: Literal["exclude", "include"] = "exclude"
    level: Literal["site", "network"] = "site"
    adjust: Literal["block", "site", "none"] = "block"
    clusters: Literal["cluster", "site", "none"] = "cluster"
    unit: Literal["site_mean", "person_weighted"] = "site_mean"
    inference: Literal["these_sites", "population_of_sites"]
    pilot_selection: Literal["none", "significant_at_5pct"] = "none"
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

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        is_network = value.get("level") == "network"
        return {"inference": "these_sites" if is_network else "population_of_sites"} | value
