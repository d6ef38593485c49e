"""A redacted original reads as the original did, whatever its platform, but for the unit that withdrew."""

import io
import zipfile
from typing import Any

import openpyxl
import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.consent.withdrawal import Sites, told, withdrawals
from ingestion.lake import lake_path

KEY = "SITEWISE_TEST_PSEUDONYM_KEY"
REAL = {
    "kobo api": ("kobotoolbox", "kobo/api_v2/three_form_versions_groups__data.json", "_uuid"),
    "kobo export": ("kobotoolbox", "kobo/exports/hxl_grouped_repeatable - all_versions - xml.xlsx", "_uuid"),
    "odk archive": ("odk_central", "odk/central_writer_2026/withrepeat.csv.zip", "KEY"),
    "odk odata": ("odk_central", "odk/central_writer_2026/withrepeat.Submissions.expand.odata.json", "KEY"),
    "odk aggregate": ("odk_central", "odk/aggregate_2019/build_Flora-Quadrat-0-4*.csv", "KEY"),
    "redcap": ("redcap", "redcap/repeating-instruments/data.csv", "record_id"),
    "redcap longitudinal": ("redcap", "redcap/longitudinal/data.csv", "study_id"),
    "qualtrics": ("qualtrics", "qualtrics/*/*.csv", "ResponseID"),
    "surveycto": ("surveycto", "surveycto/*/*/*.csv", "KEY"),
    "spss": ("spss", "spss_stata/sample.sav", "mychar"),
    "stata": ("stata", "spss_stata/sample.dta", "mychar"),
}


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "form"
    for row in (["child", "site", "_uuid", "_index"], *([f"c{n}", "here", f"u{n}", n] for n in range(1, 6))):
        book.active.append(row)
    sheet = book.create_sheet("kids")
    sheet.append(["age", "_index", "_parent_table_name", "_parent_index"])
    for place, parent in enumerate([1, 2, 2, 3, 5, 5, 5], start=1):
        sheet.append([place, place, "form", parent])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _zipped(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return stream.getvalue()


MADE_UP = {
    "workbook with a repeat": ("kobotoolbox", {"k.xlsx": _workbook()}),
    "csv without ids": ("csv", {"a.csv": "child,site,x\nc1,here,1\nc2,here,\nc3,here,3\nc3,here,4\n"}),
    "csv with ragged rows": ("csv", {"a.csv": "child,site,x\nc1,here,1\nc2,here\nc3,here,3\n"}),
    "zip of csv": ("csv", {"a.zip": _zipped(one="child,site\nc1,here\n", two="child,site\nc2,here\n")}),
    "json lines": (
        "json_lines",
        {"a.jsonl": '{"child": "c1", "site": "here"}\n{"child": "c2", "site": "here"}\n'},
    ),
}


def _tables(source: Any) -> dict[str, pl.DataFrame]:
    folder = lake_path(source.home, "answers")
    assert folder is not None
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def _withdraw(source: Any, unit: str, site_code: str | None) -> None:
    """As if another source had told it."""
    programme = source.programme
    known, site = withdrawals(source.home, programme), Sites(programme).site(site_code)
    told(source.home, known, "elsewhere", {known.unit(site, unit): (site, "unit")})


def _check(source: Any) -> None:
    first = source.pull()
    assert first.state == "landed", first.message
    before = _tables(source)
    main = before["main"].drop_nulls("_sw_unit_id")
    assert main["_sw_unit_id"].n_unique() > 1
    unit, code = main.select("_sw_unit_id", "_sw_site_code").row(0)
    _withdraw(source, unit, code)
    receipt = source.pull()
    after = _tables(source)
    is_gone = (pl.col("_sw_unit_id") == unit) & pl.col("_sw_site_code").eq_missing(code)
    gone = set(before["main"].filter(is_gone.fill_null(False))["_sw_record_id"])
    assert gone
    for name, table in before.items():
        if name == "_quarantine":
            expected = table
        elif name == "_attachments":
            expected = table.filter(~pl.col("record_id").is_in(list(gone)))
        elif name == "main":
            expected = table.filter(~pl.col("_sw_record_id").is_in(list(gone)))
        else:
            roots = table["_sw_parent_record_id"]
            lost = [any(root == record or root.startswith(f"{record}/") for record in gone) for root in roots]
            expected = table.filter(~pl.Series(lost, dtype=pl.Boolean))
        assert after[name].equals(expected), name
    fates = receipt.rows_kept + receipt.rows_replaced + receipt.rows_not_accepted
    fates += receipt.rows_quarantined + receipt.rows_deleted + receipt.rows_withdrawn
    assert receipt.rows_read == first.rows_read == fates
    assert receipt.rows_withdrawn > 0
    assert source.pull().state == "unchanged"


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("is_hidden", [False, True], ids=["clear", "pseudonyms"])
def test_a_real_export_without_one_unit(one_source, shared, monkeypatch, name, is_hidden) -> None:
    platform, pattern, unit = REAL[name]
    paths = sorted((shared / "real_exports").glob(pattern))
    assert paths, pattern
    files = {path.name: path for path in (paths[:1] if platform == "qualtrics" else paths)}
    privacy: dict[str, Any] = {"privacy": {"public": True}}
    if is_hidden:
        monkeypatch.setenv(KEY, "k" * 32)
        privacy["privacy"]["pseudonym_key"] = {"env": KEY}
    source = one_source(platform, files, unit=unit, site=unit, privacy=privacy)
    if is_hidden:
        _hide(source, unit)
    _check(source)


@pytest.mark.parametrize("name", MADE_UP)
def test_a_file_without_one_unit(one_source, name) -> None:
    platform, files = MADE_UP[name]
    _check(one_source(platform, files, unit="child", site="site"))


def _hide(source: Any, unit: str) -> None:
    path = source.folder / "instruments/form.yml"
    yaml = YAML()
    content = yaml.load(path.read_text())
    content["privacy"]["pseudonym"] = [unit]
    with path.open("w") as file:
        yaml.dump(content, file)
