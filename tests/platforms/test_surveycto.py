"""SurveyCTO's WIDE exports, whose dates follow the machine that exported."""

import pytest


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("media_2018/data_1/sctomedia_testdata_1_WIDE.csv", "2019-09-11T15:01:44.000"),
        ("text_audit/data_1/test_data_form_WIDE.csv", "2018-09-18T12:12:37.000"),
    ],
)
def test_both_written_forms_of_a_date_become_one(one_source, shared, path, first) -> None:
    export = shared / "real_exports/surveycto" / path
    source = one_source("surveycto", {export.name: export}, unit="name", site="deviceid")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 0), receipt.message
    main = source.table()
    assert first in main["_sw_submitted_at"].to_list()
    assert main["_sw_record_id"].str.starts_with("uuid:").all()
    assert main["_sw_form_version"].null_count() == 0


def test_ids_of_twenty_digits_keep_every_digit(one_source, shared) -> None:
    export = shared / "real_exports/surveycto/text_audit/data_1/test_data_form_WIDE.csv"
    source = one_source("surveycto", {export.name: export}, unit="name", site="deviceid")
    source.pull()
    assert "89462046111319665524" in source.table()["simid"].to_list()


def test_a_date_in_another_language_is_quarantined_never_guessed(one_source) -> None:
    text = "SubmissionDate,child,site,KEY\n2026-03-01 08:00:00,c1,here,k1\n01.03.2026 08:00:00,c2,here,k2\n"
    source = one_source("surveycto", {"f_WIDE.csv": text}, unit="child", site="site")
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_quarantined) == (1, 1)
    (row,) = source.table("_quarantine").rows(named=True)
    assert (row["line"], row["field"], row["record_id"]) == ("3", "submitted_at", "k2")
    assert "01.03.2026" not in str(row)


def test_a_text_audit_dropped_among_the_exports_is_refused_by_name(one_source, shared) -> None:
    folder = shared / "real_exports/surveycto/media_2018/data_1/media"
    audit = min(folder.glob("TA_*.csv"))
    receipt = one_source("surveycto", {audit.name: audit}, unit="name", site="name").pull()
    assert receipt.state == "failed"
    assert audit.name in receipt.message and "KEY" in receipt.message
