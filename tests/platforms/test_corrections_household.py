"""A real cleaning log over the real interviews it cleans: what it explains of the clean data is reproduced.

632 interviews, 726 rows of a log, and the 578 interviews that the people who wrote it published as clean. The
log was made by hand with R: 0 for FALSE, 45 for 45.0, blank old values, actions in words of its own.
"""

import csv
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme

KEYS = {"record": "X_uuid", "submitted_at": "X_submission_time"}
ACTIONS = {
    "change_response": "change",
    "blank_response": "blank",
    "remove_survey": "remove",
    "no_action": "keep",
}
LOG = {
    "source": "cleaning",
    "role": "corrections",
    "of": "answers",
    "platform": "csv",
    "pull": {"drop": "log/*.csv"},
    "columns": {
        "record": "X_uuid",
        "question": "questions",
        "old": "old_value",
        "new": "new_value",
        "action": {"column": "change_type", "map": ACTIONS},
        "reason": "reason",
    },
}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def household(shared, one_source):
    """The interviews with their log, pulled; gives (folder of the real files, source, receipts)."""
    real = shared / "real_exports" / "kobo" / "impact_household"
    source = one_source(
        "csv", {"raw_data.csv": real / "raw_data.csv"}, unit="X_id", site="neighbourhood", keys=KEYS
    )
    for name in ("survey.csv", "choices.csv"):
        (source.folder / "forms").mkdir(exist_ok=True)
        shutil.copy(real / name, source.folder / "forms" / name)
    YAML().dump(
        {"definition": "forms/survey.csv", "privacy": {"keep": ["*"]}},
        source.folder / "instruments" / "form.yml",
    )
    indicator = YAML().load(source.folder / "indicators" / "seen.yml")
    YAML().dump(indicator | {"of": "form.num_hh_member"}, source.folder / "indicators" / "seen.yml")
    (source.folder / "log").mkdir()
    shutil.copy(real / "cleaning_log.csv", source.folder / "log" / "cleaning_log.csv")
    entries = YAML(typ="safe").load(source.folder / "sources.yml")
    YAML().dump([*entries, LOG], source.folder / "sources.yml")
    programme = load_programme(source.folder)
    receipts = {
        receipt.source: receipt for receipt in pull_programme(programme, source.home, ["answers", "cleaning"])
    }
    assert {receipt.state for receipt in receipts.values()} == {"landed"}, receipts
    return real, source, receipts


def test_the_clean_values_that_the_log_explains_are_reproduced_cell_by_cell(household) -> None:
    real, source, _ = household
    clean = {row["X_uuid"]: row for row in _rows(real / "clean_data.csv")}
    lake = {row["_sw_record_id"]: row for row in source.table().rows(named=True)}
    explained = [row for row in _rows(real / "cleaning_log.csv") if ACTIONS[row["change_type"]] != "keep"]
    changes = [row for row in explained if ACTIONS[row["change_type"]] in ("change", "blank")]
    cells = [(row["X_uuid"], row["questions"]) for row in changes if row["X_uuid"] in clean]
    differing = [
        (record, question)
        for record, question in cells
        if (lake[record][question] or "") != clean[record][question]
    ]
    assert (len(cells), differing) == (49, [])
    removed = {row["X_uuid"] for row in explained if ACTIONS[row["change_type"]] == "remove"}
    assert not removed & lake.keys()
    assert clean.keys() <= lake.keys()


def test_every_row_of_the_log_ends_applied_kept_or_listed_with_its_reason(household) -> None:
    real, source, receipts = household
    audit = source.table("_corrections")
    told = Counter(audit.select("action", "state", "reason").iter_rows())
    print("\n".join(f"{count:4} {told}" for told, count in sorted(told.items(), key=str)))
    assert audit.height == len(_rows(real / "cleaning_log.csv")) == 726
    assert audit.filter((pl.col("state") != "applied") & pl.col("reason").is_null()).is_empty()
    by_state = Counter(audit["state"])
    receipt = receipts["answers"]
    assert (receipt.corrections_applied, receipt.corrections_listed) == (
        by_state["applied"],
        by_state["listed"],
    )
    assert by_state == {"kept": 620, "applied": by_state["applied"], "listed": by_state["listed"]}
