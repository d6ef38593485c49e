"""The receipt of a pull: what came, what was kept and what became of the rest.

In: counts and hashes from a pull. Out: `Receipt`, stored as JSON in the landing. It never holds a cell's
value.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_STAMP = "%Y%m%dT%H%M%S%fZ"
State = Literal["landed", "unchanged", "empty", "failed", "encrypted", "conflict"]


class LandedOriginal(BaseModel):
    """An original by name and content."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str = Field(
        description="Its content's address: SHA-256, under the landing's key where it has one."
    )
    bytes: int = Field(ge=0, description="Size of the original.")
    kind: Literal["data", "definition", "attachment"] = "data"
    exported_at: str | None = Field(None, description="Time of export where its name does not tell, UTC.")
    redacted_from: str | None = Field(
        None, description="Address of the content that came, where people who withdrew were taken out of it."
    )

    @property
    def came_as(self) -> str:
        """Address of the content that came, also where people who withdrew were taken out of it since."""
        return self.redacted_from or self.sha256


class LakeTable(BaseModel):
    """A table of the lake as written."""

    model_config = ConfigDict(frozen=True)

    table: str
    row_count: int = Field(ge=0)
    sha256: str = Field(description="Hash of the Parquet file.")
    parent_table: str | None = Field(None, description="For a repeat: the table its parents stand in.")


class Counts(BaseModel):
    """What became of the rows read, over all tables: all other counts add up to those read."""

    model_config = ConfigDict(frozen=True)

    rows_read: int = 0
    rows_kept: int = 0
    rows_replaced: int = Field(0, description="Older versions of a record, and exact duplicates.")
    rows_not_accepted: int = 0
    rows_quarantined: int = 0
    rows_deleted: int = Field(0, description="Rows of records that the platform deleted.")
    rows_withdrawn: int = Field(0, description="Rows of respondents who withdrew their consent.")
    corrections_applied: int = Field(0, description="Rows of logs that were applied; none of rows_read.")
    corrections_listed: int = Field(0, description="Rows of logs that could not be; none of rows_read.")


class Receipt(Counts):
    """The record of one pull."""

    receipt_id: str = Field(description="Sorts by time.")
    source: str
    pulled_at: datetime
    mode: Literal["snapshot", "delta"]
    state: State
    message: str = ""
    originals: list[LandedOriginal] = Field(default_factory=list, description="What this pull found.")
    input_hash: str = Field("", description="Hash of all originals read and of how they are read.")
    tables: list[LakeTable] = Field(default_factory=list, description="The lake's tables after this pull.")
    columns_dropped: list[str] = Field(default_factory=list, description="Columns stopped at the door.")
    cursor: dict[str, str] = Field(default_factory=dict, description="Where the next pull by API begins.")
    asked_of: str = Field("", description="Server and asset that were asked, by API.")
    definition_changed: bool = Field(False, description="The form is not the one of the last good pull.")
    export_time: str | None = Field(None, description="The platform's own time of the newest export.")


def new_receipt_id(now: datetime, after: str = "") -> str:
    """An id that sorts by time and is unique among processes.

    Args:
        now: The time.
        after: The id before, if there is one: the new one sorts after it even where the clock was set back.
    """
    now = now.astimezone(UTC)
    if after:
        before = datetime.strptime(after.partition("-")[0], _STAMP).replace(tzinfo=UTC)
        now = max(now, before + timedelta(microseconds=1))
    return f"{now:{_STAMP}}-{secrets.token_hex(4)}"
