"""An instrument's form as the programme uses it: the definition, and which of its fields became which item.

In: what `instrument_forms` found. Out: `Form`. How fields become items is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ingestion.definitions.field import Definition

# A location is exported as one column, or as its parts: by ODK and SurveyCTO `gps-Latitude`, by Kobo
# `_gps_latitude`.
_PARTS = ("Latitude", "Longitude", "Altitude", "Accuracy", "Precision")


@dataclass(frozen=True)
class Form:
    """The definition that an instrument names.

    Attributes:
        file: Its path, relative to the programme folder.
        definition: What it says.
        items: Path of a field -> the item it feeds; fields that are no question of the instrument are absent.
    """

    file: str
    definition: Definition
    items: Mapping[str, str]

    def identifying_columns(self) -> frozenset[str]:
        """The columns of exports that hold answers which the form marks as identifying."""
        columns: set[str] = set()
        for field in self.definition.fields:
            if field.is_identifier:
                columns.update(field.columns)
            if field.type == "location":
                columns.update(f"{column}-{part}" for column in field.columns for part in _PARTS)
                columns.update(f"_{column}_{part.lower()}" for column in field.columns for part in _PARTS)
        return frozenset(columns)
