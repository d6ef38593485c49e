"""A table drafted before its rows were settled is, to the byte, the one that is written after."""

import threading
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.platforms.protocol import Original
from ingestion.programme.load import load_programme
from ingestion.rows import drafting, keeping, stamps
from ingestion.rows.reading import read_originals

SOURCES = """
- source: answers
  role: survey
  platform: csv
  instrument: form
  wave: endline
  pull: {drop: exports/*.csv}
  keys:
    unit: child
    site: site
    record: KEY
    submitted_at: sent
    arm: {column: arm, map: {1: treatment, 0: control}}
- source: frame
  role: listing
  platform: csv
  pull: {drop: frame/*.csv}
  keys: {unit: child, site: site, cluster: village, arm: arm}
"""
FILES = {
    "programme.yml": """
programme: drafts
title: Drafts
waves: [{wave: endline, from: 2015-01-01, closes: 2026-12-31}]
""",
    "sites.yml": "- {site: here, design: post_only, stages: [{stage: pilot, from: 2015-01-01}]}\n",
    "sources.yml": SOURCES,
    "instruments/form.yml": "items: {q0: {question: [q0], type: number}}\nprivacy: {keep: ['*']}\n",
    "indicators/seen.yml": (
        "{title: Seen, unit: points, statistic: mean, of: form.q0, direction: higher_is_better}\n"
    ),
    "analyses.yml": "- {analysis: all, title: All, waves: [endline], registered_on: 2015-01-01}\n",
}
COLUMNS = ["KEY", "child", "site", "sent", "arm", "q0"]
CLEAN = ("C1", "KE01", "2024-03-01T10:00:00.000Z", "1", "4")
ROW = st.tuples(
    st.sampled_from(["C1", "C2", "c 3", ""]),
    st.sampled_from(["KE01", " ke02"]),
    st.sampled_from([CLEAN[2], "2024-03-01 10:00", "yesterday", ""]),
    st.sampled_from(["1", "0", "9", ""]),
    st.sampled_from(["4", "", "a, b"]),
)
# Mostly clean, since a row that is not ends a draft.
ROWS = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.just(CLEAN), st.just(CLEAN), ROW)), min_size=1)


@pytest.fixture(autouse=True)
def even_small_tables_are_drafted(monkeypatch) -> None:
    """And one row tells how the others are likely to be written."""
    monkeypatch.setattr(drafting, "SORTED_ROWS", 0)
    monkeypatch.setattr(keeping, "SORTED_ROWS", 0)
    monkeypatch.setattr(stamps, "_FIRST_ROWS", 1)


@pytest.fixture(scope="module")
def programme(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drafts")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return load_programme(folder)


def read(programme, folder: Path, rows, is_drafted: bool, sources: str = "answers"):
    """The tables' bytes by file, what the reading says, and the tables that a draft finished."""
    taken: list[str] = []
    finished = drafting.Draft.finished

    def noted(draft, table):
        if (whole := finished(draft, table)) is not None:
            taken.append(whole.table)
        return whole

    file, into = folder / "answers.csv", folder / f"lake_{is_drafted}"
    pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").write_csv(file)
    into.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafting.Draft, "finished", noted)
        if not is_drafted:
            patch.setattr(drafting, "_is_worth_it", lambda source, found: False)
        source = programme.source(sources)
        try:
            said = read_originals(programme, source, [Original(file.name, file)], into)
        except Exception as fault:
            return {}, f"{type(fault).__name__}: {fault}", taken
    return {each.name: each.read_bytes() for each in into.iterdir()}, said, taken


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_drafted_or_not_the_lake_is_the_same(programme, tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.mktemp("case")
    cells = [(f"uuid:{place}", *cells) for place, cells in rows]
    drafted = read(programme, folder, cells, True)
    plain = read(programme, folder, cells, False)
    assert drafted[:2] == plain[:2]
    assert not plain[2]


def test_a_draft_of_rows_that_are_all_kept_is_the_table(programme, tmp_path) -> None:
    rows = [(f"uuid:{place}", *CLEAN) for place in range(70_000)]
    files, said, taken = read(programme, tmp_path, rows, True)
    assert taken == ["main"]
    assert said.counts.rows_kept == 70_000
    assert (files, said) == read(programme, tmp_path, rows, False)[:2]


@pytest.mark.parametrize(
    "last",
    [
        ("uuid:0", *CLEAN),
        ("uuid:last", "c 3", *CLEAN[1:]),
        ("uuid:last", *CLEAN[:2], "2024-03-01 10:00", *CLEAN[3:]),
        ("uuid:last", *CLEAN[:3], "9", "4"),
    ],
    ids=["a second version", "an id to be normalised", "a time to be normalised", "an arm not in the map"],
)
def test_a_draft_that_a_last_row_disproves_is_written_anew(programme, tmp_path, last) -> None:
    rows = [(f"uuid:{place}", *CLEAN) for place in range(70_000)] + [last]
    files, said, taken = read(programme, tmp_path, rows, True)
    assert not taken
    assert (files, said) == read(programme, tmp_path, rows, False)[:2]
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
