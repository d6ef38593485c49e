"""The landing: originals by content, for the owner alone, and receipts that sort by time."""

import stat
from datetime import UTC, datetime

import pytest

from ingestion.export_fault import ExportFault
from ingestion.landing import (
    each_once,
    land,
    landed_path,
    latest_receipts,
    read_receipts,
    write_receipt,
)
from ingestion.opening import opened
from ingestion.receipt import LandedOriginal, Receipt, new_receipt_id


def _receipt(source: str, state: str = "landed") -> Receipt:
    now = datetime.now(UTC)
    return Receipt(receipt_id=new_receipt_id(now), source=source, pulled_at=now, mode="snapshot", state=state)


def _mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_same_original_is_landed_once(tmp_path) -> None:
    first = land(tmp_path, "survey", "a.csv", lambda target: target.write_bytes(b"1"))
    inode = landed_path(tmp_path, "survey", first).stat().st_ino
    assert land(tmp_path, "survey", "a.csv", lambda target: target.write_bytes(b"1")) == first
    assert landed_path(tmp_path, "survey", first).stat().st_ino == inode
    assert len(list((tmp_path / "landing/survey").iterdir())) == 1


def test_the_landing_is_for_its_owner_alone(tmp_path) -> None:
    original = land(tmp_path, "survey", "a.csv", lambda target: target.write_bytes(b"1"))
    path = landed_path(tmp_path, "survey", original)
    receipt = write_receipt(tmp_path, _receipt("survey"))
    assert _mode(path) == _mode(receipt) == 0o600
    folders = {path.parent, path.parent.parent, tmp_path / "landing", receipt.parent}
    assert {_mode(folder) for folder in folders} == {0o700}


def test_an_original_that_fails_on_its_way_leaves_nothing(tmp_path) -> None:
    def fail(target) -> None:
        target.write_bytes(b"half")
        raise OSError("the line broke")

    with pytest.raises(OSError):
        land(tmp_path, "survey", "a.csv", fail)
    assert list((tmp_path / "landing/survey").iterdir()) == []


def test_what_a_killed_pull_left_is_cleared_by_the_next(tmp_path) -> None:
    stale = tmp_path / "landing/survey/.arriving-stale"
    stale.mkdir(parents=True)
    (stale / "original").write_bytes(b"half")
    land(tmp_path, "survey", "a.csv", lambda target: target.write_bytes(b"1"))
    assert not stale.exists()


def test_an_original_that_was_changed_is_refused(tmp_path) -> None:
    original = land(tmp_path, "survey", "a.csv", lambda target: target.write_bytes(b"1"))
    landed_path(tmp_path, "survey", original).write_bytes(b"2")
    for spoil in (lambda: None, landed_path(tmp_path, "survey", original).unlink):
        spoil()
        with (
            pytest.raises(ExportFault, match=r"a\.csv: the landed original is gone or was changed"),
            opened(tmp_path, "survey", [original], None),
        ):
            pass


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "..", "", "a/b.csv", "a\0.csv"])
def test_no_original_is_landed_outside_its_place(tmp_path, name) -> None:
    with pytest.raises(ExportFault, match="a name that no file can have"):
        land(tmp_path, "survey", name, lambda target: target.write_bytes(b"1"))
    assert not (tmp_path / "landing").exists()


def test_content_that_comes_again_by_api_is_the_newest(tmp_path) -> None:
    first, other, again = (
        LandedOriginal(name="data.json", sha256=sha, bytes=1, exported_at=f"2026-01-0{day}")
        for day, sha in enumerate(["a", "b", "a"], start=1)
    )
    assert each_once([first, other, again]) == [other, again]
    dropped = LandedOriginal(name="old.csv", sha256="a", bytes=1)
    assert each_once([dropped, dropped.model_copy(update={"name": "copy.csv"})]) == [dropped]


def test_receipts_come_newest_first_and_the_latest_of_each_source_is_found(tmp_path) -> None:
    written = [_receipt("one"), _receipt("one", "failed"), _receipt("two")]
    for receipt in written:
        write_receipt(tmp_path, receipt)
    assert [receipt.state for receipt in read_receipts(tmp_path, "one")] == ["failed", "landed"]
    assert latest_receipts(tmp_path) == {"one": written[1], "two": written[2]}
    assert latest_receipts(tmp_path / "nowhere") == {}
