"""Whoever withdraws disappears from lake, quarantine and originals of every source, the same night, for good.

The child is site_a's first: their id stands in the listing and in site_a's endline.
"""

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
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


def drop_cell(path: Path, unit: str, /, **cells: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(cells if row["child"] == unit else {})
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


def test_an_export_that_arrives_later_is_redacted_from_the_start(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    track(small_programme, CHILD)
    pull(small_programme, home)
    endline = small_programme.folder / "exports/site_a/endline.csv"
    drop_cell(endline, "A0001", score="59")
    receipt = pull(small_programme, home)["endline_site_a"]
    assert (receipt.state, receipt.rows_withdrawn, receipt.rows_kept) == ("landed", 1, 159)
    assert holding(home, CHILD) == []
    assert "59" in rows_of(home, "endline_site_a")["score"].to_list()


def test_one_source_pulled_alone_clears_all_others(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    pull(small_programme, home)
    track(small_programme, CHILD)
    receipt = pull_source(load_programme(small_programme.folder), "withdrawn", home)
    assert (receipt.source, receipt.rows_withdrawn) == ("withdrawn", 1)
    assert holding(home, CHILD) == []


def test_a_withdrawal_stands_when_nobody_tells_it_any_more(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    track(small_programme, CHILD)
    pull(small_programme, home)
    track(small_programme, CHILD, says="0")
    receipts = pull(small_programme, home)
    assert receipts["withdrawn"].rows_withdrawn == 1
    drop_cell(small_programme.folder / "exports/site_a/endline.csv", "A0002", score="58")
    pull(small_programme, home)
    assert holding(home, CHILD) == []


def test_former_snapshots_are_redacted_and_what_was_never_served_goes(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    endline = small_programme.folder / "exports/site_a/endline.csv"
    pull(small_programme, home)
    drop_cell(endline, "A0003", score="57")
    pull(small_programme, home)
    whole = endline.read_bytes()
    # A pull that fails lands its file, which counts for nothing.
    endline.write_bytes(whole[:-30])
    assert pull(small_programme, home)["endline_site_a"].state == "failed"
    landed = home / "landing/endline_site_a"
    assert len(list(landed.glob("[!.]*/endline.csv"))) == 3
    track(small_programme, CHILD)
    receipt = pull(small_programme, home)["endline_site_a"]
    # The lake is made again without the child although the source still fails.
    assert receipt.state == "failed"
    assert rows_of(home, "endline_site_a").height == 159
    assert receipt.tables[0].row_count == 159
    assert holding(home, CHILD) == []
    assert len(list(landed.glob("[!.]*/endline.csv"))) == 2
    endline.write_bytes(whole)
    receipt = pull(small_programme, home)["endline_site_a"]
    assert (receipt.state, receipt.rows_withdrawn, receipt.rows_kept) == ("unchanged", 1, 159)


def test_a_lake_that_cannot_be_read_again_is_taken_away(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    pull(small_programme, home)
    sources = small_programme.read("sources.yml")
    for entry in sources:
        if entry["source"] in ("endline_site_a", "endline_site_b"):
            entry["keys"] = entry["keys"] | {"arm": "no_such_column"}
    small_programme.write("sources.yml", sources)
    track(small_programme, CHILD)
    receipts = pull(small_programme, home)
    taken = receipts["endline_site_a"]
    assert (taken.state, taken.tables) == ("failed", [])
    assert "withdrew" in taken.message and "no_such_column" in taken.message
    assert lake_path(home, "endline_site_a") is None
    assert not [name for name in holding(home, CHILD) if not name.startswith("landing/endline_site_a/")]
    # Nobody of site_b withdrew: what it served stays.
    assert lake_path(home, "endline_site_b") is not None
    for entry in sources:
        entry["keys"].pop("arm", None) if entry["source"].startswith("endline") else None
    small_programme.write("sources.yml", [*sources, small_programme.read("sources.yml")[-1]])
    receipts = pull(small_programme, home)
    assert (receipts["endline_site_a"].state, receipts["endline_site_a"].rows_kept) == ("landed", 159)
    assert holding(home, CHILD) == []


def test_every_version_in_every_delta_goes_and_the_others_merge_as_before(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    sources = small_programme.read("sources.yml")
    for entry in sources:
        if entry["source"] == "endline_site_a":
            entry["pull"] = entry["pull"] | {"mode": "delta"}
    small_programme.write("sources.yml", sources)
    endline = small_programme.folder / "exports/site_a/endline.csv"
    head, *rows = endline.read_text().splitlines()
    pull(small_programme, home)
    for place, score in enumerate(("41", "42")):
        cells = [row.split(",") for row in rows[:3]]
        text = [",".join([*cell[:5], score, *cell[6:]]) for cell in cells]
        (endline.parent / f"later_{place}.csv").write_text("\n".join([head, *text]) + "\n")
        pull(small_programme, home)
    before = rows_of(home, "endline_site_a")
    assert before["score"].to_list().count("42") >= 3
    track(small_programme, CHILD)
    receipt = pull(small_programme, home)["endline_site_a"]
    assert (receipt.rows_read, receipt.rows_withdrawn, receipt.rows_replaced) == (166, 3, 4)
    assert rows_of(home, "endline_site_a").equals(before.filter(pl.col("_sw_unit_id") != CHILD))
    assert holding(home, CHILD) == []
    assert pull(small_programme, home)["endline_site_a"].state == "unchanged"
    assert len(served_originals(home, "endline_site_a", "delta")) == 3


def test_a_record_that_changed_its_unit_goes_with_its_newest_unit(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    sources = small_programme.read("sources.yml")
    for entry in sources:
        if entry["source"] == "endline_site_a":
            entry["pull"] = entry["pull"] | {"mode": "delta"}
    small_programme.write("sources.yml", sources)
    endline = small_programme.folder / "exports/site_a/endline.csv"
    text = endline.read_text()
    # A mistyped id is corrected in a later delta; and a row of another child named the child by mistake.
    mistyped = text.replace("A0000-e,A0000", "A0000-e,TYPO").replace("A0001-e,A0001", "A0001-e,A0000")
    endline.write_text(mistyped)
    rows = text.splitlines()
    (endline.parent / "later.csv").write_text("\n".join(rows[:3]) + "\n")
    pull(small_programme, home)
    before = rows_of(home, "endline_site_a")
    track(small_programme, CHILD)
    receipt = pull(small_programme, home)["endline_site_a"]
    assert receipt.rows_withdrawn == 3
    assert holding(home, CHILD, "TYPO") == []
    assert rows_of(home, "endline_site_a").equals(before.filter(pl.col("_sw_unit_id") != CHILD))


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_encrypted_landing_is_redacted_too(small_programme, tmp_path, monkeypatch, when) -> None:
    """Whether it was encrypted before the withdrawal, or only after the landing had been redacted."""
    home = tmp_path / "home"
    monkeypatch.setenv("LANDING_KEY", "k" * 64)
    head = small_programme.read("programme.yml")
    sealed = head | {"privacy": {"public": True, "landing_key": {"env": "LANDING_KEY"}}}
    if when == "before":
        small_programme.write("programme.yml", sealed)
    pull(small_programme, home)
    track(small_programme, CHILD)
    pull(small_programme, home)
    small_programme.write("programme.yml", sealed)
    receipts = pull(small_programme, home)
    assert {receipt.state for receipt in receipts.values()} <= {"unchanged", "landed"}
    assert rows_of(home, "listing").height == 8 * 160 - 1
    assert receipts["listing"].rows_withdrawn == 1
    # Nothing in clear, and nothing of the child in what is decrypted.
    assert holding(home / "landing", "child,site") == []
    assert holding(home, CHILD) == []
    from ingestion.encryption import decrypt, is_encrypted, landing_key

    key = landing_key(load_programme(small_programme.folder))
    for place, path in enumerate(path for path in (home / "landing").glob("*/[!.]*/*.csv")):
        assert is_encrypted(path)
        decrypt(path, tmp_path / f"clear{place}", key)
        clear = (tmp_path / f"clear{place}").read_bytes()
        assert not [name for name, data in _unpacked("clear", clear) if CHILD.encode() in data]
    assert {receipt.state for receipt in pull(small_programme, home).values()} == {"unchanged"}


def test_no_id_is_kept_and_the_list_is_the_owners_alone(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    track(small_programme, CHILD)
    pull(small_programme, home)
    for name in ("withdrawals.json", "redactions.jsonl"):
        path = home / "landing" / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert hashlib.sha256(CHILD.encode()).hexdigest() not in path.read_text()
    (told,) = json.loads((home / "landing/withdrawals.json").read_text())["withdrawn"].values()
    assert (told["site"], told["source"], told["kind"]) == ("site_a", "withdrawn", "unit")


def test_without_its_list_no_source_is_pulled(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    track(small_programme, CHILD)
    pull(small_programme, home)
    (home / "landing/withdrawals.json").unlink()
    receipts = pull(small_programme, home)
    assert {receipt.state for receipt in receipts.values()} == {"failed"}
    assert "restore landing/withdrawals.json" in receipts["listing"].message


def test_a_code_that_is_not_in_the_map_is_quarantined(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    track(small_programme, CHILD, "A0001", says="9")
    pull(small_programme, home)
    path = track(small_programme, CHILD, "A0001", says="0")
    path.write_text(path.read_text().replace("A0001,site_a,1,0", "A0001,site_a,1,9"))
    receipt = pull(small_programme, home)["withdrawn"]
    assert (receipt.rows_kept, receipt.rows_quarantined, receipt.rows_withdrawn) == (1, 1, 0)
    quarantine = pl.read_parquet(lake_path(home, "withdrawn") / "_quarantine.parquet")
    assert quarantine["reason"].to_list() == [
        "the value in column 'consent_withdrawn' is not in the map of keys.withdrawn"
    ]


def test_at_sites_that_number_alike_only_the_one_of_the_site_goes(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    head = small_programme.read("programme.yml")
    small_programme.write("programme.yml", head | {"units": {"unique_in": "site"}})
    twin = small_programme.folder / "exports/site_b/endline.csv"
    drop_cell(twin, "B0000", child=CHILD)
    track(small_programme, CHILD)
    receipts = pull(small_programme, home)
    assert (receipts["endline_site_a"].rows_withdrawn, receipts["endline_site_b"].rows_withdrawn) == (1, 0)
    assert CHILD in rows_of(home, "endline_site_b")["_sw_unit_id"].to_list()
    assert CHILD not in rows_of(home, "endline_site_a")["_sw_unit_id"].to_list()


def test_a_row_that_names_nobody_is_told_of(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    path = track(small_programme, CHILD)
    path.write_text(path.read_text() + ",site_a,1,1\n")
    pull_source(load_programme(small_programme.folder), "listing", home)
    receipt = pull(small_programme, home)["withdrawn"]
    assert (receipt.rows_read, receipt.rows_withdrawn) == (2, 2)
    assert "1 rows say that consent was withdrawn, but name no unit" in receipt.message


def test_units_with_pseudonyms_withdraw_under_them_and_only_under_their_key(
    small_programme, tmp_path, monkeypatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("UNIT_KEY", "u" * 32)
    head = small_programme.read("programme.yml")
    privacy = {"public": True, "pseudonym_key": {"env": "UNIT_KEY"}}
    small_programme.write("programme.yml", head | {"privacy": privacy})
    instrument = small_programme.read("instruments/child_test.yml")
    small_programme.write("instruments/child_test.yml", instrument | {"privacy": {"pseudonym": ["child"]}})
    pull(small_programme, home)
    before = rows_of(home, "endline_site_a")
    track(small_programme, " a0000")
    receipts = pull(small_programme, home)
    after = rows_of(home, "endline_site_a")
    assert (receipts["endline_site_a"].rows_withdrawn, receipts["listing"].rows_withdrawn) == (1, 1)
    assert after.height == 159 and after.equals(
        before.filter(pl.col("_sw_unit_id").is_in(after["_sw_unit_id"]))
    )
    assert holding(home, CHILD, "a0000", *set(before["_sw_unit_id"]) - set(after["_sw_unit_id"])) == []
    assert {receipt.state for receipt in pull(small_programme, home).values()} == {"unchanged"}
    monkeypatch.setenv("UNIT_KEY", "v" * 32)
    receipts = pull(small_programme, home)
    assert {receipt.state for receipt in receipts.values()} == {"failed"}
    assert "go back to the former key" in receipts["listing"].message


def test_a_shared_file_is_still_known_as_one(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    pull(small_programme, home)
    track(small_programme, CHILD)
    pull(small_programme, home)
    exports = small_programme.folder / "exports"
    (exports / "site_b/endline.csv").write_bytes((exports / "site_a/endline.csv").read_bytes())
    receipt = pull(small_programme, home)["endline_site_b"]
    assert receipt.state == "conflict", receipt.message
    assert holding(home, CHILD) == []


def test_one_content_under_two_names_is_redacted_once(small_programme, tmp_path) -> None:
    home = tmp_path / "home"
    endline = small_programme.folder / "exports/site_a/endline.csv"
    (endline.parent / "endline (1).csv").write_bytes(endline.read_bytes())
    pull(small_programme, home)
    track(small_programme, CHILD)
    receipt = pull(small_programme, home)["endline_site_a"]
    assert (receipt.rows_read, receipt.rows_withdrawn, receipt.rows_kept) == (160, 1, 159)
    assert holding(home, CHILD) == []
    assert pull(small_programme, home)["endline_site_a"].state == "unchanged"


def test_a_process_that_dies_while_it_redacts_is_caught_up_with(
    small_programme, tmp_path, monkeypatch
) -> None:
    from ingestion.consent import looking_through

    home = tmp_path / "home"
    pull(small_programme, home)
    track(small_programme, CHILD)

    def dies(*_) -> None:
        raise KeyboardInterrupt

    for step in ("_log", "_forget"):
        monkeypatch.setattr(looking_through.Work, step, dies)
        with pytest.raises(KeyboardInterrupt):
            pull(small_programme, home)
        monkeypatch.undo()
    receipts = pull(small_programme, home)
    assert (receipts["listing"].rows_withdrawn, receipts["endline_site_a"].rows_withdrawn) == (1, 1)
    assert holding(home, CHILD) == []
    assert {receipt.state for receipt in pull(small_programme, home).values()} == {"unchanged"}


def test_a_unit_that_replaces_one_who_withdrew_stays_and_names_them_no_more(
    small_programme, tmp_path
) -> None:
    home = tmp_path / "home"
    listing = small_programme.folder / "exports/frame/listing.csv"
    head, *rows = listing.read_text().splitlines()
    replaces = [f"{row},{CHILD if row.startswith('A0001,') else ''}" for row in rows]
    listing.write_text("\n".join([f"{head},instead_of", *replaces]) + "\n")
    sources = small_programme.read("sources.yml")
    sources[0]["keys"]["replaces"] = "instead_of"
    small_programme.write("sources.yml", sources)
    pull(small_programme, home)
    before = rows_of(home, "listing")
    track(small_programme, CHILD)
    assert pull(small_programme, home)["listing"].rows_withdrawn == 1
    assert holding(home, CHILD) == []
    after = rows_of(home, "listing")
    names = after.filter(pl.col("_sw_replaces_unit_id").is_not_null())
    assert names["_sw_unit_id"].to_list() == ["A0001"]
    own = pl.exclude("_sw_replaces_unit_id", "instead_of", "_sw_record_id")
    others = before.filter(pl.col("_sw_unit_id") != CHILD)
    assert after.sort("_sw_unit_id").select(own).equals(others.sort("_sw_unit_id").select(own))
    assert {receipt.state for receipt in pull(small_programme, home).values()} == {"unchanged"}


def test_what_a_platform_itself_says_withdraws_the_unit(small_programme, tmp_path, monkeypatch) -> None:
    """No platform says so today; one that does sets `Identity.is_withdrawn`."""
    from ingestion.consent.redaction import redact
    from ingestion.consent.withdrawal import withdrawals
    from ingestion.platforms import PLATFORMS, csv_files
    from ingestion.platforms.protocol import Original

    class Telling:
        def read(self, original, source):
            export = csv_files.read(original, source)
            table = export.tables["main"]
            identity = replace(table.identity, is_withdrawn=pl.col("score") == "60")
            return replace(export, tables={"main": replace(table, identity=identity)})

    monkeypatch.setitem(PLATFORMS, "csv", Telling())
    endline = small_programme.folder / "exports/site_a/endline.csv"
    drop_cell(endline, CHILD, score="60")
    programme = load_programme(small_programme.folder)
    known = withdrawals(tmp_path, programme)
    into = tmp_path / "into"
    into.mkdir()
    original = Original("endline.csv", endline)
    found = redact(programme, programme.source("endline_site_a"), [original], known, True, into)
    assert found.told == {known.unit("", CHILD): ("site_a", "unit")}
    assert found.rewritten[0].rows == 1
    assert CHILD not in str([*_unpacked("", (into / "0").read_bytes())])
    # What a former snapshot says is no longer true.
    assert redact(programme, programme.source("endline_site_a"), [original], known, False, into).told == {}


@pytest.fixture(scope="module")
def nights(tmp_path_factory, write_small, sitewise):
    """A night, and one in which a child of site_a has withdrawn."""
    folder = tmp_path_factory.mktemp("nights")
    small, home = write_small(folder / "small"), folder / "home"
    said = [sitewise(home, "nightly", "--programme", small.folder)]
    track(small, CHILD)
    said.append(sitewise(home, "nightly", "--programme", small.folder))
    assert [night.returncode for night in said] == [0, 0], said[-1].stdout + said[-1].stderr
    return small, home


def test_the_release_of_the_night_counts_one_child_fewer(nights, published) -> None:
    _, home = nights
    assert holding(home, CHILD) == []
    assert len(list((home / "releases").glob("2*"))) == 2
    (current,) = published(home, "select release_id from release")
    listed = sorted(path.name for path in (home / "releases").glob("2*"))
    assert current[0] in listed


def test_the_release_before_can_be_verified_but_not_served_again(nights, sitewise) -> None:
    _, home = nights
    listed = sitewise(home, "release", "list").stdout.splitlines()[1:]
    assert ["holds withdrawn" in line for line in listed] == [True, False]
    old = next(line for line in listed if "holds withdrawn" in line).split("withdrawn")[1].split()[0]
    assert sitewise(home, "release", "verify", old).returncode == 0
    served = (home / "releases/current").resolve()
    for arguments in (("rollback", "--yes"), ("rollback", "--to", old, "--yes"), ("approve", old, "--yes")):
        refused = sitewise(home, "release", *arguments)
        assert refused.returncode == 2
        assert "have withdrawn their consent" in refused.stderr
    assert (home / "releases/current").resolve() == served


def test_the_third_night_has_nothing_new(nights, sitewise) -> None:
    small, home = nights
    night = sitewise(home, "nightly", "--programme", small.folder)
    assert "Nothing changed" in night.stdout, night.stdout + night.stderr
    assert holding(home, CHILD) == []


@pytest.mark.slow
def test_a_withdrawal_by_mistake_is_revoked_and_the_child_comes_back(nights, sitewise, published) -> None:
    small, home = nights
    options = ("--programme", small.folder)
    assert "site_a" in sitewise(home, "withdrawals", "list", *options).stdout
    assert sitewise(home, "withdrawals", "revoke", "A9999", *options).returncode == 2
    assert "--yes" in sitewise(home, "withdrawals", "revoke", CHILD, *options).stdout
    track(small, "A0001", says="0")
    assert sitewise(home, "withdrawals", "revoke", CHILD, "--yes", *options).returncode == 0
    assert "Nobody withdrew." in sitewise(home, "withdrawals", "list", *options).stdout
    night = sitewise(home, "nightly", *options)
    assert night.returncode == 0, night.stdout + night.stderr
    assert CHILD in rows_of(home, "listing")["_sw_unit_id"].to_list()
    assert rows_of(home, "endline_site_a").height == 160
    listed = sitewise(home, "release", "list").stdout
    assert "holds withdrawn" not in listed
