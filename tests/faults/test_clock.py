"""A clock that was ahead, and is set back, makes nothing that comes later count as earlier."""

import json
from datetime import timedelta
from pathlib import Path

from ingestion.lake import lake_path
from ingestion.landing import last_served, read_receipts
from ingestion.programme.load import load_programme
from ingestion.pull import pull_source
from ingestion.rebuild import rebuild
from ingestion.receipt import Receipt

SOURCE = "endline_site_a"


def _as_if_a_day_ahead(home: Path) -> str:
    """Dates the only receipt as a machine would whose clock was a day ahead; returns its id."""
    [file] = (home / "landing" / SOURCE / "receipts").glob("*.json")
    receipt = Receipt.model_validate_json(file.read_bytes())
    at = receipt.pulled_at + timedelta(days=1)
    ahead = f"{at:%Y%m%dT%H%M%S%fZ}-{receipt.receipt_id[-8:]}"
    told = json.loads(file.read_text()) | {"receipt_id": ahead, "pulled_at": at.isoformat()}
    file.with_name(f"{ahead}.json").write_text(json.dumps(told))
    file.unlink()
    return ahead


def test_a_pull_after_the_clock_was_set_back_is_still_the_last(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    pull_source(programme, SOURCE, tmp_path)
    ahead = _as_if_a_day_ahead(tmp_path)
    export = small_programme.folder / "exports/site_a/endline.csv"
    export.write_text("\n".join(export.read_text().splitlines()[:-1]) + "\n")
    second = pull_source(programme, SOURCE, tmp_path)
    assert second.state == "landed"
    assert second.receipt_id > ahead
    assert last_served(tmp_path, SOURCE) == second
    third = pull_source(programme, SOURCE, tmp_path)
    assert third.state == "unchanged"
    assert [receipt.receipt_id for receipt in read_receipts(tmp_path, SOURCE)] == [
        third.receipt_id,
        second.receipt_id,
        ahead,
    ]
    before = (lake_path(tmp_path, SOURCE) / "main.parquet").read_bytes()
    list(rebuild(programme, tmp_path))
    assert (lake_path(tmp_path, SOURCE) / "main.parquet").read_bytes() == before
