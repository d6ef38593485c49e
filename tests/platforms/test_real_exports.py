"""Every real file can be named in a source and pulled, or read as a form, or is told why it cannot.

One scratch programme has a source for every export, and one run pulls them all. `pytest -s` prints the table.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pyreadstat
import pytest
from ruamel.yaml import YAML

from ingestion.definitions.reader import read_definition
from ingestion.export_fault import ExportFault
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original
from ingestion.programme.load import load_programme
from ingestion.programme.model import Source
from ingestion.pull import pull_programme
from ingestion.receipt import Receipt

# The first pattern that a file matches says to which platform it belongs.
EXPORTS = [
    ("kobo/api_v2/*__data*.json", "kobotoolbox"),
    ("kobo/exports/*", "kobotoolbox"),
    ("kobo/legacy/*", "kobotoolbox"),
    ("kobo/impact_household/*", "csv"),
    ("odk/*.csv", "odk_central"),
    ("odk/*.zip", "odk_central"),
    ("odk/*.odata.json", "odk_central"),
    ("redcap/*/data*.csv", "redcap"),
    ("redcap/*/arm.csv", "redcap"),
    ("redcap/*/event.csv", "redcap"),
    ("qualtrics/*.csv", "qualtrics"),
    ("surveycto/*/media/*.csv", "csv"),
    ("surveycto/*.csv", "surveycto"),
    ("surveycto/*.dta", "stata"),
    ("surveycto/hfc_training/*.xlsx", "excel"),
    ("commcare/form_v1_list_example.json", "commcare"),
    ("commcare/*.csv", "csv"),
    ("commcare/*.xlsx", "excel"),
    ("spss_stata/*.sav", "spss"),
    ("spss_stata/*.dta", "stata"),
    ("spss_stata/*.csv", "csv"),
    ("xlsform/*", "excel"),
]
FORMS_ALONE = [
    "kobo/api_v2/*__asset.json",
    "kobo/api_v2/*__version_*.json",
    "odk/*.form.xml",
    "qualtrics/*.qsf",
    "redcap/*/dictiona*.csv",
    "redcap/simple/metadata.csv",
]
FORMS = [
    *FORMS_ALONE,
    "spss_stata/*.sav",
    "*.dta",
    "surveycto/hfc_training/Household_*.xlsx",
    "xlsform/*",
]
NOTHING_TO_PULL = {
    "README.md": "words for people",
    "redcap/*/README.md": "words for people",
    "redcap/*/project.xml": "REDCap's ODM: data.csv and dictionary.csv of the same project are read instead",
    "kobo/api_v2/*__versions.json": "a list of a form's versions; the asset holds the form",
}
REFUSED = {
    "kobo/exports/grouped_translated - all_versions - labels.csv": "labels for names",
    "kobo/exports/hxl_grouped_repeatable - all_versions - labels.csv": "labels for names",
    "kobo/exports/or_other - all_versions - labels.csv": "labels for names",
    "kobo/exports/literacy_test - all_versions - labels.csv": "columns twice",
    "kobo/exports/site_inspection - all_versions - labels.csv": "columns twice",
    "kobo/legacy/logger_csvs_children.csv": "rows of a repeat",
    "redcap/*/arm.csv": "list of arms",
    "redcap/*/event.csv": "list of events",
}
EMPTY = ["kobo/api_v2/*_zero_rows.json", "redcap/empty-rows/data.csv"]
# Rows without any id.
SET_ASIDE = {"kobo/legacy/libs_bad.csv": 4}
# A repeat is an export only beside its form's own file.
OWN_FILES = {
    "odk/aggregate_2019/build_Flora-Quadrat-0-2_1558575936-*.csv": "build_Flora-Quadrat-0-2_1558575936.csv",
    "odk/aggregate_2019/build_Flora-Quadrat-0-4_1564384341-*.csv": "build_Flora-Quadrat-0-4_1564384341.csv",
    "odk/central_writer_2026/withrepeat.Submissions.children.child.odata.json": (
        "withrepeat.Submissions.odata.json"
    ),
}
COUNTED = ("csv", "excel", "spss", "stata")


def _match(name: str, patterns: Any) -> str | None:
    return next((pattern for pattern in patterns if fnmatch(name, pattern)), None)


def _platform(name: str) -> str | None:
    return None if _match(name, FORMS_ALONE) else dict(EXPORTS).get(_match(name, dict(EXPORTS)) or "")


@dataclass
class Pulled:
    """What became of one file."""

    name: str
    file: Path
    platform: str | None
    receipt: Receipt | None = None
    counts: tuple[int, int, int] | None = None
    tables: int = 0


def _sheet(name: str, file: Path) -> str | None:
    """XLSForms have several sheets; the others one."""
    return "survey" if fnmatch(name, "xlsform/*") or fnmatch(file.name, "Household_*.xlsx") else None


def _source(number: int, pulled: Pulled, column: str) -> dict[str, Any]:
    pull = {"drop": f"exports/{number}/*"}
    if (sheet := _sheet(pulled.name, pulled.file)) is not None:
        pull["sheet"] = sheet
    return {
        "source": f"file_{number}",
        "role": "survey",
        "platform": pulled.platform,
        "instrument": f"form_{number}",
        "wave": "endline",
        "pull": pull,
        "keys": {"unit": column, "site": column},
    }


def _read(pulled: Pulled) -> tuple[list[str], tuple[int, int, int], int]:
    """The columns of the first table; its rows, columns and filled cells; and how many tables there are."""
    source = Source.model_validate(_source(0, pulled, "x"))
    tables = PLATFORMS[pulled.platform or ""].read(Original(pulled.file.name, pulled.file), source).tables
    if not tables:
        return ["x"], (0, 0, 0), 0
    table = tables[MAIN] if MAIN in tables else next(iter(tables.values()))
    cells = table.cells.collect()
    filled = sum(cells.count().row(0)) if cells.width else 0
    return list(table.columns), (cells.height + len(table.ragged), cells.width, filled), len(tables)


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pulled]]:
    """Every real file, and what the one run made of it."""
    folder = tmp_path_factory.mktemp("real")
    root = shared / "real_exports"
    found = [
        Pulled(str(file.relative_to(root)), file, _platform(str(file.relative_to(root))))
        for file in sorted(root.rglob("*"))
        if file.is_file()
    ]
    sources, number_of = [], {}
    for number, pulled in enumerate(found):
        if pulled.platform is None:
            continue
        drop = folder / "programme" / "exports" / str(number)
        drop.mkdir(parents=True)
        (drop / pulled.file.name).write_bytes(pulled.file.read_bytes())
        own = OWN_FILES.get(_match(pulled.name, OWN_FILES) or "")
        if own:
            (drop / own).write_bytes((pulled.file.parent / own).read_bytes())
        column = "x"
        try:
            columns, pulled.counts, pulled.tables = _read(pulled)
            column = _read(Pulled("", drop / own, pulled.platform))[0][0] if own else (columns or ["x"])[0]
        except ExportFault:
            pass  # the pull says why
        sources.append(_source(number, pulled, column))
        number_of[f"file_{number}"] = pulled
    programme = _programme(folder / "programme", sources)
    for receipt in pull_programme(programme, folder / "home"):
        if receipt.source in number_of:
            number_of[receipt.source].receipt = receipt
    yield {pulled.name: pulled for pulled in found}


def _programme(folder: Path, sources: list[dict[str, Any]]) -> Any:
    yaml = YAML()
    waves = [{"wave": "endline", "from": "2015-01-01", "closes": "2026-12-31"}]
    frame = {"source": "frame", "role": "listing", "platform": "csv", "pull": {"drop": "frame/*.csv"}}
    frame |= {"keys": {"unit": "child", "site": "site", "cluster": "village", "arm": "arm"}}
    indicator = {"title": "Seen", "unit": "points", "statistic": "mean", "direction": "higher_is_better"}
    head = {"programme": "real", "title": "Real files", "waves": waves, "privacy": {"public": True}}
    stages = [{"stage": "pilot", "from": "2015-01-01"}]
    content: dict[str, Any] = {
        "programme.yml": head,
        "sites.yml": [{"site": "here", "design": "post_only", "stages": stages}],
        "sources.yml": [*sources, frame],
        "indicators/seen.yml": indicator | {"of": f"{sources[0]['instrument']}.item"},
        "analyses.yml": [
            {"analysis": "all", "title": "All", "waves": ["endline"], "registered_on": "2015-01-01"}
        ],
    }
    for source in sources:
        items = {"item": {"question": [source["keys"]["unit"]], "type": "text"}}
        if source is sources[0]:
            items["item"]["type"] = "number"
        content[f"instruments/{source['instrument']}.yml"] = {"items": items, "privacy": {"keep": ["*"]}}
    for name, value in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w") as file:
            yaml.dump(value, file)
    return load_programme(folder)


def _said(pulled: Pulled) -> str:
    if pulled.receipt is None:
        return NOTHING_TO_PULL.get(_match(pulled.name, NOTHING_TO_PULL) or "", "")
    return "" if pulled.receipt.state == "landed" else pulled.receipt.message


def test_the_table_names_every_file_and_why_it_was_not_read(real) -> None:
    print(f"\n{'file':88} {'read as':12} {'state':8} {'rows':>5} {'cols':>5} {'cells':>6}  why not")
    silent = []
    for pulled in real.values():
        rows, columns, cells = pulled.counts or ("", "", "")
        is_form = pulled.receipt is None and _match(pulled.name, FORMS)
        state = pulled.receipt.state if pulled.receipt else "form" if is_form else "-"
        read_as = pulled.platform or ("definition" if is_form else "-")
        name = pulled.name if len(pulled.name) <= 88 else f"...{pulled.name[-85:]}"
        print(f"{name:88} {read_as:12} {state:8} {rows:>5} {columns:>5} {cells:>6}  {_said(pulled)}")
        if state not in ("landed", "form") and not _said(pulled):
            silent.append(pulled.name)
    assert silent == []


def test_every_file_is_an_export_a_form_or_told_to_be_neither(real) -> None:
    lost = [
        name
        for name, pulled in real.items()
        if not pulled.platform and not _match(name, FORMS) and not _match(name, NOTHING_TO_PULL)
    ]
    assert lost == []


def test_every_export_is_landed_or_refused_for_the_reason_known(real) -> None:
    exports = [pulled for pulled in real.values() if pulled.platform]
    assert len(exports) > 140
    wrong = []
    for pulled in exports:
        receipt = pulled.receipt
        assert receipt is not None
        if reason := REFUSED.get(_match(pulled.name, REFUSED) or ""):
            is_right = receipt.state == "failed" and reason in receipt.message and "Remedy" in receipt.message
        elif _match(pulled.name, EMPTY):
            is_right = receipt.state == "empty"
        else:
            is_whole = receipt.rows_quarantined == SET_ASIDE.get(pulled.name, 0) and receipt.rows_kept > 0
            is_right = receipt.state == "landed" and is_whole
        if not is_right:
            wrong.append((pulled.name, receipt.state, receipt.message, receipt.rows_quarantined))
    assert wrong == []


def test_plain_files_have_as_many_rows_columns_and_cells_as_another_reader_finds(real) -> None:
    seen = {
        pulled.name: (pulled.counts, _counted(pulled))
        for pulled in real.values()
        if pulled.platform in COUNTED
    }
    assert len(seen) > 50
    assert {name: counts for name, counts in seen.items() if counts[0] != counts[1]} == {}
    rows = {
        pulled.name: (pulled.receipt.rows_read, pulled.counts[0])
        for pulled in real.values()
        if pulled.platform in COUNTED and pulled.receipt and pulled.counts
    }
    assert {name: counts for name, counts in rows.items() if counts[0] != counts[1]} == {}


def test_bodies_of_apis_have_as_many_rows_as_they_list(real) -> None:
    seen = {}
    for pulled in real.values():
        if pulled.platform and pulled.file.suffix == ".json" and pulled.counts:
            body = json.loads(pulled.file.read_text())
            listed = (
                next(
                    (body[key] for key in ("results", "objects", "value", "submissions") if key in body), None
                )
                if isinstance(body, dict)
                else body
            )
            seen[pulled.name] = (pulled.counts[0], _submissions(listed))
    assert len(seen) > 15
    assert {name: counts for name, counts in seen.items() if counts[0] != counts[1]} == {}


def test_every_form_is_read_as_a_definition_with_fields(real) -> None:
    forms = [pulled for pulled in real.values() if _match(pulled.name, FORMS)]
    assert len(forms) > 40
    fields = {pulled.name: len(read_definition(pulled.file).fields) for pulled in forms}
    assert [name for name, count in fields.items() if not count] == []


def _submissions(listed: Any) -> int:
    if isinstance(listed, dict):
        return sum(len(each) for each in listed.values())
    return len(listed)


def _counted(pulled: Pulled) -> tuple[int, int, int]:
    """Rows, columns and filled cells, by a reader that has nothing to do with this project."""
    if pulled.platform == "csv":
        text = pulled.file.read_text(encoding="utf-8-sig")
        header = text.split("\n", 1)[0]
        split = max(",;\t", key=header.count)
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=split) if row]
        return len(rows) - 1, len(rows[0]), sum(bool(cell) for row in rows[1:] for cell in row)
    if pulled.platform == "excel" and pulled.file.suffix == ".xls":
        return pulled.counts or (0, 0, 0)  # nothing else here reads the old format
    if pulled.platform == "excel":
        book = openpyxl.load_workbook(pulled.file, data_only=True)
        name = _sheet(pulled.name, pulled.file)
        sheet = book[name] if name else book.worksheets[0]
        rows = [
            row for row in sheet.iter_rows(values_only=True) if any(cell not in (None, "") for cell in row)
        ]
        kept = [at for at in range(len(rows[0])) if any(row[at] not in (None, "") for row in rows)]
        filled = sum(row[at] not in (None, "") for row in rows[1:] for at in kept)
        return len(rows) - 1, len(kept), filled
    read = pyreadstat.read_sav if pulled.platform == "spss" else pyreadstat.read_dta
    columns, _ = read(pulled.file, user_missing=True, output_format="dict")
    cells = [cell for column in columns.values() for cell in column]
    return len(next(iter(columns.values()))), len(columns), sum(cell not in (None, "") for cell in cells)
