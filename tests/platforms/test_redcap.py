"""REDCap's flat exports: events, repeating instruments, checkboxes, and the export of nothing."""

import csv

import pytest

from ingestion.platforms import redcap

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


def test_instances_of_a_repeating_instrument_are_rows_of_its_table(one_source, shared) -> None:
    export = shared / REDCAP / "repeating-instruments/data.csv"
    source = one_source("redcap", {"data.csv": export}, unit="record_id", site="record_id")
    assert source.pull().rows_replaced == 0
    main, visits = source.table(), source.table("bp")
    assert main["_sw_record_id"].to_list() == ["1|||", "2|||"]
    assert "bp_systolic" not in main.columns and "first_name" not in visits.columns
    third = visits.filter(visits["_sw_record_id"] == "1||bp|3")
    assert third.select("_sw_parent_record_id", "bp_systolic").rows() == [("1|||", "112")]


@pytest.mark.parametrize(
    "keys",
    [{"order_by": "redcap_repeat_instance"}, {"submitted_at": "date_bp"}],
    ids=["instance", "own column"],
)
def test_instances_that_the_keys_read_are_submissions_of_their_own(one_source, shared, keys) -> None:
    export = shared / REDCAP / "repeating-instruments/data.csv"
    source = one_source("redcap", {"data.csv": export}, unit="record_id", site="record_id", keys=keys)
    receipt = source.pull()
    assert [table.table for table in receipt.tables] == ["main"], receipt.message
    assert "1||bp|3" in source.table()["_sw_record_id"].to_list()


def test_an_instance_without_a_record_of_its_event_still_has_a_parent(one_source) -> None:
    head = "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,"
    text = head + "site,score,test_complete,note,visit_complete\n1,e1,visit,1,,,,late,2\n2,e1,,,here,5,2,,\n"
    source = one_source("redcap", {"d.csv": text}, unit="record_id", site="site")
    assert source.pull().rows_quarantined == 0
    assert source.table().select("_sw_record_id", "score").rows() == [("1|e1||", None), ("2|e1||", "5")]
    assert source.table("visit").select("_sw_parent_record_id", "note").rows() == [("1|e1||", "late")]


def test_a_survey_is_submitted_when_its_last_form_was(one_source, shared) -> None:
    export = shared / REDCAP / "survey/data.csv"
    source = one_source("redcap", {"data.csv": export}, unit="participant_id", site="participant_id")
    assert source.pull().rows_quarantined == 0
    assert source.table()["_sw_submitted_at"].to_list() == [
        "2018-03-06T15:52:43.000",
        "2018-03-06T15:53:15.000",
    ]


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


REFUSED = {
    "dictionary.csv": "dictionary",
    "dictionay.csv": "dictionary",
    "metadata.csv": "dictionary",
    "arm.csv": "list of arms",
    "event.csv": "list of events",
    "project.xml": "project in XML",
    "README.md": "",
}


def test_every_real_file_is_read_to_the_last_cell_or_refused_with_its_reason(one_source, shared) -> None:
    print(f"\n{'file':44}{'rows':>6}{'columns':>9}{'cells':>7}  tables or why refused")
    for number, path in enumerate(sorted((shared / REDCAP).rglob("*.*"))):
        rows = list(csv.reader(path.open(newline="")))
        first = rows[0][0] if path.suffix == ".csv" and rows[0] else "id"
        source = one_source("redcap", {}, unit=first, site=first)
        source = type(source)(source.folder, source.home.with_name(f"home{number}"))
        for old in (source.folder / "exports").iterdir():
            old.unlink()
        source.drop(path.name, path)
        receipt = source.pull()
        name = f"{path.parent.name}/{path.name}"
        if path.name in REFUSED:
            assert receipt.state == "failed" and REFUSED[path.name] in receipt.message, receipt.message
            print(f"{name:44}{'':22}  {receipt.message.partition(': ')[2].partition('. Remedy')[0]}")
            continue
        if path.parent.name == "empty-rows":
            assert receipt.state == "empty"
            continue
        assert (receipt.state, receipt.rows_kept) == ("landed", len(rows) - 1), receipt.message
        tables = {table.table: source.table(table.table) for table in receipt.tables}
        lake = {row["_sw_record_id"]: row for each in tables.values() for row in each.rows(named=True)}
        cells = 0
        for values in rows[1:]:
            written = dict(zip(rows[0], values, strict=True))
            parts = [written.get(f"redcap_{part}", "") for part in ("event_name", *INSTANCE)]
            read = lake["|".join([values[0], *parts])]
            for column, cell in written.items():
                if column in read:
                    assert (read[column] or "") == cell, (name, column)
                else:
                    assert cell == "" or (cell == "0" and "___" in column), (name, column)
                cells += cell != ""
        print(f"{name:44}{len(rows) - 1:6}{len(rows[0]):9}{cells:7}  {', '.join(tables)}")


INSTANCE = ("repeat_instrument", "repeat_instance")


@pytest.mark.parametrize("name", ["P_DATA_LABELS_2024-02-19_0851.csv", "d.csv"])
def test_labels_are_refused(one_source, name) -> None:
    head = "record_id,site" if "LABELS" in name else "Record ID,Site of the child"
    source = one_source("redcap", {name: f"{head}\n1,here\n"}, unit="record_id", site="site")
    receipt = source.pull()
    assert receipt.state == "failed" and "raw data" in receipt.message


def test_missing_codes_and_unticked_boxes_stay_as_they_are(one_source) -> None:
    text = "record_id,site,born,lang___1,lang____99,score,test_complete\n1,here,NASK,0,1,-99,2\n"
    source = one_source("redcap", {"d.csv": text}, unit="record_id", site="site")
    source.pull()
    row = source.table().select("born", "lang___1", "lang____99", "score").row(0)
    assert row == ("NASK", "0", "1", "-99")


def test_the_dictionary_defines_the_project(shared) -> None:
    form = redcap.define(shared / REDCAP / "repeating-instruments/dictionary.csv")
    assert form.language == "redcap" and len(form.fields) == 11
