"""Survey platforms by the name a source gives: where their exports are listed, fetched and read."""

from ingestion.platforms import (
    commcare,
    csv_files,
    excel,
    json_lines,
    kobotoolbox,
    limesurvey,
    odk_central,
    parquet,
    python_package,
    qualtrics,
    redcap,
    spss,
    stata,
    surveycto,
)
from ingestion.platforms.protocol import Platform

PLATFORMS: dict[str, Platform] = {
    "kobotoolbox": kobotoolbox,
    "odk_central": odk_central,
    "surveycto": surveycto,
    "redcap": redcap,
    "qualtrics": qualtrics,
    "limesurvey": limesurvey,
    "commcare": commcare,
    "csv": csv_files,
    "excel": excel,
    "spss": spss,
    "stata": stata,
    "json_lines": json_lines,
    "parquet": parquet,
    "python_package": python_package,
}
