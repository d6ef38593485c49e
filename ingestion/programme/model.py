"""A whole programme as one value: its head, sites and waves, and everything the other files declare.

In: validated entries. Out: `Programme`, the only thing the rest of ingestion needs to know of the YAML.
Reading files and finding faults do not live here.
"""

from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from ingestion.programme.form import Form
from ingestion.programme.model_analyses import Analysis, Contrast
from ingestion.programme.model_indicators import Indicator
from ingestion.programme.model_instruments import DerivedItem, Instrument, Item
from ingestion.programme.model_money import Currency, CurrencyCode, MoneyTables
from ingestion.programme.model_population import TargetPopulation
from ingestion.programme.model_sources import Accept, Among, Connection, Door, Keys, Pull, Source, SourceWave
from ingestion.programme.words import (
    Code,
    Column,
    Day,
    Design,
    Factor,
    Id,
    Part,
    Secret,
    StageName,
    Text,
    refusal,
)

__all__ = [
    "Accept",
    "Among",
    "Analysis",
    "Column",
    "Connection",
    "Contrast",
    "Conversion",
    "Currency",
    "DerivedItem",
    "Door",
    "Head",
    "Indicator",
    "Instrument",
    "Item",
    "Keys",
    "Nightly",
    "Population",
    "Privacy",
    "Programme",
    "Publish",
    "Pull",
    "Secret",
    "Site",
    "SiteWave",
    "Source",
    "SourceWave",
    "Stage",
    "UnitScope",
    "Wave",
    "WaveDates",
]


class Conversion(Part):
    """A frozen, dated conversion: 1 from_unit = factor to_unit."""

    from_unit: Text
    to_unit: Text
    factor: Factor
    dated: Day
    ground: Text = Field(description="Where the factor comes from.")


class Privacy(Part):
    """How published counts are protected, or that the data are public."""

    public: bool = Field(False, description="The data are public: publish exactly.")
    min_cell: int = Field(7, ge=1, description="Counts up to and including this are suppressed.")
    round_to: int = Field(5, ge=1, description="Counts are rounded to multiples of this.")
    pseudonym_key: Secret | None = Field(None, description="Environment variable with their key.")
    landing_key: Secret | None = Field(
        None, description="Environment variable with the key that encrypts landed originals."
    )

    @model_validator(mode="after")
    def _public_is_exact(self) -> "Privacy":
        for name in ("min_cell", "round_to"):
            if self.public and name in self.model_fields_set:
                raise refusal(f"public data are published exactly, without {name}", f"remove {name}", name)
        return self


class UnitScope(Part):
    """Where a unit's id is unique."""

    unique_in: Literal["programme", "site"] = "site"


class Wave(Part):
    """A round of measurement with the dates that hold for the whole programme."""

    wave: Id
    title: Text | None = None
    from_date: Day = Field(alias="from", description="First day in the field.")
    closes: Day = Field(description="Last day in the field.")
    frozen: Day | None = Field(None, description="Day from which its data no longer change.")
    is_baseline: bool = False


class SiteWave(Part):
    """A site's own dates for a wave; what is absent comes from the programme's wave."""

    from_date: Day | None = Field(None, alias="from")
    closes: Day | None = None
    frozen: Day | None = None


class Stage(Part):
    """A site's stage from a day on."""

    stage: StageName
    from_date: Day = Field(alias="from")


class Population(Part):
    """Whom a site stands for."""

    eligible: int | None = Field(None, ge=0, description="People eligible at the site.")
    rural_pct: float | None = Field(None, ge=0, le=100, description="Share living in rural places, 0-100.")


class Site(Part):
    """A place where the programme runs."""

    site: Id
    title: Text | None = None
    country: Text | None = Field(None, description="ISO 3166 code.")
    currency: CurrencyCode | None = Field(None, description="Its money, an ISO 4217 code.")
    codes: list[Code] = Field(default_factory=list, description="Its codes in the exports.")
    design: Design
    implementer: Text | None = None
    stages: list[Stage] = Field(min_length=1)
    waves: dict[Id, SiteWave] = Field(default_factory=dict)
    population: Population = Field(default_factory=Population)
    treated_share: float | None = Field(0.5, gt=0, lt=1, description="Share treated; null: unchecked.")
    covariates: dict[Id, float] = Field(
        default_factory=dict, description="Numbers of the site that effects may go with, e.g. fidelity_pct."
    )


