"""The words and shapes that every part of a programme's YAML shares: ids, codes, days, columns, secrets.

In: plain values from the entries. Out: annotated types and small models. No file is known here.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

Platform = Literal[
    "kobotoolbox",
    "odk_central",
    "surveycto",
    "redcap",
    "qualtrics",
    "limesurvey",
    "commcare",
    "csv",
    "excel",
    "spss",
    "stata",
    "json_lines",
    "parquet",
    "python_package",
]
Review = Literal["approved", "pending", "on_hold", "has_issues", "rejected"]
Role = Literal[
    "survey",
    "listing",
    "assignment",
    "back_check",
    "tracking",
    "register",
    "moments",
    "estimates",
    "corrections",
]
Register = Literal["costs"]
Design = Literal["rct", "cluster_rct", "comparison", "matched_comparison", "pre_post", "post_only"]
StageName = Literal["pilot", "scale_pilot", "scaled"]
ItemType = Literal["text", "integer", "number", "boolean", "amount", "select_one", "select_multiple", "date"]
Statistic = Literal[
    "share",
    "mean",
    "amount",
    "sum",
    "median",
    "quantile",
    "rate",
    "ratio",
    "scale_sum",
    "scale_mean",
    "index_klk",
    "index_anderson",
]
EffectScale = Literal[
    "risk_difference",
    "difference",
    "hedges_g",
    "quantile_difference",
    "log_risk_ratio",
    "log_odds_ratio",
    "log_rate_ratio",
]
IdKind = Literal["id", "phone", "email", "name"]
Disposition = Literal["complete", "refused", "moved", "dead", "not_found", "not_yet", "other"]


def refusal(message: str, remedy: str, at: str = "") -> PydanticCustomError:
    """What a model's own check raises; `at` is the dotted path of the field below the model."""
    return PydanticCustomError("refused", "{message}", {"message": message, "remedy": remedy, "at": at})


def _code(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise refusal("a code is text, but this is a number or truth value", "write it in quotes")
    return str(value) if isinstance(value, int) else value


def _day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    if type(value) is date:
        return value
    raise refusal("a date is expected", "write it as YYYY-MM-DD")


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
ItemId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=160)]
ARM_PATTERN = r"^(control|treatment(_[a-z0-9_]+)?)$"
Arm = Annotated[str, StringConstraints(pattern=ARM_PATTERN, max_length=80)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Code = Annotated[str, BeforeValidator(_code), StringConstraints(min_length=1)]
Day = Annotated[date, BeforeValidator(_day)]
Columns = Annotated[list[Code], BeforeValidator(_listed), Field(min_length=1)]
Factor = Annotated[Decimal, Field(gt=0, max_digits=38, decimal_places=18)]
Grid = Annotated[Decimal, Field(gt=0, max_digits=38, decimal_places=12)]

# A finer grid points at a house.
Degrees = Annotated[Decimal, Field(ge=Decimal("0.001"), le=10, decimal_places=6)]


def normal_code(code: str) -> str:
    """A site code as it is compared: upper case, without any whitespace."""
    return "".join(code.split()).upper()


class Part(BaseModel):
    """A piece of a programme: unknown fields are refused and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Secret(Part):
    """The name of the environment variable that holds a secret; the secret itself is never written down."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="Name of an environment variable."
    )

    @model_validator(mode="before")
    @classmethod
    def _not_literal(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise refusal(
                "a secret is written here literally",
                "write {env: NAME}, set that environment variable, and change the secret: it was seen",
            )
        return value


class Column(Part):
    """A column of an export, as its bare name or with a map from the codes in it to Sitewise's words."""

    column: Code = Field(description="Header of the column, verbatim.")
    map: dict[Code, Code] | None = Field(None, description="Code in the export -> word; none: as it is.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"column": value}
