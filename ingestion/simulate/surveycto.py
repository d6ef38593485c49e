"""SurveyCTO WIDE exports: repeats as numbered columns, dates as an English computer writes them, one form.

In: submissions of every wave. Out: two files of a delta: the first up to a closed wave, the second with what
came since, its columns in another order, and with the last submissions of the first exported once more.
"""

from datetime import date

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.fieldwork import FIRST_NAMES, LANGUAGES
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import SCALE_ITEMS
from ingestion.simulate.rendering import chosen, chosen_codes, csv_bytes

SOURCE = "child_test_surveycto"
FIRST_EXPORT, SECOND_EXPORT = date(2025, 12, 15), story.AS_OF
EXPORTED_AGAIN = 40
WAVE_CODES = {wave: str(step) for step, wave in enumerate(story.WAVES)}


def write(rows: pl.DataFrame, ledger: Ledger) -> dict[str, bytes]:
    """The two files by their paths within the programme; counts go to the ledger."""
    rows = rows.sort("submitted", "root").with_columns(number=pl.int_range(pl.len()))
    first = rows.filter(pl.col("submitted").dt.date() < FIRST_EXPORT)
    again = first.tail(EXPORTED_AGAIN)
    second = pl.concat([again, rows.filter(pl.col("submitted").dt.date() >= FIRST_EXPORT)])
    ledger.count("submission_exported_again", again)
    ledger.enter("column_order_drift", SOURCE, "*", "*", 1)
    files = {}
    for table, moment, is_late in ((first, FIRST_EXPORT, False), (second, SECOND_EXPORT, True)):
        path = f"exports/surveycto/child_test_{moment:%Y-%m-%d}_WIDE.csv"
        files[path] = csv_bytes(_table(table, is_late))
        ledger.wrote(SOURCE, path, len(table))
    return files


def _table(rows: pl.DataFrame, is_late: bool) -> pl.DataFrame:
    most = int(rows.select(pl.col("members").max()).item() or 0)
    members: dict[str, pl.Expr] = {"member_count": pl.col("members")}
    for place in range(1, most + 1):
        name = pl.lit(pl.Series(FIRST_NAMES)).gather((pl.col("number") + place) % len(FIRST_NAMES))
        is_there = pl.col("members") >= place
        members[f"member_name_{place}"] = pl.when(is_there).then(name)
        members[f"member_age_{place}"] = pl.when(is_there).then((pl.col("number") * 7 + place * 13) % 60 + 1)
    head = {
        "SubmissionDate": _date("submitted"),
        "starttime": _date("started"),
        "endtime": _date("submitted"),
        "deviceid": pl.format("35717109186{}", pl.col("number").cast(pl.String).str.zfill(5).str.slice(-4)),
        "subscriberid": pl.lit("240078597851733"),
        "simid": pl.lit("89462046111319665524"),
        "devicephonenum": pl.lit(None, pl.String),
        "round": pl.col("wave").replace_strict(WAVE_CODES, return_dtype=pl.String),
        "site": pl.col("site_code"),
        "village": pl.col("village"),
        "visit_date": pl.col("started").dt.strftime("%Y-%m-%d"),
        "child_id": pl.col("unit"),
        "child_name": pl.col("child_name"),
        "age": pl.col("age"),
        "sex": pl.col("sex"),
        "languages": chosen_codes(len(LANGUAGES)),
        **{f"languages_{code + 1}": chosen(code) for code in range(len(LANGUAGES))},
    }
    reading = {"reads_para": pl.col("reads"), "words_correct": pl.col("words")}
    school = {"school_days": pl.col("school_days"), "absent_days": pl.col("absent_days")}
    home = {"spend_month": pl.col("spend"), "caregiver_phone": pl.col("phone"), **members}
    feelings = {item: pl.col(item) for item in SCALE_ITEMS}
    tail = {
        "gps-Latitude": pl.col("latitude"),
        "gps-Longitude": pl.col("longitude"),
        "instanceID": pl.format("uuid:{}", "instance"),
        "formdef_version": pl.lit("2601120915" if is_late else "2401081430"),
        "KEY": pl.format("uuid:{}", "root"),
    }
    body = feelings | home | school | reading if is_late else reading | school | home | feelings
    return rows.select(**(head | body | tail))


def _date(name: str) -> pl.Expr:
    return (pl.col(name) + pl.duration(hours=3)).dt.strftime("%b %-d, %Y %-I:%M:%S %p")
