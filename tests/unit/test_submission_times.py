"""Times of submission: every way a platform writes them becomes one, and none is guessed."""

import polars as pl
import pytest

from ingestion.formats.times import iso_time
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
