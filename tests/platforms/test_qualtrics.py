"""Qualtrics' CSV by drop: header rows of three ages, names that repeat, previews, and damaged files."""

import csv
import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.export_fault import ExportFault
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original

FILES = [
    ("Better Sample Survey/Better_Sample_Survey.csv", 10, 59, "ResponseID"),
    ("Multiple Answer Matrix Questions/Multiple_Answer_Matrix_Questions (Insights).csv", 5, 75, "ResponseID"),
    ("Multiple Answer Matrix Questions/Multiple_Answer_Matrix_Questions.csv", 5, 75, "ResponseID"),
    ("No Basis for Evaluation/No_Basis_for_Evaluation (Insights).csv", 15, 49, "ResponseID"),
    ("No Basis for Evaluation/No_Basis_for_Evaluation (Legacy).csv", 15, 49, "ResponseID"),
    (
        "Single Answer Multiple Choice Questions/Single_Answer_MC_Questions (Insights).csv",
        5,
        20,
        "ResponseID",
    ),
    ("Single Answer Multiple Choice Questions/Single_Answer_MC_Questions.csv", 5, 20, "ResponseID"),
    ("Survey Logic/Survey_Logic_EVERYWHERE.csv", 10, 21, "ResponseID"),
    ("Text Entry Components/Questions_with_Text_Entry_Components.csv", 15, 40, "ResponseID"),
    ("sample.csv", 1, 20, "ResponseId"),
]
NAMES = "ResponseId,RecordedDate,Finished,Status,place,reads\n"
TEXTS = '"Antwort-ID",Erfassungsdatum,Beendet,Antworttyp,Ort,"Liest\nsie?"\n'
IDS = (
    ",".join(
        f'"{{""ImportId"":""{name}""}}"'
        for name in ("_recordId", "recordedDate", "finished", "status", "QID1", "QID2_1")
    )
    + "\n"
)
HEAD = NAMES + TEXTS + IDS


def answers(*rows: str) -> str:
    return HEAD + "".join(row + "\n" for row in rows)


@pytest.fixture
def read(one_source, tmp_path):
    """Reads bytes as the platform does, through the registry of platforms."""
    source = one_source("qualtrics", {}, unit="ResponseId", site="place").programme.source("answers")

    def read(content: bytes | str, name: str = "export.csv"):
        path = tmp_path / "landed"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return PLATFORMS["qualtrics"].read(Original(name, path), source).tables[MAIN]

    return read


