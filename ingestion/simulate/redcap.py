"""A REDCap longitudinal export: one sparse table of all waves, access groups as sites, a repeating form.

In: submissions of every wave. Out: one CSV: a row per record and event, and a row per (repeating) home visit.
REDCap keeps one row per record and event, so nothing is exported twice and nothing is edited visibly.
"""

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.fieldwork import LANGUAGES
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import SCALE_ITEMS
from ingestion.simulate.rendering import chosen, csv_bytes

SOURCE = "child_test_redcap"
PATH = "exports/redcap/ReadingCamps_DATA_2026-10-31_0615.csv"
EVENTS = {wave: f"{wave}_arm_1" for wave in story.WAVES}
UNVERIFIED_EVERY, VISITED_EVERY = 97, 9
PURPOSES = ("encourage", "collect_books", "illness")


def write(rows: pl.DataFrame, ledger: Ledger) -> dict[str, bytes]:
    """The export by its path within the programme; counts go to the ledger."""
    order = {wave: step for step, wave in enumerate(story.WAVES)}
    step = pl.col("wave").replace_strict(order, return_dtype=pl.Int64)
    rows = rows.with_columns(step=step).sort("unit", "step").with_columns(number=pl.int_range(pl.len()))
    groups = [place.site for place in ledger.sites]
    rows = rows.with_columns(group=pl.lit(pl.Series(groups)).gather(pl.col("found")))
    events, visits = _events(rows), _visits(rows)
    ledger.count("unfinished_form", rows.filter(pl.col("kind") == "refusal"))
    ledger.count("row_of_a_repeating_instrument", rows.filter(pl.col("number") % VISITED_EVERY == 0))
    table = pl.concat([events, visits], how="diagonal").sort(
        "record_id", "step", pl.col("redcap_repeat_instance").fill_null(0), maintain_order=True
    )
    ledger.wrote(SOURCE, PATH, len(table))
    return {PATH: csv_bytes(table.drop("step"))}


def _head(repeat: str | None) -> dict[str, pl.Expr]:
    return {
        "record_id": pl.col("unit"),
        "redcap_event_name": pl.col("wave").replace_strict(EVENTS, return_dtype=pl.String),
        "redcap_repeat_instrument": pl.lit(repeat, pl.String),
        "redcap_repeat_instance": pl.lit(1 if repeat else None, pl.Int64),
        "redcap_data_access_group": pl.col("group"),
    }


def _events(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "step",
        **_head(None),
        visit_date=pl.col("started").dt.strftime("%Y-%m-%d"),
        child_name=pl.col("child_name"),
        caregiver_phone=pl.col("phone"),
        village=pl.col("village"),
        age=pl.col("age"),
        sex=pl.col("sex"),
        **{f"languages___{code + 1}": chosen(code).fill_null(0) for code in range(len(LANGUAGES))},
        reads_para=pl.col("reads"),
        words_correct=pl.col("words"),
        school_days=pl.col("school_days"),
        absent_days=pl.col("absent_days"),
        spend_month=pl.col("spend"),
        **{item: pl.col(item) for item in SCALE_ITEMS},
        child_test_complete=pl.when(pl.col("kind") == "refusal")
        .then(0)
        .when(pl.col("number") % UNVERIFIED_EVERY == 0)
        .then(1)
        .otherwise(2),
    )


def _visits(rows: pl.DataFrame) -> pl.DataFrame:
    purpose = pl.lit(pl.Series(PURPOSES)).gather(pl.col("number") % len(PURPOSES))
    return rows.filter(pl.col("number") % VISITED_EVERY == 0).select(
        "step",
        **_head("home_visit"),
        visit_purpose=purpose,
        home_visit_complete=pl.lit(2, pl.Int64),
    )
