"""The shape of sources.yml and connections.yml: where data come from and which of their columns are keys.

In: entries of those two files. Out: `Source` and `Connection`. Cross-references are checked elsewhere.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from ingestion.programme import aggregates
from ingestion.programme.model_comparability import Asked, listed
from ingestion.programme.words import (
    ARM_PATTERN,
    Code,
    Column,
    Columns,
    Day,
    Degrees,
    Disposition,
    Grid,
    Id,
    IdKind,
    ItemId,
    Part,
    Platform,
    Register,
    Review,
    Role,
    Secret,
    Text,
    refusal,
)


class Connection(Part):
    """A server to pull from, without its secrets."""

    platform: Literal[Platform, "files"] = Field(
        description="Which survey platform answers there; `files`: none, it holds dropped files."
    )
    server: Text | None = Field(None, description="Address, https://...")
    username: Secret | None = Field(None, description="Environment variable with the account's name.")
    password: Secret | None = Field(None, description="Environment variable with the password.")
    token: Secret | None = Field(None, description="Environment variable with the API token.")
    private_key: Secret | None = Field(
        None, description="Environment variable with the key or passphrase that decrypts the form."
    )


class Pull(Part):
    """Where a source's files lie: a drop, an asset behind a connection, or a data set of a package."""

    drop: Text | None = Field(
        None, description="Glob of files, relative to the programme folder or with a scheme, e.g. s3://."
    )
    sheet: Text | None = Field(None, description="Sheet of an Excel workbook; default: the only one shown.")
    connection: Id | None = Field(None, description="Name in connections.yml.")
    asset: Code | None = Field(None, description="Form, survey or project behind the connection.")
    full_every_days: int = Field(
        7, ge=1, description="Days after which everything is pulled again, not only what changed."
    )
    package: Text | None = Field(None, description="Python package that carries the data.")
    dataset: Columns | None = Field(None, description="Path of the data set inside the package.")
    mode: Literal["snapshot", "delta"] = Field(
        "snapshot", description="In a snapshot absent rows are deleted."
    )
    attachments: Literal["name", "fetch"] = Field(
        "name", description="Whether files that answers name are fetched, or known by name and hash."
    )

    @model_validator(mode="after")
    def _one_place(self) -> "Pull":
        places = [place for place in (self.drop, self.asset, self.package) if place is not None]
        is_paired = (self.package is None) == (self.dataset is None)
        is_connected = self.connection is not None
        is_reached = is_connected if self.asset is not None else self.is_remote or not is_connected
        if len(places) != 1 or not is_paired or not is_reached:
            raise refusal(
                "exactly one place to pull from is expected",
                "write drop, or connection with asset, or package with dataset; a connection stands beside a "
                "drop only where that is an address such as s3://bucket/*.csv",
            )
        return self

    @property
    def is_remote(self) -> bool:
        """Whether its drop lies elsewhere than in a folder of this machine."""
        return self.drop is not None and "://" in self.drop

    @property
    def gathers(self) -> Literal["snapshot", "delta"]:
        """Whether what was pulled before still counts: by API each receipt says so for itself."""
        return "delta" if self.asset else self.mode


