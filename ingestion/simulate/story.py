"""The demo's story in constants: places, calendar, randomisation and the effects that are planted.

In: nothing. Out: constants and `Place`, which the other modules of the simulator read; each fact is written
here once. Random numbers and files do not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WAVES = ("baseline", "endline", "followup_1")
AS_OF = date(2026, 10, 31)

STAGES = ("pilot", "scale_pilot", "scaled")
STAGE_FROM = {"pilot": date(2024, 1, 15), "scale_pilot": date(2024, 7, 1), "scaled": date(2025, 1, 13)}

# First and last day in the field; the programme's own dates (programme.yml) are those of the scaled sites.
CALENDAR: dict[str, dict[str, tuple[date, date]]] = {
    "pilot": {
        "baseline": (date(2024, 2, 5), date(2024, 3, 29)),
        "endline": (date(2024, 11, 4), date(2025, 1, 31)),
        "followup_1": (date(2026, 9, 14), date(2026, 12, 11)),
    },
    "scale_pilot": {
        "baseline": (date(2024, 8, 5), date(2024, 9, 27)),
        "endline": (date(2025, 5, 5), date(2025, 6, 27)),
        "followup_1": (date(2026, 9, 14), date(2026, 12, 11)),
    },
    "scaled": {
        "baseline": (date(2025, 2, 3), date(2025, 3, 28)),
        "endline": (date(2025, 10, 6), date(2025, 11, 28)),
        "followup_1": (date(2026, 9, 14), date(2026, 12, 11)),
    },
}
PILOT_FROZEN = {"baseline": date(2024, 9, 2), "endline": date(2025, 6, 30)}

# Platforms and countries take turns over the sites, so that every stage meets several platforms.
PLATFORMS = ("kobo", "odk", "surveycto", "redcap")
COUNTRY_OF = {"kobo": "KE", "odk": "UG", "surveycto": "KE", "redcap": "UG"}
CURRENCY_OF = {"KE": "KES", "UG": "UGX"}
COUNTRY_NAME = {"KE": "kenya", "UG": "uganda"}
# US cents for one unit of local money are numerator / denominator; programme.yml states the same factors.
CENTS_PER_LOCAL = {"KE": (77, 100), "UG": (27, 1000)}
LOCAL_STEP = {"KE": 10, "UG": 500}

TOWNS = {
    "KE": (
        *("Kisumu East", "Siaya", "Homa Bay", "Migori", "Kakamega", "Bungoma", "Busia", "Vihiga", "Nandi"),
        *(
            "Kericho",
            "Bomet",
            "Narok",
            "Nakuru",
            "Embu",
            "Meru",
            "Machakos",
            "Makueni",
            "Kitui",
            "Kilifi",
            "Kwale",
        ),
    ),
    "UG": (
        *("Mbale", "Tororo", "Soroti", "Lira", "Gulu", "Jinja", "Iganga", "Kamuli", "Pallisa", "Kumi"),
        *("Arua", "Masindi", "Hoima", "Kabale", "Masaka", "Mukono", "Luwero", "Kitgum", "Apac", "Rakai"),
    ),
}

BLOCKS = 3
# Enough villages for trustworthy degrees of freedom where there are enough children to fill them.
FEW_VILLAGES, MANY_VILLAGES, MANY_FROM_RESPONDENTS = 12, 24, 240

# Shares of an outcome's latent variance; blocks and villages together: an intra-cluster correlation of 0.07.
BLOCK_SHARE, VILLAGE_SHARE = 0.04, 0.03
# Correlation of one child's two waves, given block and village.
CHILD_CORRELATION = 0.6
# Standard deviation of the true effects between the sites of a stage, as a share of the pilot's effect.
EFFECT_SPREAD = 0.10
# What is left of a site's endline effect at the follow-up.
FOLLOWUP_SHARE = 0.8


@dataclass(frozen=True)
class Planted:
    """An indicator's planted mean effects, in its own unit (SD of the scale score for the scale)."""

    pilot: float
    scaled_share: float
    measure: str

    @property
    def by_stage(self) -> dict[str, float]:
        """Mean true effect per stage; the scale pilot lies halfway."""
        scaled = self.pilot * self.scaled_share
        return {"pilot": self.pilot, "scale_pilot": (self.pilot + scaled) / 2, "scaled": scaled}


PLANTED: dict[str, Planted] = {
    "reading_proficient_pct": Planted(35.0, 0.6, "risk_difference"),
    "reading_score": Planted(10.0, 1.0, "difference"),
    "learning_spend": Planted(3.0, 0.0, "difference"),
    "absence_rate": Planted(-4.0, -0.6, "difference"),
    "confidence_score": Planted(0.5, 0.8, "hedges_g"),
}


@dataclass(frozen=True)
class Place:
    """A site of the simulated programme; `order` counts from 0 over all sites, pilots first."""

    order: int
    site: str
    title: str
    code: str
    stage: str
    platform: str

    @property
    def country(self) -> str:
        """ISO 3166 code of the site's country."""
        return COUNTRY_OF[self.platform]

    def days(self, wave: str) -> tuple[date, date]:
        """First and last day of a wave's fieldwork at the site."""
        return CALENDAR[self.stage][wave]


def places(counts: tuple[int, int, int]) -> list[Place]:
    """The sites of a programme with these numbers of pilot, scale_pilot and scaled sites.

    Raises:
        ValueError: there is no site at all, or a number is negative.
    """
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError("sites: at least one site is needed and no number may be negative, e.g. 4,2,12")
    found: list[Place] = []
    seen = {"KE": 0, "UG": 0}
    for stage, count in zip(STAGES, counts, strict=True):
        for _ in range(count):
            platform = PLATFORMS[len(found) % len(PLATFORMS)]
            country = COUNTRY_OF[platform]
            lap, town = divmod(seen[country], len(TOWNS[country]))
            title = TOWNS[country][town] + (f" {lap + 1}" if lap else "")
            seen[country] += 1
            code = f"{country}{seen[country]:02d}"
            site = title.lower().replace(" ", "_")
            found.append(Place(len(found), site, title, code, stage, platform))
    return found


def platforms_of(sites: Sequence[Place]) -> list[str]:
    """The platforms in use, in their fixed order."""
    return [platform for platform in PLATFORMS if any(place.platform == platform for place in sites)]


def first_day(sites: Sequence[Place], platform: str, wave: str) -> tuple[date, int] | None:
    """The day from which a platform's interviews of a wave count, and the site starting then."""
    starts = [(place.days(wave)[0], place.order) for place in sites if place.platform == platform]
    return min(starts) if starts else None


def bad_places(sites: Sequence[Place]) -> tuple[Place | None, Place | None]:
    """The scaled site whose endline must not be published, and the one with a milder fault.

    There are none with fewer than three scaled sites. REDCap keeps one record per child and event, so that
    a child interviewed twice cannot be planted there.
    """
    scaled = [place for place in sites if place.stage == "scaled"]
    fit = [place for place in scaled if place.platform != "redcap"]
    return (fit[1], fit[2]) if len(scaled) >= 3 and len(fit) >= 3 else (None, None)
