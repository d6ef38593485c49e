"""KoboToolbox CSV exports: `;`, every cell quoted, CRLF, group paths, 0/1 columns beside a multiple choice.

In: submissions of one wave. Out: two files per wave: one exported in mid-field, and a later one of all,
where edited submissions have a new `_uuid` under the same `meta/rootUuid`, and columns have moved.
`_submission_time` is when a submission was made and does not move with an edit.
"""

from datetime import date, datetime, timedelta
from pathlib import PurePosixPath

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.fieldwork import LANGUAGES
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import SCALE_ITEMS
from ingestion.simulate.rendering import chosen, chosen_codes, csv_bytes, yes_no

EARLY_SHARE, FIRST_VERSION_SHARE = 0.6, 0.3
# Kobo dropped `_notes` and `_tags` from its exports on this day.
FEWER_COLUMNS_FROM = date(2026, 9, 14)
VERSIONS = ("vKf3nT8sXqLw2bYhRmPzQd", "vRt7aGc5WuJe9oSiNkVxBy")


def write(rows: pl.DataFrame, wave: str, ledger: Ledger) -> dict[str, bytes]:
    """The wave's export files by path within the programme; counts go to the ledger."""
    source, title = f"{wave}_kobo", f"Child test {wave}"
    rows = rows.sort("submitted", "root").with_columns(number=pl.int_range(pl.len()))
    early_end = _moment(rows, EARLY_SHARE)
    last = max(place.days(wave)[1] for place in ledger.sites if place.platform == "kobo")
    end = datetime.combine(min(last + timedelta(days=7), story.AS_OF), datetime.min.time()) + timedelta(
        hours=2
    )
    renamed = _moment(rows, FIRST_VERSION_SHARE) if wave == "endline" else None
    if renamed is not None:
        ledger.count("question_renamed", rows.filter(pl.col("submitted") < renamed))

    early = rows.filter(pl.col("submitted") <= early_end)
    ledger.count("edited_submission", early.filter("is_edited"))
    ledger.count("submission_exported_again", early.filter(~pl.col("is_edited")))
    ledger.enter("column_order_drift", source, "*", wave, 1)
    before = early.with_columns(instance=pl.col("root"), words=pl.coalesce("words_draft", "words"))
    files = {}
    for table, moment, is_late in ((before, early_end + timedelta(minutes=1), False), (rows, end, True)):
        path = PurePosixPath(
            "exports/kobo", wave, f"{title} - all versions - xml - {moment:%Y-%m-%d-%H-%M-%S}.csv"
        )
        files[str(path)] = csv_bytes(_table(table, renamed, moment, is_late), ";", "\r\n", quote_all=True)
        ledger.wrote(source, str(path), len(table))
    return files


def _moment(rows: pl.DataFrame, share: float) -> datetime:
    """The time by which that share of the submissions was in."""
    moment = rows["submitted"][min(int(len(rows) * share), len(rows) - 1)]
    return datetime.fromisoformat(str(moment))


def _table(rows: pl.DataFrame, renamed: datetime | None, moment: datetime, is_late: bool) -> pl.DataFrame:
    is_old = pl.col("submitted") < renamed if renamed is not None else pl.lit(False)
    point = pl.format("{} {} 0 4.5", "latitude", "longitude")
    # The newest language joined the form with its second version: before, its column is blank, not 0.
    newest = len(LANGUAGES)
    languages = {f"g_child/languages/{code + 1}": chosen(code) for code in range(newest)}
    languages[f"g_child/languages/{newest}"] = pl.when(~is_old).then(chosen(newest - 1))
    old = {"g_read/para": pl.when(is_old).then(yes_no("reads"))} if renamed is not None else {}
    groups = [
        {
            "start": _local("started"),
            "end": _local("submitted"),
            "deviceid": pl.format("ee.kobotoolbox.org:{}", pl.col("root").str.slice(0, 12)),
            "username": pl.format("enumerator{}", pl.col("number") % 12 + 1),
        },
        {
            "g_loc/site": pl.col("site_code"),
            "g_loc/village": pl.col("village"),
            "g_loc/gps": point,
            "_g_loc/gps_latitude": pl.col("latitude"),
            "_g_loc/gps_longitude": pl.col("longitude"),
            "_g_loc/gps_altitude": pl.lit("0"),
            "_g_loc/gps_precision": pl.lit("4.5"),
        },
        {"g_visit/visit_date": pl.col("started").dt.strftime("%Y-%m-%d")},
        {
            "g_child/child_id": pl.col("unit"),
            "g_child/child_name": pl.col("child_name"),
            "g_child/age": pl.col("age"),
            "g_child/sex": pl.col("sex"),
            "g_child/languages": pl.when(is_old)
            .then(chosen_codes(newest - 1))
            .otherwise(chosen_codes(newest)),
            **languages,
        },
        {"g_read/reads_para": pl.when(~is_old).then(yes_no("reads")), "g_read/words_correct": pl.col("words")}
        | old,
        {"g_school/school_days": pl.col("school_days"), "g_school/absent_days": pl.col("absent_days")},
        {"g_home/spend_month": pl.col("spend"), "g_home/caregiver_phone": pl.col("phone")},
        {f"g_feel/{item}": pl.col(item) for item in SCALE_ITEMS},
    ]
    if is_late:
        groups[4:] = [groups[7], groups[4], groups[6], groups[5]]
    notes, tags = (
        ({}, {}) if moment.date() >= FEWER_COLUMNS_FROM else ({"_notes": pl.lit("")}, {"_tags": pl.lit("")})
    )
    trailing = {
        "_id": 310_000 + pl.col("number") + pl.col("wave").replace_strict(_OFFSET, return_dtype=pl.Int64),
        "_uuid": pl.col("instance"),
        "_submission_time": pl.col("submitted").dt.strftime("%Y-%m-%dT%H:%M:%S"),
        "_validation_status": pl.when(pl.col("number") % 5 == 0).then(pl.lit("validation_status_approved")),
        **notes,
        "_status": pl.lit("submitted_via_web"),
        "_submitted_by": pl.lit("reading_camps"),
        "__version__": pl.when(is_old).then(pl.lit(VERSIONS[0])).otherwise(pl.lit(VERSIONS[1])),
        **tags,
        "meta/rootUuid": pl.format("uuid:{}", "root"),
        "_index": pl.int_range(1, pl.len() + 1),
    }
    columns = {name: value for group in [*groups, trailing] for name, value in group.items()}
    return rows.select(**columns)


_OFFSET = {wave: 100_000 * step for step, wave in enumerate(story.WAVES)}


def _local(name: str) -> pl.Expr:
    return (pl.col(name) + pl.duration(hours=3)).dt.strftime("%Y-%m-%dT%H:%M:%S.000+03:00")
