"""ODK Central's own archives, the ragged exports of 2019, and repeats through edits."""

import io
import zipfile

import polars as pl
import pytest

HEAD = "SubmissionDate,child,site,KEY,SubmitterID,SubmitterName,Status,Edits\n"
REPEAT = "age,PARENT_KEY,KEY\n"


def _zip(**members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name.replace('__', '-')}.csv", text)
    return data.getvalue()


def _row(key: str, child: str, edits: int, status: str = "") -> str:
    return f"2026-01-05T06:30:00.000Z,{child},here,{key},5,user,{status},{edits}\n"


def test_a_central_archive_lands_with_its_repeat_keyed_to_its_parent(one_source, shared) -> None:
    export = shared / "real_exports/odk/central_writer_2026/withrepeat.csv.zip"
    source = one_source("odk_central", {export.name: export}, unit="name", site="SubmitterID")
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    assert {table.table: table.row_count for table in receipt.tables} == {"main": 3, "child": 3}
    child = source.table("child")
    assert child["_sw_parent_record_id"].to_list() == ["rthree", "rtwo", "rtwo"]
    main = source.table()
    assert main["_sw_record_id"].to_list() == ["rone", "rthree", "rtwo"]
    assert main["_sw_submitted_at"][0] == "2026-01-05T06:30:00.000Z"
    assert main["_sw_form_version"].unique().to_list() == ["1.0"]
    assert main["SubmitterName"][0] == 'App User, Site "A"'


@pytest.mark.parametrize("form", ["0-2_1558575936", "0-4_1564384341"])
def test_the_ragged_exports_of_2019_are_filled_by_the_stated_rule(one_source, shared, form) -> None:
    folder = shared / "real_exports/odk/aggregate_2019"
    files = {path.name: path for path in folder.glob(f"build_Flora-Quadrat-{form}*.csv")}
    source = one_source("odk_central", files, unit="reporter", site="location-area_name")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    main = source.table()
    assert main.height == 2
    assert main["Status"].null_count() == 2
    assert main["SubmitterName"].null_count() == 0
    taxa = source.table("taxon_encounter")
    assert set(taxa["_sw_parent_record_id"]) <= set(main["_sw_record_id"])
    assert receipt.rows_read == receipt.rows_kept


def test_a_row_short_by_more_than_metadata_is_quarantined_with_its_line(one_source) -> None:
    text = HEAD + _row("k1", "c1", 0) + "2026-01-05T06:30:00.000Z,c2,here\n" + _row("k3", "c3", 0)
    source = one_source("odk_central", {"form.csv": text}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (2, 1)
    (row,) = source.table("_quarantine").rows(named=True)
    assert (row["file"], row["line"]) == ("form.csv", "3")
    assert "3 cells" in row["reason"]


def test_the_version_with_most_edits_wins_and_brings_its_own_repeats(one_source) -> None:
    before = _zip(
        form=HEAD + _row("k1", "c1", 0), form__kid=REPEAT + "4,k1,k1/kids/kid[1]\n7,k1,k1/kids/kid[2]\n"
    )
    after = _zip(form=HEAD + _row("k1", "c2", 1), form__kid=REPEAT + "5,k1,k1/kids/kid[1]\n")
    source = one_source("odk_central", {"a.zip": after, "b.zip": before}, unit="child", site="site")
    receipt = source.pull()
    assert source.table()["child"].to_list() == ["c2"]
    assert source.table("kid")["age"].to_list() == ["5"]
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_replaced) == (5, 2, 3)


def test_an_encrypted_submission_and_an_orphan_go_to_quarantine(one_source) -> None:
    data = _zip(
        form=HEAD + _row("k1", "c1", 0) + _row("k2", "", 0, "not decrypted"),
        form__kid=REPEAT + "4,k1,k1/kid[1]\n5,k2,k2/kid[1]\n6,k9,k9/kid[1]\n",
    )
    source = one_source("odk_central", {"form.csv.zip": data}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (2, 3)
    reasons = source.table("_quarantine").filter(pl.col("record_id") != "k2")["reason"].to_list()
    assert any("encrypted" in reason for reason in reasons)
    assert any("no submission of this id" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_zip(form=HEAD + _row("k1", "c1", 0))[:-40], "cut off"),
        (b"this is no archive", "not a zip"),
        (_zip(form__kid=REPEAT + "4,k1,k1/kid[1]\n"), "no CSV in it holds the form's own rows"),
        (_zip(one=HEAD + _row("k1", "c1", 0), two=HEAD + _row("k2", "c2", 0)), "two of its files"),
        (_zip(form="a,b\n1,2\n"), "KEY"),
    ],
)
def test_a_broken_archive_is_refused_with_its_name_and_a_remedy(one_source, content, words) -> None:
    receipt = one_source("odk_central", {"form.csv.zip": content}, unit="child", site="site").pull()
    assert receipt.state == "failed"
    assert words in receipt.message and "form.csv" in receipt.message and "Remedy" in receipt.message


def test_an_archive_that_unpacks_to_implausibly_much_is_refused(one_source) -> None:
    bomb = _zip(form=HEAD + "0" * (60 * 1024**2))
    receipt = one_source("odk_central", {"form.csv.zip": bomb}, unit="child", site="site").pull()
    assert receipt.state == "failed" and "implausible" in receipt.message
