"""Times of submission, from the ways platforms write them to one: ISO 8601 with milliseconds.

In: an expression of text. Out: an expression of `2024-11-03T09:15:00.000`, ending in Z where the text named
its offset (then in UTC), NULL where it is blank or cannot be read. Which column holds the time is not known
here.
"""

import polars as pl

_WRITTEN = "%Y-%m-%dT%H:%M:%S%.3f"
_ISO = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,9}))?)? ?(Z|[+-]\d{2}:?\d{2})?$"
# All of the calendar, since a pattern that stops at the clock would need every day to be parsed too.
_DAY = (
    r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_AS_WRITTEN = rf"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z?$"


def iso_time(text: pl.Expr, formats: tuple[str, ...] = ()) -> pl.Expr:
    """Normalises times.

    Args:
        text: Times as exported.
        formats: strptime formats tried beside ISO 8601.
    """
    # Browsers put a narrow no-break space before AM and PM.
    clean = text.str.replace_all("[\u202f\u00a0]", " ").str.strip_chars()
    day, minute = clean.str.extract(_ISO, 1), clean.str.extract(_ISO, 2).fill_null("00:00")
    second = clean.str.extract(_ISO, 3).fill_null(":00")
    fraction = clean.str.extract(_ISO, 4).fill_null("0").str.slice(0, 6)
    offset = clean.str.extract(_ISO, 5).str.replace("Z", "+00:00").str.replace(r"^(.{3})(\d\d)$", "$1:$2")
    local = pl.concat_str([day, pl.lit("T"), minute, second, pl.lit("."), fraction])
    naive = [local.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")]
    naive += [clean.str.to_datetime(form, strict=False, time_unit="us") for form in formats]
    zoned = pl.concat_str([local, offset]).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us"
    )
    return (
        pl.when(offset.is_null())
        .then(pl.coalesce(naive).dt.to_string(_WRITTEN))
        .otherwise(zoned.dt.to_string(_WRITTEN) + "Z")
    )


def is_iso_time(text: pl.Expr) -> pl.Expr:
    """Whether a time is blank or stands as `iso_time` writes it, so that it can be taken as it is."""
    return text.str.contains(_AS_WRITTEN) | text.is_null()


def iso_times(text: pl.Series, formats: tuple[str, ...] = ()) -> pl.Series:
    """Normalises a column of times as `iso_time` does; those that are written so already are only checked.

    Args:
        text: Times as exported.
        formats: strptime formats tried beside ISO 8601.
    """
    frame = text.rename("text").to_frame().with_columns(is_iso_time(pl.col("text")).alias("is_written"))
    if frame["is_written"].all():
        return text
    others = frame.filter(~pl.col("is_written")).select(iso_time(pl.col("text"), formats))["text"]
    place = (~pl.col("is_written")).cum_sum().cast(pl.Int64) - 1
    other = pl.lit(others).gather(place.clip(0))
    return frame.select(pl.when("is_written").then("text").otherwise(other).alias(text.name)).to_series()
