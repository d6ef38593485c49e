"""REDCap's flat exports: events, repeating instruments, checkboxes, and the export of nothing."""

import pytest

REDCAP = "real_exports/redcap"


def test_a_longitudinal_row_is_one_record_at_one_event(one_source, shared) -> None:
    export = shared / REDCAP / "longitudinal/data.csv"
    source = one_source("redcap", {"data.csv": export}, unit="study_id", site="redcap_event_name")
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept, receipt.rows_quarantined) == ("landed", 18, 0)
    main = source.table()
    assert main["_sw_record_id"].n_unique() == 18
    assert main["_sw_record_id"][0].count("|") == 3
    assert main["_sw_unit_id"].n_unique() < 18
    assert "gym___0" in main.columns


def test_a_wave_is_mapped_from_the_event(one_source, shared) -> None:
    export = shared / REDCAP / "arm-single-longitudinal/data.csv"
    wave = {"column": "redcap_event_name", "map": {"intake_arm_1": "endline"}}
    source = one_source("redcap", {"data.csv": export}, unit="record_id", site="redcap_event_name", wave=wave)
    receipt = source.pull()
    assert receipt.rows_read == 9
    assert set(source.table()["_sw_wave"]) == {"endline"}
    assert receipt.rows_quarantined == 9 - receipt.rows_kept > 0
    quarantine = source.table("_quarantine")
    assert quarantine["reason"].unique().to_list() == [
        "the value in column 'redcap_event_name' is not in the map of wave"
    ]
    assert set(quarantine["field"]) == {"redcap_event_name"}


def test_instances_of_a_repeating_instrument_are_records_of_their_own(one_source, shared) -> None:
    export = shared / REDCAP / "repeating-instruments/data.csv"
    source = one_source("redcap", {"data.csv": export}, unit="record_id", site="record_id")
    assert source.pull().rows_replaced == 0
    assert "1||bp|3" in source.table()["_sw_record_id"].to_list()


def test_an_export_of_nothing_is_empty_and_deletes_nothing(one_source, shared) -> None:
    source = one_source(
        "redcap",
        {"data.csv": shared / REDCAP / "arm-multiple-delete/data-old.csv"},
        unit="record_id",
        site="redcap_event_name",
    )
    assert source.pull().rows_kept == 56
    source.drop("data.csv", shared / REDCAP / "empty-rows/data.csv")
    receipt = source.pull()
    assert receipt.state == "empty"
    assert "data.csv" in receipt.message and "Remedy" in receipt.message
    assert source.table().height == 56
    assert [table.row_count for table in receipt.tables] == [56]


@pytest.mark.parametrize(
    "project", ["checkboxes-1", "dag", "decimal-comma", "nonnumeric-record-id", "simple", "clinical-trial-1"]
)
def test_every_project_is_read_whole(one_source, shared, project) -> None:
    export = shared / REDCAP / project / "data.csv"
    first = export.read_text().split(",", 1)[0]
    source = one_source("redcap", {"data.csv": export}, unit=first, site=first)
    receipt = source.pull()
    assert (receipt.state, receipt.rows_read) == ("landed", receipt.rows_kept), receipt.message
    assert receipt.rows_kept > 0


def test_a_decimal_comma_stays_as_it_is(one_source, shared) -> None:
    source = one_source(
        "redcap", {"data.csv": shared / REDCAP / "decimal-comma/data.csv"}, unit="record_id", site="name"
    )
    source.pull()
    assert source.table().select("height", "bmi").row(0) == ("1,54", "22.1")


def test_keys_record_names_the_record_but_never_merges_its_events(one_source, shared) -> None:
    export = shared / REDCAP / "arm-single-longitudinal/data.csv"
    lines = [line.split(",") for line in export.read_text().splitlines()]
    moved = "".join(",".join([*line[1:], line[0]]) + "\n" for line in lines)
    keys = {"record": "record_id"}
    source = one_source("redcap", {"data.csv": moved}, unit="record_id", site="record_id", keys=keys)
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_replaced) == (9, 0)


def test_only_complete_forms_are_accepted_where_asked(one_source) -> None:
    text = "record_id,site,reads,test_complete\n1,here,1,2\n2,here,0,1\n3,here,,\n"
    source = one_source(
        "redcap", {"d.csv": text}, unit="record_id", site="site", accept={"complete_only": True}
    )
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_not_accepted) == (2, 1)
    assert source.table("_quarantine")["reason"].to_list() == ["it is not complete"]
