"""Deleted, withdrawn and outdated rows, against a plain account of what should become of them."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.rows import fates
from ingestion.rows.fates import FATE, IS_WITHDRAWN, ORDER, RECORD_ID, VERSION, Deletions

IDS = st.sampled_from(["a", "b", "c"])
# Record, export, version within the platform, withdrawn, quarantined before.
ROW = st.tuples(IDS, st.integers(0, 3), st.sampled_from(["", "1", "2"]), st.booleans(), st.booleans())
TOLD = st.lists(st.tuples(st.integers(0, 3), st.frozensets(IDS)), max_size=2)


def expected(rows: list[tuple[str, int, str, bool, bool]], gone, living) -> list[str | None]:
    """Row by row, by what each rule says."""

    def is_deleted(name: str, export: int) -> bool:
        return any(export <= at and name in ids for at, ids in gone) or any(
            export < at and name not in ids for at, ids in living
        )

    there = [place for place, row in enumerate(rows) if not is_deleted(row[0], row[1])]

    def newest(name: str, places: list[int]) -> int | None:
        own = [place for place in places if rows[place][0] == name]
        return max(own, key=lambda place: (rows[place][2], place), default=None)

    last = {name: newest(name, there) for name in "abc"}
    gone_with = {name for name, place in last.items() if place is not None and rows[place][3]}
    usable = [place for place in there if not rows[place][4]]
    found: list[str | None] = []
    for place, (name, _, _, _, is_quarantined) in enumerate(rows):
        if place not in there:
            found.append(fates.DELETED)
        elif name in gone_with:
            found.append(fates.WITHDRAWN)
        elif is_quarantined:
            found.append(fates.QUARANTINED)
        else:
            found.append(None if place == newest(name, usable) else fates.REPLACED)
    return found


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(ROW, max_size=8).map(lambda rows: sorted(rows, key=lambda row: row[1])),
    gone=TOLD,
    living=TOLD,
)
def test_every_row_has_the_fate_that_the_rules_give_it(rows, gone, living) -> None:
    schema = {
        RECORD_ID: pl.String,
        ORDER: pl.Int64,
        VERSION: pl.String,
        IS_WITHDRAWN: pl.Boolean,
        "is_bad": pl.Boolean,
    }
    frame = fates.unmarked(pl.DataFrame(rows, schema=schema, orient="row"))
    frame = fates.mark(frame, pl.col("is_bad"), fates.QUARANTINED, "it is torn", "id")
    frame = fates.mark_gone(frame, Deletions(gone, living), frame[ORDER])
    frame = fates.mark_replaced(frame)
    assert frame[FATE].to_list() == expected(rows, gone, living)
    assert frame[RECORD_ID].to_list() == [row[0] for row in rows]
    silent = frame.filter(pl.col(FATE).is_in([fates.DELETED, fates.WITHDRAWN]))
    assert silent[fates.REASON].null_count() == silent.height
