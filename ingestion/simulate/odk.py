"""ODK Central exports: a zip with the form's CSV and one of its repeat, comma, LF, groups joined by `-`.

In: submissions of one wave. Out: one zip per wave. `KEY` is the first instance's id and stays; an edit
changes `meta-instanceID` and counts in `Edits`. The repeat lists the household's members.
"""

import polars as pl

from ingestion.simulate.fieldwork import FIRST_NAMES, LANGUAGES
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import SCALE_ITEMS
from ingestion.simulate.rendering import chosen, chosen_codes, csv_bytes, yes_no, zip_bytes


def write(rows: pl.DataFrame, wave: str, ledger: Ledger) -> dict[str, bytes]:
    """The wave's zip by its path within the programme; counts go to the ledger."""
    source, form = f"{wave}_odk", f"child_test_{wave}"
    rows = rows.sort("submitted", "root").with_columns(number=pl.int_range(pl.len()))
    ledger.count("edited_submission", rows.filter("is_edited"))
    members = _members(rows)
    path = f"exports/odk/{wave}/{form}.csv.zip"
    ledger.wrote(source, f"{path}!{form}.csv", len(rows))
    ledger.wrote(source, f"{path}!{form}-member.csv", len(members))
    return {
        path: zip_bytes({f"{form}.csv": csv_bytes(_root(rows)), f"{form}-member.csv": csv_bytes(members)})
    }


def _root(rows: pl.DataFrame) -> pl.DataFrame:
    # Central writes 0 in the columns of a multiple choice even where the question was never asked.
    languages = {f"g_child-languages/{code + 1}": chosen(code).fill_null(0) for code in range(len(LANGUAGES))}
    return rows.select(
        SubmissionDate=pl.col("submitted").dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        start=pl.col("started").dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        **{
            "meta-instanceID": pl.format("uuid:{}", "instance"),
            "g_loc-site": pl.col("site_code"),
            "g_loc-village": pl.col("village"),
            "g_loc-gps-Latitude": pl.col("latitude"),
            "g_loc-gps-Longitude": pl.col("longitude"),
            "g_loc-gps-Altitude": pl.when(pl.col("latitude").is_not_null()).then(pl.lit("0")),
            "g_loc-gps-Accuracy": pl.when(pl.col("latitude").is_not_null()).then(pl.lit("4.5")),
            "g_visit-visit_date": pl.col("started").dt.strftime("%Y-%m-%d"),
            "g_visit-result": pl.col("result"),
            "g_child-child_id": pl.col("unit"),
            "g_child-child_name": pl.col("child_name"),
            "g_child-age": pl.col("age"),
            "g_child-sex": pl.col("sex"),
            "g_child-languages": chosen_codes(len(LANGUAGES)),
            **languages,
            "g_read-reads_para": yes_no("reads"),
            "g_read-words_correct": pl.col("words"),
            "g_school-school_days": pl.col("school_days"),
            "g_school-absent_days": pl.col("absent_days"),
            "g_home-spend_month": pl.col("spend"),
            "g_home-caregiver_phone": pl.col("phone"),
            **{f"g_feel-{item}": pl.col(item) for item in SCALE_ITEMS},
            "KEY": pl.format("uuid:{}", "root"),
            "SubmitterID": pl.col("number") % 8 + 11,
            "SubmitterName": pl.format('Enumerator "{}"', pl.col("number") % 8 + 1),
            "AttachmentsPresent": pl.lit("0"),
            "AttachmentsExpected": pl.lit("0"),
            "Status": pl.lit(None, pl.String),
            "ReviewState": pl.when(pl.col("is_edited")).then(pl.lit("edited")),
            "DeviceID": pl.format("collect:{}", pl.col("root").str.slice(0, 8)),
            "Edits": pl.col("is_edited").cast(pl.Int64),
            "FormVersion": pl.lit("3.1"),
        },
    )


def _members(rows: pl.DataFrame) -> pl.DataFrame:
    several = rows.filter(pl.col("members") > 0).select(
        "number", "root", place=pl.int_ranges(1, pl.col("members") + 1)
    )
    listed = several.explode("place")
    name = pl.lit(pl.Series(FIRST_NAMES)).gather((pl.col("number") + pl.col("place")) % len(FIRST_NAMES))
    return listed.select(
        member_name=name,
        member_age=(pl.col("number") * 7 + pl.col("place") * 13) % 60 + 1,
        PARENT_KEY=pl.format("uuid:{}", "root"),
        KEY=pl.format("uuid:{}/g_home/member[{}]", "root", "place"),
    )