class Nightly(Part):
    """When the nightly job runs."""

    cron: Text = "0 2 * * *"
    timezone: Text = "UTC"
    as_of: Day | None = Field(None, description="Pins the night's date.")

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        fields = value.split()
        if len(fields) != 5 or not all(set(field) <= set("0123456789*/,-") for field in fields):
            raise refusal("the schedule is not a cron expression", "write five fields, e.g. '0 2 * * *'")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as error:
            raise refusal("the time zone is unknown", "write one such as Africa/Nairobi") from error
        return value


class Publish(Part):
    """Who lets a release out."""

    approve: Literal["automatic", "manual"] = "automatic"
    sign: Secret | None = Field(None, description="Environment variable with the key that signs releases.")


class Head(Part):
    """What programme.yml says."""

    programme: Id
    title: Text
    value_proposition: Text | None = None
    core_components: list[Text] = Field(default_factory=list)
    currency: Currency | None = None
    money: MoneyTables | None = Field(None, description="Exchange rates, purchasing power and deflators.")
    conversions: list[Conversion] = Field(default_factory=list)
    privacy: Privacy = Field(default_factory=Privacy)
    units: UnitScope = Field(default_factory=UnitScope)
    waves: list[Wave] = Field(min_length=1)
    target_population: TargetPopulation | None = Field(
        None, description="The areas that the sites are to stand for."
    )
    nightly: Nightly = Field(default_factory=Nightly)
    publish: Publish = Field(default_factory=Publish)

    @model_validator(mode="after")
    def _one_baseline(self) -> "Head":
        if sum(wave.is_baseline for wave in self.waves) > 1:
            raise refusal("two waves say is_baseline", "leave it at the one baseline", "waves")
        return self


class WaveDates(Part):
    """The dates of a wave at one site, overrides applied."""

    from_date: date
    closes: date
    frozen: date | None

    def state(self, as_of: date) -> Literal["planned", "in_field", "closed", "frozen"]:
        """The wave's state at the site on a day; the last day in the field still counts as in the field."""
        if self.frozen is not None and self.frozen <= as_of:
            return "frozen"
        if as_of < self.from_date:
            return "planned"
        return "in_field" if as_of <= self.closes else "closed"


class Programme(Head):
    """A programme, validated: its head and everything the other files declare, in file order."""

    folder: Path
    connections: dict[str, Connection]
    sites: list[Site]
    sources: list[Source]
    instruments: list[Instrument]
    indicators: list[Indicator]
    analyses: list[Analysis]
    forms: dict[str, Form] = Field(
        default_factory=dict, description="Forms by the instrument that names them."
    )

    def source(self, source_id: str) -> Source:
        """The source of that id; KeyError if there is none."""
        return {source.source: source for source in self.sources}[source_id]

    def instrument(self, instrument_id: str) -> Instrument:
        """The instrument of that id; KeyError if there is none."""
        return {instrument.instrument: instrument for instrument in self.instruments}[instrument_id]

    def indicator(self, indicator_id: str) -> Indicator:
        """The indicator of that id; KeyError if there is none."""
        return {indicator.indicator: indicator for indicator in self.indicators}[indicator_id]

    def item(self, reference: str) -> Item | None:
        """The item behind `instrument.item`; None if there is none."""
        instrument, _, name = reference.partition(".")
        found = next((one for one in self.instruments if one.instrument == instrument), None)
        return found.items.get(name) if found else None

    def source_sites(self, source: Source) -> list[str]:
        """The sites expected to deliver through a source, in the programme's order."""
        return [site.site for site in self.sites if source.sites is None or site.site in source.sites]

    def analysis_indicators(self, analysis: Analysis) -> list[str]:
        """The indicators an analysis compares; every one where it names none."""
        named = analysis.indicators or [indicator.indicator for indicator in self.indicators]
        return list(dict.fromkeys(named))

    def wave_dates(self, site: Site, wave: Wave) -> WaveDates:
        """The dates of a wave at a site."""
        own = site.waves.get(wave.wave)
        return WaveDates(
            from_date=(own and own.from_date) or wave.from_date,
            closes=(own and own.closes) or wave.closes,
            frozen=(own and own.frozen) or wave.frozen,
        )

    def is_frozen(self, source: Source, as_of: date) -> bool:
        """Whether every wave a source delivers is frozen at all its sites; a frame's source never is."""
        waves = [wave for wave in self.waves if wave.wave in source.waves]
        sites = [site for site in self.sites if source.sites is None or site.site in source.sites]
        states = {self.wave_dates(site, wave).state(as_of) for wave in waves for site in sites}
        return not source.is_frame and states == {"frozen"}

    def door(self, source: Source) -> Door:
        """What may pass into the lake from a source: its own door, else its instrument's."""
        if source.privacy is not None:
            return source.privacy
        return self.instrument(source.instrument).privacy if source.instrument else Door()
