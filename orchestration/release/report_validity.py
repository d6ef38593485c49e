"""The report's table on how far the headline comparisons can be trusted, one row for each stage.

In: headline rows and rows of the published table `validity`. Out: rows to lay out. No number is made here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
_STAGES = ("pilot", "scale_pilot", "scaled", "unstaged", "all")


@dataclass(frozen=True)
class Trust:
    """What is known of one headline's sites of a stage; None where nothing is, or where it is hidden."""

    title: str
    wave: str
    stage: str
    attrition: Row | None
    differential: Row | None
    balance: Row | None
    detectable: Row | None


def trust(headlines: Sequence[Row], validity: Sequence[Row]) -> list[Trust]:
    """One row for each headline and stage that has any of the four numbers."""
    found: dict[tuple[str, ...], Row] = {}
    for row in validity:
        if row["site"] == "network":
            place = tuple(row[name] for name in ("analysis", "indicator", "wave", "stage", "measure"))
            # of two errors of the differential the one by clusters goes first, of shares everybody's
            if place not in found or row["estimator"] == "cr2" or row["subject"] == "everybody":
                found[place] = row
    rows = []
    for headline in headlines:
        key = tuple(headline[name] for name in ("analysis", "indicator", "wave"))
        for stage in _STAGES:
            numbers = (
                found.get((*key, stage, "attrition")),
                found.get((*key, stage, "differential_attrition")),
                found.get((key[0], "*", "*", stage, "baseline_joint_test")),
                found.get((*key, stage, "minimum_detectable_effect")),
            )
            if any(row is not None and row["value"] is not None for row in (*numbers[:2], numbers[3])):
                title = headline["indicator_title"] or headline["indicator"]
                rows.append(Trust(title, headline["wave"], stage, *numbers))
    return rows