class SourceWave(Part):
    """The wave of a source's rows: one for all of them, or mapped from a column."""

    wave: Id | None = Field(None, description="The wave of every row.")
    column: Code | None = Field(None, description="Column that tells the wave.")
    map: dict[Code, Id] = Field(default_factory=dict, description="Code in that column -> wave.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"wave": value}

    @model_validator(mode="after")
    def _one_way(self) -> "SourceWave":
        if (self.wave is None) == (self.column is None) or bool(self.map) != (self.column is not None):
            raise refusal(
                "the wave is neither a name nor mapped from a column",
                "write wave: NAME, or wave: {column: COLUMN, map: {code: NAME}}",
            )
        return self

    @property
    def waves(self) -> list[str]:
        """The waves the source can deliver, in the order written."""
        return [self.wave] if self.wave else list(dict.fromkeys(self.map.values()))


class NumberColumn(Column):
    """A column of numbers, with the grid on which they are counted."""

    resolution: Grid = Field(
        Decimal("0.0001"), description="Grid of the values; finer digits are rounded away."
    )


class Keys(Part):
    """Which columns say who, where, when and in which arm; each a column name or {column, map}."""

    unit: Column = Field(description="Id of the person or household.")
    site: Column = Field(description="Site code, translated through sites.yml.")
    record: Column | None = Field(None, description="Id of the submission; default: the platform's own.")
    submitted_at: Column | None = Field(None, description="Time of submission; default: the platform's own.")
    arm: Column | None = Field(None, description="Arm assigned.")
    cluster: Column | None = Field(None, description="Unit of randomisation, e.g. village or classroom.")
    block: Column | None = Field(None, description="Stratum of randomisation.")
    weight: Column | None = Field(None, description="Sampling weight.")
    replaces: Column | None = Field(None, description="Id of the unit this one replaces.")
    cohort: Column | None = Field(None, description="Entry cohort.")
    order_by: Column | None = Field(None, description="Order of a unit's rows.")
    disposition: Column | None = Field(None, description="Result of the visit.")
    withdrawn: Column | None = Field(
        None, description="Whether the unit withdrew its consent: yes or no, or a map to these."
    )
    enumerator: Column | None = Field(None, description="Who held the interview: a name or a code.")
    started_at: Column | None = Field(None, description="When the interview began.")
    ended_at: Column | None = Field(None, description="When the interview ended.")
    position: Column | None = Field(None, description="Where it was held, as `latitude longitude`.")
    latitude: Column | None = Field(None, description="Latitude, where that is a column of its own.")
    longitude: Column | None = Field(None, description="Longitude, where that is a column of its own.")
    subgroups: dict[Id, Column] = Field(default_factory=dict, description="Dimension -> column.")
    covariates: dict[Id, NumberColumn] = Field(
        default_factory=dict, description="Covariate known before treatment -> column of numbers."
    )

    @property
    def told(self) -> list[str]:
        """What it tells of the interview itself: who held it, from when to when, and where."""
        names = ["enumerator", "started_at", "ended_at", "position"]
        told = [name for name in names if getattr(self, name) is not None]
        return [*told, "position"] if self.latitude is not None else told

    @model_validator(mode="after")
    def _known_words(self) -> "Keys":
        if self.unit.map is not None or self.site.map is not None:
            at = "unit.map" if self.unit.map is not None else "site.map"
            raise refusal("a map is not used here", "write the column; site codes belong in sites.yml", at)
        for name in ("enumerator", "started_at", "ended_at", "position", "latitude", "longitude"):
            if (key := getattr(self, name)) is not None and key.map is not None:
                raise refusal("a map is not used here", "write the column's name alone", f"{name}.map")
        if (self.latitude is None) != (self.longitude is None):
            at = "latitude" if self.latitude else "longitude"
            raise refusal("a place needs both of its numbers", "name latitude and longitude", at)
        if self.position is not None and self.latitude is not None:
            raise refusal("the place is named twice", "write position, or latitude and longitude", "position")
        known = ", ".join(get_args(Disposition))
        for code, word in (self.disposition.map or {}).items() if self.disposition else ():
            if word not in get_args(Disposition):
                raise refusal(
                    f"'{word}' is not a disposition", f"write one of {known}", f"disposition.map.{code}"
                )
        for code, word in (self.withdrawn.map or {}).items() if self.withdrawn else ():
            if word not in ("yes", "no"):
                remedy = "write yes or no, in quotes"
                raise refusal(
                    f"'{word}' does not say whether consent was withdrawn", remedy, f"withdrawn.map.{code}"
                )
        for code, word in (self.arm.map or {}).items() if self.arm else ():
            if not re.fullmatch(ARM_PATTERN, word):
                remedy = "write control, treatment or treatment_<variant>"
                raise refusal(f"'{word}' is not an arm", remedy, f"arm.map.{code}")
        return self


class Among(Part):
    """A condition on one column: its value is among those listed."""

    column: Code
    in_: Columns = Field(alias="in", description="Values accepted, as text.")


class Accept(Part):
    """Which rows are taken; the others are counted and set aside with their reason."""

    from_date: Day | None = Field(None, alias="from", description="First day of submission accepted.")
    to_date: Day | None = Field(None, alias="to", description="Last day of submission accepted.")
    where: Among | None = Field(None, description="Values of one column that are accepted.")
    complete_only: bool = Field(False, description="Leave out submissions the platform marks incomplete.")
    review: list[Review] = Field(
        default=["approved", "pending", "on_hold", "has_issues"],
        min_length=1,
        description="Review states taken; those not reviewed are always taken.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Accept":
        if self.from_date and self.to_date and self.from_date > self.to_date:
            raise refusal("'from' lies after 'to', so no row is accepted", "correct a date", "from")
        return self


class Hidden(Part):
    """A column that a keyed hash stands in for, as its bare name or with what it holds."""

    column: Code = Field(description="Header of the column, verbatim, or a glob.")
    as_: IdKind = Field("id", alias="as", description="What it holds, by which its spelling is made one.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"column": value}


class Door(Part):
    """What may pass the door into the lake: an allow-list, and in what guise its columns pass."""

    keep: list[Code] = Field(default_factory=list, description="Globs of columns kept beside items and keys.")
    pseudonym: list[Hidden] = Field(default_factory=list, description="Columns replaced by a keyed hash.")
    drop: list[Code] = Field(
        default_factory=list, description="Globs of columns left out knowingly, whatever globs keep."
    )
    coarsen: dict[Code, Degrees] = Field(
        default_factory=dict, description="Column or glob with coordinates -> degrees of the grid."
    )

    @model_validator(mode="after")
    def _one_guise(self) -> "Door":
        ways = {
            "keep": self.keep,
            "pseudonym": [hidden.column for hidden in self.pseudonym],
            "drop": self.drop,
            "coarsen": list(self.coarsen),
        }
        seen: dict[str, str] = {}
        for way, columns in ways.items():
            for column in columns:
                if seen.setdefault(column, way) != way:
                    message = f"'{column}' stands under {seen[column]} and under {way}"
                    raise refusal(message, "leave it in one of the two", way)
        return self


class Repeat(Part):
    """A repeat whose rows an export writes side by side, as `age_1`, `age_2`."""

    questions: Columns = Field(description="Its questions without their number, repeats within it left out.")
    within: Code | None = Field(None, description="The repeat it lies in; none: the form itself.")

    @model_validator(mode="before")
    @classmethod
    def _from_questions(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"questions": value}


class Source(Part):
    """One stream of exports with a role."""

    source: Id
    role: Role
    register_: Register | None = Field(
        None, alias="register", description="What a register keeps: costs; none: rows of people or events."
    )
    of: Annotated[list[Id], BeforeValidator(listed)] = Field(
        default_factory=list, description="Sources that it corrects, for a source of corrections."
    )
    platform: Platform
    instrument: Id | None = Field(None, description="Questionnaire behind it.")
    wave: SourceWave | None = Field(None, description="Wave of its rows.")
    sites: list[Id] | None = Field(None, description="Sites expected to deliver through it; none: all.")
    pull: Pull
    encoding: Text = Field("utf-8", description="Text encoding of its files.")
    keys: Keys
    accept: Accept = Field(default_factory=Accept)
    indicators: list[Id] = Field(
        default_factory=list, description="Indicators it sends, for a source of moments or estimates."
    )
    columns: dict[Id, Column] = Field(
        default_factory=dict,
        description="Sitewise's word -> column, for a source of moments, estimates or costs.",
    )
    repeats: dict[Code, Repeat] = Field(
        default_factory=dict,
        description="Repeats that its exports write side by side (surveycto); default: those of the form.",
    )
    first_per_unit: Code | None = Field(None, description="Keep a unit's first row by this column.")
    round: Id | None = Field(None, description="Round of assignment; default: randomised.")
    is_randomised: bool = True
    frame: Literal["registered", "derived"] | None = Field(None, description="How its list of units arose.")
    units: dict[ItemId, Text] = Field(default_factory=dict, description="Item -> its unit in this source.")
    asked: Annotated[list[Asked], BeforeValidator(listed)] = Field(
        default_factory=list, description="How its questions were asked; a later entry wins where it speaks."
    )
    privacy: Door | None = Field(None, description="Door of a source without an instrument.")
    max_age_days: int | None = Field(None, ge=0, description="Oldest last submission in the field.")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if (
            isinstance(value, dict)
            and "keys" not in value
            and (value.get("role") in aggregates.WITHOUT_KEYS or value.get("register") is not None)
        ):
            # Its rows are no people: `columns` says what they hold.
            return {"keys": {"unit": "(no unit)", "site": "site"}} | value
        if isinstance(value, dict) and value.get("role") in ("listing", "assignment"):
            frame = "derived" if value.get("first_per_unit") else "registered"
            return {"round": "randomised", "frame": frame} | value
        return value

    @property
    def is_frame(self) -> bool:
        """Whether it says who was to be measured."""
        return self.role in ("listing", "assignment")

    @property
    def is_aggregate(self) -> bool:
        """Whether it sends moments or estimates, and no rows of people."""
        return self.role in aggregates.ROLES

    @property
    def kind(self) -> str:
        """What its rows are: its role, or what the register keeps."""
        return self.register_ or self.role

    @property
    def sends_no_people(self) -> bool:
        """Whether its columns are Sitewise's own words, and its rows no people."""
        return self.kind in aggregates.COLUMNS

    @property
    def waves(self) -> list[str]:
        """The waves its rows can belong to, in the order written; empty where it holds for every wave."""
        return self.wave.waves if self.wave else []

    @property
    def arms(self) -> list[str] | None:
        """The arms it assigns, in the order written; None where the column's own values are the arms."""
        if self.keys.arm is None:
            return []
        return None if self.keys.arm.map is None else list(dict.fromkeys(self.keys.arm.map.values()))