def test_every_real_file_is_read_cell_by_cell(shared, read) -> None:
    print()
    for name, height, width, _ in FILES:
        path = shared / "real_exports/qualtrics" / name
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
        header = 3 if "ImportId" in rows[2][0] else 2
        table = read(path.read_bytes())
        frame = table.cells.collect()
        assert frame.shape == (height, width), name
        assert [list(row) for row in frame.rows()] == [
            [cell or None for cell in row] for row in rows[header:]
        ], name
        assert len(set(table.columns)) == width
        assert list(table.lines) == list(range(header + 1, header + 1 + height))
        for mine, theirs in zip(table.columns, rows[0], strict=True):
            assert mine == theirs or not theirs or theirs.startswith("V") or mine.startswith(f"{theirs} (")
        filled = height * width - sum(frame.null_count().row(0))
        print(
            f"{name}: {header} header rows, {height} rows, {width} columns, {filled} filled cells, 0 refused"
        )


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=8
)
TAGS = st.sampled_from(
    ["reads", "Reads (QID1)", "reads (QID1)", "reads (2)", "(column 3)", "", "Q2_-1", "V7"]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(TAGS, CELLS, st.sampled_from(["QID1", "QID2_1", "QID2-1"])), min_size=1, max_size=5),
    st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=4),
)
def test_no_column_is_lost_or_named_twice_whatever_the_header_says(read, questions, rows) -> None:
    tags, texts, ids = zip(*questions, strict=True)
    imports = [f'{{"ImportId":"{name}"}}' for name in ("_recordId", *ids)]
    table = [["ResponseId", *tags], ["id", *texts], imports]
    table += [[f"R_{place}", *row[: len(tags)]] for place, row in enumerate(rows)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    mine = read(out.getvalue())
    assert len(set(mine.columns)) == len(tags) + 1 and mine.columns[0] == "ResponseId"
    assert [[cell or "" for cell in row] for row in mine.cells.collect().rows()] == table[3:]


def test_every_real_file_can_be_named_in_a_source(shared, one_source) -> None:
    for name, height, _, record in FILES:
        path = shared / "real_exports/qualtrics" / name
        source = one_source("qualtrics", {"export.csv": path}, unit=record, site=record, keep=("Q*", "q*"))
        receipt = source.pull()
        assert receipt.state in ("landed", "unchanged"), receipt.message
        assert (receipt.rows_kept, receipt.rows_quarantined) == (height, 0), name
        assert all(each.startswith("R_") for each in source.table()["_sw_record_id"])
        assert all(source.table()["_sw_submitted_at"])


def test_columns_of_the_respondent_are_called_by_their_meaning(shared, read) -> None:
    name = "No Basis for Evaluation/No_Basis_for_Evaluation (Legacy).csv"
    columns = read((shared / "real_exports/qualtrics" / name).read_bytes()).columns
    assert columns[:6] == (
        "ResponseID",
        "ResponseSet",
        "Name",
        "ExternalDataReference",
        "EmailAddress",
        "IPAddress",
    )
    assert columns[-1] == "(column 49)"


def test_a_repeated_name_keeps_every_column_apart_by_its_import_id(read) -> None:
    def export(first: str, second: str, row: str) -> str:
        ids = ",".join(f"\"{{'ImportId': '{name}'}}\"" for name in ("_recordId", first, second, "QID6"))
        return f"ResponseId,reads,reads,writes\nid,text,text,text\n{ids}\n{row}\n"

    table = read(export("QID4-1", "QID5-1", "R_1,x,y,z"))
    assert table.columns == ("ResponseId", "reads (QID4-1)", "reads (QID5-1)", "writes")
    moved = read(export("QID5-1", "QID4-1", "R_1,y,x,z"))
    assert moved.cells.select(table.columns).collect().rows() == table.cells.collect().rows()


def test_previews_and_spam_are_no_answers_and_generated_ones_are_told(one_source) -> None:
    rows = [
        f"R_{code},2025-11-0{place} 09:00:00,1,{code},P,{place}"
        for place, code in enumerate(["0", "1", "8", "2", "4", "Spam"], start=1)
    ]
    source = one_source("qualtrics", {"a.csv": answers(*rows)}, unit="ResponseId", site="place")
    receipt = source.pull()
    assert sorted(source.table()["_sw_record_id"]) == ["R_0", "R_2", "R_4"]
    assert receipt.rows_quarantined == 3
    assert sorted(set(source.table("_quarantine")["reason"])) == [
        "it is a preview of the survey, no answer",
        "the platform marks it as spam",
    ]
    assert "1 rows are generated test responses (Status 2)" in receipt.message


def test_a_response_is_complete_if_finished_in_either_spelling(one_source) -> None:
    words = ["1", "True", "0", "False"]
    rows = [f"R_{place},2025-11-01 09:00:00,{word},0,P,1" for place, word in enumerate(words)]
    accept = {"complete_only": True}
    source = one_source(
        "qualtrics", {"a.csv": answers(*rows)}, unit="ResponseId", site="place", accept=accept
    )
    assert source.pull().rows_not_accepted == 2
    assert sorted(source.table()["_sw_record_id"]) == ["R_0", "R_1"]


def test_the_later_export_of_an_edited_response_wins(one_source) -> None:
    first = answers("R_1,2025-11-01 09:00:00,1,0,P,3", "R_2,2025-11-01 10:00:00,1,0,P,4")
    edited = answers("R_1,2025-11-01 09:00:00,1,0,P,9")
    source = one_source(
        "qualtrics",
        {"Survey_2025-11-02_0900.csv": first, "Survey_2025-11-03_0900.csv": edited},
        unit="ResponseId",
        site="place",
        pull={"drop": "exports/*", "mode": "delta"},
    )
    receipt = source.pull()
    assert (receipt.rows_kept, receipt.rows_replaced) == (2, 1)
    assert source.table().sort("_sw_record_id")["reads"].to_list() == ["9", "4"]


def test_lines_are_told_as_the_file_has_them(read) -> None:
    table = read(
        answers("R_1,2025-11-01 09:00:00,1,0,P,3", "R_2,too,short", "R_3,2025-11-01 09:00:00,1,0,P,5")
    )
    assert list(table.lines) == [5, 7]
    assert [(row.line, row.cell_count, row.expected_count) for row in table.ragged] == [(6, 3, 6)]


def test_a_zip_and_a_tabbed_file_read_alike(read, one_source) -> None:
    plain = answers("R_1,2025-11-01 09:00:00,1,0,P,3")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Survey.csv", "\ufeff" + plain)
    zipped = read(packed.getvalue(), "Survey.zip")
    assert zipped.file == "Survey.zip/Survey.csv"
    rows = list(csv.reader(io.StringIO(plain, newline="")))
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(rows)
    tabbed = read(out.getvalue())
    assert (
        zipped.cells.collect().rows() == tabbed.cells.collect().rows() == read(plain).cells.collect().rows()
    )


def test_an_export_of_no_response_holds_no_rows(one_source) -> None:
    source = one_source("qualtrics", {"a.csv": HEAD}, unit="ResponseId", site="place")
    assert source.pull().state == "empty"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (answers("R_1,2025-11-01 09:00:00,1,0,P,3")[:-3], "cut off"),
        (answers('R_1,2025-11-01 09:00:00,1,0,P,"three'), "cut off"),
        (HEAD[:-20], "cut off"),
        (NAMES + TEXTS[:-2], "cut off"),
        (NAMES.replace("ResponseId", "Who") + "a,b,c,d,e,f\n", "no column holds the response's id"),
        (NAMES + TEXTS + IDS.replace(',"{""ImportId"":""QID2_1""}"', ""), "differ in their number of cells"),
        (NAMES + TEXTS + "R_1,2025-11-01 09:00:00,1,0,P,3\n", "second row is neither"),
    ],
)
def test_a_damaged_file_is_refused_with_its_remedy(read, content: str, word: str) -> None:
    with pytest.raises(ExportFault, match=word) as told:
        read(content)
    assert told.value.remedy and "2025" not in str(told.value)


def test_a_file_without_texts_is_read_where_its_second_row_is_a_response(read) -> None:
    assert read(NAMES + "R_1,2025-11-01 09:00:00,1,0,P,3\n").cells.collect().height == 1
