"""Survey platforms by the name a source gives: where their exports are listed, fetched and read."""

from ingestion.platforms import (
    csv_files,
    kobotoolbox,
    odk_central,
    python_package,
    qualtrics,
    redcap,
    surveycto,
)
from ingestion.platforms.protocol import Platform

PLATFORMS: dict[str, Platform] = {
    "kobotoolbox": kobotoolbox,
    "odk_central": odk_central,
    "surveycto": surveycto,
    "redcap": redcap,
    "qualtrics": qualtrics,
    "csv": csv_files,
    "python_package": python_package,
}
