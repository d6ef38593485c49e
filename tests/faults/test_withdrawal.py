"""Whoever withdraws disappears: from lake, quarantine and originals of every source, the same night, for good.

The child is site_a's first: their id stands in the listing and in site_a's endline.
"""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from ingestion.lake import lake_path
from ingestion.landing import served_originals
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source
from ingestion.rebuild import rebuild

CHILD = "A0000"
WITHDRAWN = {"column": "consent_withdrawn", "map": {"1": "yes", "0": "no"}}


def pull(small, home) -> dict:
    return {receipt.source: receipt for receipt in pull_programme(load_programme(small.folder), home)}


def track(small, *children: str, says: str = "1", mode: str = "snapshot") -> Path:
    """Adds a tracker that lists who withdrew, as the last source of all."""
    path = small.folder / "exports/tracker/withdrawn.csv"
    path.parent.mkdir(exist_ok=True)
    rows = [f"{child},site_{child[0].lower()},1,{says}\n" for child in children]
    path.write_text("child,site,result,consent_withdrawn\n" + "".join(rows))
    if not any(entry["source"] == "withdrawn" for entry in small.read("sources.yml")):
        small.add(
            "sources.yml",
            {
                "source": "withdrawn",
                "role": "tracking",
                "platform": "csv",
                "wave": "endline",
                "pull": {"drop": "exports/tracker/*.csv", "mode": mode},
                "keys": {
                    "unit": "child",
                    "site": "site",
                    "disposition": {"column": "result", "map": {"1": "complete"}},
                    "withdrawn": WITHDRAWN,
                },
            },
        )
    return path


def contents(home: Path):
    """The bytes of every file of a home, archives and Parquet unpacked too; a release's own are left out."""
    for path in home.rglob("*"):
        if not path.is_file() or "releases" in path.relative_to(home).parts:
            continue
        yield from _unpacked(str(path.relative_to(home)), path.read_bytes())


def _unpacked(name: str, data: bytes):
    yield name, data
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _unpacked(f"{name}/{member}", archive.read(member))
    if data.startswith(b"PAR1"):
        yield name, pl.read_parquet(io.BytesIO(data)).write_csv().encode()


def holding(home: Path, *words: str) -> list[str]:
    return sorted({name for name, data in contents(home) if any(word.encode() in data for word in words)})


def rows_of(home: Path, source: str) -> pl.DataFrame:
    return pl.read_parquet(lake_path(home, source) / "main.parquet")


def lake_hashes(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home / "lake")): hashlib.sha256(path.read_bytes()).hexdigest()
        for link in (home / "lake").iterdir()
        if link.is_symlink()
        for path in link.glob("*.parquet")
    }


def drop_cell(path: Path, child: str, **cells: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(cells if row["child"] == child else {})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_withdrawal_told_by_the_last_source_reaches_the_first_in_the_same_night(
    small_programme, tmp_path
) -> None:
    home = tmp_path / "home"
    pull(small_programme, home)
    before = {source: rows_of(home, source) for source in ("listing", "endline_site_a", "endline_site_b")}
    assert holding(home, CHILD)
    track(small_programme, CHILD)
    receipts = pull(small_programme, home)
    assert holding(home, CHILD) == []
    for source in ("listing", "endline_site_a"):
        receipt = receipts[source]
        assert (receipt.state in ("landed", "unchanged"), receipt.rows_withdrawn) == (True, 1)
        assert receipt.rows_read == before[source].height == receipt.rows_kept + 1
        # Everybody else is as they were.
        kept = before[source].filter(pl.col("_sw_unit_id") != CHILD)
        assert rows_of(home, source).equals(kept)
    assert receipts["endline_site_b"].rows_withdrawn == 0
    assert rows_of(home, "endline_site_b").equals(before["endline_site_b"])
    assert (receipts["withdrawn"].rows_read, receipts["withdrawn"].rows_withdrawn) == (1, 1)


def test_the_night_after_changes_nothing_and_a_rebuild_gives_the_same(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    pull(small_programme, home)
    track(small_programme, CHILD, "C0101")
    pull(small_programme, home)
    hashes, log = lake_hashes(home), (home / "landing/redactions.jsonl").read_bytes()
    again = pull(small_programme, home)
    assert {receipt.state for receipt in again.values()} == {"unchanged"}
    assert again["listing"].rows_withdrawn == 2
    assert (lake_hashes(home), (home / "landing/redactions.jsonl").read_bytes()) == (hashes, log)
    for link in list((home / "lake").iterdir()):
        if link.is_symlink():
            link.unlink()
    assert all(fault is None for _, fault in rebuild(load_programme(small_programme.folder), home))
    assert lake_hashes(home) == hashes
    assert holding(home, CHILD, "C0101") == []
