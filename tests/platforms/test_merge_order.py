"""Latest version wins, in whatever order exports arrive and however often: what was exported decides."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.lake import lake_path
from ingestion.platforms.protocol import Original
from ingestion.programme.registry_lake import lake_rows
from ingestion.rows.export_order import in_export_order
from ingestion.rows.reading import read_originals
from ingestion.sandbox import reader

IDS = st.sampled_from("abcd")
EXPORT = st.dictionaries(IDS, st.integers(0, 3).map(str), min_size=1)
WILD = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
QUICK = settings(WILD, max_examples=80)


def as_csv(rows: dict[str, str]) -> bytes:
    return "".join(["id,site,q\n", *(f"{name},s,{value}\n" for name, value in rows.items())]).encode()


def lake_bytes(home: Path) -> dict[str, bytes]:
    folder = lake_path(home, "answers")
    assert folder is not None
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@WILD
@given(exports=st.lists(EXPORT, min_size=1, max_size=4), data=st.data())
def test_any_order_and_repetition_of_receipts_gives_the_same_lake(
    one_source, tmp_path_factory, exports, data
) -> None:
    source = one_source(
        "csv",
        {},
        unit="id",
        site="site",
        questions=("q",),
        keys={"record": "id"},
        pull={"drop": "exports/*.csv", "mode": "delta"},
    )
    names = [f"answers-2026-01-{day:02d}-08-00-00.csv" for day in range(1, len(exports) + 1)]
    again = data.draw(st.lists(st.sampled_from(names), max_size=3))
    written = []
    for arrival in (names, data.draw(st.permutations([*names, *again]))):
        source.home = tmp_path_factory.mktemp("home")
        with reader():
            for name in arrival:
                shutil.rmtree(source.folder / "exports")
                source.drop(name, as_csv(exports[names.index(name)]))
                assert source.pull().state in ("landed", "unchanged")
        written.append(lake_bytes(source.home))
        newest = {key: value for export in exports for key, value in export.items()}
        assert dict(source.table().select("id", "q").iter_rows()) == newest
    assert written[0]["main.parquet"] == written[1]["main.parquet"]


def kobo(rows: dict[str, str]) -> bytes:
    entries = [
        {"_uuid": name, "_submission_time": "2026-01-01T00:00:00", "id": name, "site": "s", "q": value}
        for name, value in rows.items()
    ]
    return json.dumps({"results": entries}).encode()


def test_an_edit_that_was_taken_back_is_taken_back(one_source) -> None:
    exports = [{"a": "0"}, {"a": "1"}, {"a": "0"}]
    keys = {"unit": "id", "site": "site", "keys": {"record": "id"}}
    source = one_source("csv", {}, **keys, pull={"drop": "exports/*.csv", "mode": "delta"})
    with reader():
        for day, rows in enumerate(exports, start=1):
            source.drop(f"answers-2026-01-{day:02d}-08-00-00.csv", as_csv(rows))
            source.pull()
            assert source.table()["q"].to_list() == list(rows.values())


@QUICK
@given(
    pulls=st.lists(st.tuples(EXPORT, st.none() | st.sets(IDS)), min_size=1, max_size=5),
    data=st.data(),
)
def test_a_record_is_there_exactly_while_the_platform_has_it(
    one_source, tmp_path_factory, pulls, data
) -> None:
    source = one_source("kobotoolbox", {}, unit="id", site="site", questions=("q",))
    folder = tmp_path_factory.mktemp("landing")
    originals, expected = [], {}
    for day, (rows, living) in enumerate(pulls, start=1):
        at = f"2026-01-{day:02d}T00:00:00.000+00:00"
        bodies = {"data-0001.json": kobo(rows)}
        expected = {name: value for name, value in expected.items() if living is None or name in living}
        expected |= rows
        if living is not None:
            bodies["living.json"] = json.dumps({"living": sorted(living)}).encode()
        for name, body in bodies.items():
            path = folder / str(day) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(body)
            originals.append(Original(name, path, exported_at=at))
    written = []
    for order in (originals, data.draw(st.permutations(originals))):
        into = tmp_path_factory.mktemp("into")
        programme = source.programme
        reading = read_originals(programme, programme.source("answers"), in_export_order(order), into)
        written.append({file.name: file.read_bytes() for file in into.iterdir()})
        kept = pl.read_parquet(into / "main.parquet")
        assert dict(kept.select("_sw_record_id", "q").iter_rows()) == expected
        counts = reading.counts.model_dump()
        assert counts.pop("rows_read") == sum(counts.values()) == sum(len(rows) for rows, _ in pulls)
    assert written[0] == written[1]


SURVEYCTO = (
    "SubmissionDate,site,id,KEY,review_status\n"
    "2026-01-01T00:00:00,s,1,uuid:a,APPROVED\n"
    "2026-01-01T00:00:00,s,2,uuid:b,REJECTED\n"
    "2026-01-01T00:00:00,s,3,uuid:c,PENDING\n"
    "2026-01-01T00:00:00,s,4,uuid:d,\n"
)


@pytest.mark.parametrize(("taken", "kept"), [(None, "134"), (["approved"], "14"), (["rejected"], "24")])
def test_a_rejected_submission_is_left_out_and_told_why(one_source, taken, kept) -> None:
    accept = {"accept": {"review": taken}} if taken else {}
    source = one_source("surveycto", {"f_WIDE.csv": SURVEYCTO}, unit="id", site="site", **accept)
    receipt = source.pull()
    assert (receipt.state, receipt.rows_not_accepted) == ("landed", 4 - len(kept))
    assert "".join(sorted(source.table()["id"])) == kept
    reviews = {"1": "approved", "2": "rejected", "3": "pending", "4": None}
    assert dict(source.table().select("id", "_sw_review").iter_rows()) == {key: reviews[key] for key in kept}
    reasons = set(source.table("_quarantine")["reason"])
    assert reasons == {f"its review says {reviews[key]}" for key in "123" if key not in kept}


def test_rows_of_a_repeat_within_a_repeat_follow_the_row_they_hang_on(one_source) -> None:
    def household(name: str, plots: list[dict[str, object]]) -> dict[str, object]:
        return {"_uuid": name, "id": name, "site": "s", "plots": plots}

    two = [{"plots/crops": [{"plots/crops/kg": "1"}, {"plots/crops/kg": "2"}]}, {"plots/ha": "3"}]
    body = {"results": [household("a", two), household("b", two)]}
    source = one_source(
        "kobotoolbox",
        {"data.json": json.dumps(body)},
        unit="id",
        site="site",
        accept={"where": {"column": "id", "in": ["a"]}},
    )
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    parents = {table.table: table.parent_table for table in receipt.tables}
    assert parents == {"main": None, "plots": "main", "crops": "plots"}
    rows = source.table("crops")
    assert rows["_sw_parent_record_id"].unique().is_in(source.table("plots")["_sw_record_id"].implode()).all()
    assert (source.table("plots").height, rows.height) == (2, 2)
    assert receipt.rows_not_accepted == 5
    told = {
        row["lake_table"]: row["parent_table"]
        for row in lake_rows(source.programme, source.home)["lake_tables"]
    }
    assert told == parents
