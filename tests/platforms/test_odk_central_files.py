"""ODK's real files, each compared cell by cell with an independent reading, by both of Central's routes."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.platforms import odk_central

CENTRAL = "real_exports/odk/central_writer_2026"
AGGREGATE = "real_exports/odk/aggregate_2019"
FORMS = ("simple", "withrepeat", "selectMultiple")
Rows = list[dict[str, str]]


def _csv(text: str, lacking: tuple[str, ...] = ()) -> Rows:
    header, *rows = list(csv.reader(io.StringIO(text, newline="")))
    assert all(len(header) - len(row) <= len(lacking) for row in rows)
    return [{name: cell for name, cell in zip(header, row, strict=False) if cell} for row in rows]


def _members(path: Path) -> dict[str, Rows]:
    with zipfile.ZipFile(path) as archive:
        return {name: _csv(archive.read(name).decode()) for name in archive.namelist()}


def _cells(table: pl.DataFrame) -> Rows:
    shown = table.select(pl.exclude("^_sw_.*$"))
    return [{name: cell for name, cell in row.items() if cell is not None} for row in shown.rows(named=True)]


def _ordered(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: sorted(row.items()))


def _pulled(one_source: Any, files: dict[str, Path], site: str = "SubmitterID") -> Any:
    source = one_source("odk_central", files, unit="KEY", site=site)
    receipt = source.pull()
    assert (receipt.state, receipt.rows_quarantined, receipt.rows_read) == ("landed", 0, receipt.rows_kept)
    return source


@pytest.mark.parametrize("form", FORMS)
def test_every_archive_holds_what_the_csv_module_reads(one_source, shared, form) -> None:
    path = shared / CENTRAL / f"{form}.csv.zip"
    source = _pulled(one_source, {path.name: path})
    members = _members(path)
    assert _ordered(_cells(source.table())) == _ordered(members.pop(f"{form}.csv"))
    for name, rows in members.items():
        assert _ordered(_cells(source.table(name.split("-")[1].removesuffix(".csv")))) == _ordered(rows)


@pytest.mark.parametrize("form", FORMS)
def test_odata_gives_the_columns_cells_and_ids_of_the_archive(one_source, shared, form) -> None:
    folder = shared / CENTRAL
    by_zip = _pulled(one_source, {f"{form}.csv.zip": folder / f"{form}.csv.zip"})
    archive = {
        name: by_zip.table(name) for name in (("main", "child") if form == "withrepeat" else ("main",))
    }
    (by_zip.folder / "exports" / f"{form}.csv.zip").unlink()
    name = f"{form}.Submissions.expand.odata.json"
    source = _pulled(one_source, {name: folder / name})
    for table, expected in archive.items():
        # The option columns of a multiple choice are the archive's alone: they are asked for in exports.
        told = expected.select(name for name in expected.columns if "/" not in name)
        assert set(source.table(table).columns) == set(told.columns)
        assert source.table(table).select(told.columns).equals(told)


def test_the_bodies_of_a_form_and_of_its_repeat_give_what_the_expanded_one_gives(one_source, shared) -> None:
    folder = shared / CENTRAL
    names = ["withrepeat.Submissions.odata.json", "withrepeat.Submissions.children.child.odata.json"]
    source = _pulled(one_source, {name: folder / name for name in names})
    child = source.table("child").select("_sw_record_id", "_sw_parent_record_id", "name", "age").rows()
    expected = [
        (row["KEY"], row["PARENT_KEY"], row["name"], row["age"])
        for row in _members(folder / "withrepeat.csv.zip")["withrepeat-child.csv"]
    ]
    assert child == sorted(expected)


@pytest.mark.parametrize("form", ["simple", "selectMultiple"])
def test_a_body_without_repeats_holds_what_the_json_module_reads(one_source, shared, form) -> None:
    path = shared / CENTRAL / f"{form}.Submissions.odata.json"
    source = _pulled(one_source, {path.name: path})
    rows = json.loads(path.read_text())["value"]
    assert source.table()["KEY"].to_list() == sorted(row["__id"] for row in rows)
    system = {row["__id"]: row["__system"] for row in rows}
    for row in source.table().rows(named=True):
        assert row["SubmissionDate"] == system[row["KEY"]]["submissionDate"]
        assert row["ReviewState"] == system[row["KEY"]]["reviewState"]
        assert row["Edits"] == str(system[row["KEY"]]["edits"])
    answers = {("name",): "simple", ("g1", "q2"): "selectMultiple"}
    for steps in (steps for steps, of in answers.items() if of == form):
        for row in rows:
            value: Any = row
            for step in steps:
                value = value[step]
            key = source.table().filter(pl.col("KEY") == row["__id"])
            assert key["-".join(steps)].item() == value


def test_a_body_without_its_repeats_says_so(one_source, shared) -> None:
    path = shared / CENTRAL / "withrepeat.Submissions.odata.json"
    source = one_source("odk_central", {path.name: path}, unit="KEY", site="SubmitterID")
    receipt = source.pull()
    assert receipt.rows_kept == 3 and "$expand=*" in receipt.message


@pytest.mark.parametrize("form", ["0-2_1558575936", "0-4_1564384341"])
def test_every_ragged_export_of_2019_holds_what_the_csv_module_reads(one_source, shared, form) -> None:
    stem = f"build_Flora-Quadrat-{form}"
    files = {path.name: path for path in (shared / AGGREGATE).glob(f"{stem}*.csv")}
    source = _pulled(one_source, files, site="location-area_name")
    for name, path in files.items():
        table = path.stem.removeprefix(stem).strip("-") or "main"
        rows = _csv(path.read_text(), ("Status",) if table == "main" else ())
        assert _ordered(_cells(source.table(table))) == _ordered(rows), name
        with path.open(newline="") as file:
            header = next(csv.reader(file))
        assert {column for column in source.table(table).columns if not column.startswith("_sw_")} == set(
            header
        )


@pytest.mark.parametrize("name", ["FloraQuadrat02.form.xml", "FloraQuadrat04.form.xml"])
def test_a_form_is_no_export_and_is_refused_by_name(one_source, shared, name) -> None:
    receipt = one_source("odk_central", {name: shared / AGGREGATE / name}, unit="KEY", site="KEY").pull()
    assert receipt.state == "failed"
    assert name in receipt.message and "form's definition" in receipt.message


@pytest.mark.parametrize("name", ["FloraQuadrat02", "FloraQuadrat04"])
def test_a_forms_xml_defines_its_fields(shared, name) -> None:
    form = odk_central.define(shared / AGGREGATE / f"{name}.form.xml")
    assert {"reporter", "area_name"} <= {field.name for field in form.fields}
    found = {field.repeat for field in form.fields if field.repeat}
    assert any("taxon_encounter" in repeat for repeat in found)


def test_points_and_shapes_of_odata_read_as_in_a_csv(one_source) -> None:
    fields = [
        ["/g_2_0", "/g2.0", "structure"],
        ["/g_2_0/at", "/g2.0/at", "geopoint"],
        ["/site", "/site", "string"],
    ]
    fields += [["/no", "/no", "geopoint"], ["/way", "/way", "geotrace"]]
    at = {"type": "Point", "coordinates": [36.8, -1.25, 1660], "properties": {"accuracy": 4.5}}
    way = {"type": "LineString", "coordinates": [[36.8, -1.25], [36.9, -1.5, 7]]}
    row = {"__id": "u1", "__system": {"submissionDate": "2026-01-05T06:30:00.000Z", "edits": 0}}
    row |= {"site": "here", "no": None, "way": way, "g_2_0": {"at": at}}
    body = json.dumps({"fields": fields, "value": [row], "@odata.context": "x#Submissions"})
    source = one_source("odk_central", {"f.Submissions.json": body}, unit="KEY", site="site")
    assert source.pull().state == "landed"
    (found,) = source.table().select("^g2.0.*$", "^no.*$", "way").rows(named=True)
    point = {"g2.0-at-Latitude": "-1.25", "g2.0-at-Longitude": "36.8", "g2.0-at-Altitude": "1660"}
    none = {f"no-{part}": None for part in ("Latitude", "Longitude", "Altitude", "Accuracy")}
    assert found == point | {"g2.0-at-Accuracy": "4.5", "way": "-1.25 36.8 0 0;-1.5 36.9 7 0"} | none


def test_repeats_of_one_name_are_told_apart_by_their_groups_on_both_routes(one_source) -> None:
    head = "SubmissionDate,site,KEY\n2026-01-05T06:30:00.000Z,here,u1\n"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("f.csv", head)
        archive.writestr("f-kid~1.csv", "age,PARENT_KEY,KEY\n4,u1,u1/a/kid[1]\n")
        archive.writestr("f-kid~2.csv", "age,PARENT_KEY,KEY\n9,u1,u1/b/kid[1]\n")
    fields = [
        [path, path, kind] for path, kind in (("/a/kid", "repeat"), ("/b/kid", "repeat"), ("/site", "string"))
    ]
    row = {"__id": "u1", "__system": {"submissionDate": "2026-01-05T06:30:00.000Z"}, "site": "here"}
    row |= {group: {"kid": [{"age": age, "__id": group}]} for group, age in (("a", 4), ("b", 9))}
    body = json.dumps({"fields": fields, "value": [row]})
    for name, content in (("f.csv.zip", data.getvalue()), ("f.Submissions.json", body)):
        source = one_source("odk_central", {name: content}, unit="KEY", site="site")
        assert source.pull().state == "landed", name
        assert source.table("a-kid").select("_sw_record_id", "age").rows() == [("u1/a/kid[1]", "4")]
        assert source.table("b-kid").select("_sw_record_id", "age").rows() == [("u1/b/kid[1]", "9")]
        (source.folder / "exports" / name).unlink()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"value": [{"__id": "a"', "cut off"),
        ('{"value": [{"name": "no id"}]}', "no submissions"),
        ('{"code": "401.2", "message": "no"}', "no submissions"),
        (
            '{"value": [{"__id": "h", "__Submissions-a-id": "k"}], "@odata.context": "x#Submissions.a.b"}',
            "repeat",
        ),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_a_remedy(one_source, content, words) -> None:
    source = one_source("odk_central", {"f.Submissions.json": content}, unit="KEY", site="site")
    receipt = source.pull()
    assert receipt.state == "failed"
    assert (
        words in receipt.message and "f.Submissions.json" in receipt.message and "Remedy" in receipt.message
    )


def test_no_real_file_is_left_out_of_these_tests(shared) -> None:
    central = {f"{form}.csv.zip" for form in FORMS} | {f"{form}.Submissions.odata.json" for form in FORMS}
    central |= {f"{form}.Submissions.expand.odata.json" for form in FORMS}
    central |= {"withrepeat.Submissions.children.child.odata.json"}
    assert {path.name for path in (shared / CENTRAL).iterdir()} == central
    aggregate = {path.name for path in (shared / AGGREGATE).iterdir()}
    assert len([name for name in aggregate if name.endswith(".csv")]) == 5
    assert {name for name in aggregate if not name.endswith(".csv")} == {
        "FloraQuadrat02.form.xml",
        "FloraQuadrat04.form.xml",
    }
