"""Times of submission: every way a platform writes them becomes one, and none is guessed."""

from datetime import date, timedelta

import polars as pl
import pytest

from ingestion.formats.times import is_iso_time, iso_time
from ingestion.platforms.surveycto import TIME_FORMATS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-05T06:30:00.000Z", "2026-01-05T06:30:00.000Z"),
        ("2017-12-28T15:02:02", "2017-12-28T15:02:02.000"),
        ("2016-03-14T14:15:48.000-04:00", "2016-03-14T18:15:48.000Z"),
        ("2024-11-03 10:00:05+0300", "2024-11-03T07:00:05.000Z"),
        ("2024-11-03", "2024-11-03T00:00:00.000"),
        ("2024-11-03 10:00", "2024-11-03T10:00:00.000"),
        ("Sep 18, 2018 12:12:37 PM", "2018-09-18T12:12:37.000"),
        ("9/11/2019, 3:01:44 PM", "2019-09-11T15:01:44.000"),
        ("9/11/2019, 3:01:44\u202fPM", "2019-09-11T15:01:44.000"),
        (" 2024-11-03T00:00:01.123456789 ", "2024-11-03T00:00:01.123"),
        ("2024-13-03", None),
        ("18.09.2018 12:12", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_time_is_read_or_left_out(written, read) -> None:
    frame = pl.DataFrame({"time": [written]}, schema={"time": pl.String})
    assert frame.select(iso_time(pl.col("time"), TIME_FORMATS)).item() == read


def test_a_time_as_it_is_written_is_known_by_every_day_of_the_calendar_and_no_other() -> None:
    first, last = date(1596, 1, 1), date(2404, 12, 31)
    there = {(first + timedelta(days=place)).isoformat() for place in range((last - first).days + 1)}
    years, months, days = range(1596, 2405), range(14), range(33)
    said = [f"{year}-{month:02}-{day:02}" for year in years for month in months for day in days]
    told = pl.DataFrame({"day": said}).filter(is_iso_time(pl.col("day") + "T09:15:00.000Z"))
    assert set(told["day"]) == there


@pytest.mark.parametrize(
    ("written", "is_so"),
    [
        ("2024-02-29T23:59:59.999", True),
        (None, True),
        ("2024-02-29T24:00:00.000", False),
        ("2024-02-29T23:59:59.999\n", False),
        ("2024-02-29 23:59:59.999", False),
        ("2024-02-29T23:59:59.9999", False),
        ("2024-02-29", False),
        ("", False),
    ],
)
def test_a_time_that_would_be_written_otherwise_is_not_taken_as_it_is(written, is_so) -> None:
    frame = pl.DataFrame({"time": [written]}, schema={"time": pl.String})
    assert frame.select(is_iso_time(pl.col("time"))).item() is is_so
