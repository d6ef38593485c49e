"""The landing under a key: nothing in clear, nothing cut off or swapped in silence, nothing lost."""

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.encryption import decrypt, encrypt, is_encrypted, landing_key
from ingestion.export_fault import ExportFault
from ingestion.lake import lake_path
from ingestion.landing import latest_receipts, read_receipts
from ingestion.opening import _PREFIX, opened
from ingestion.programme.load import load_programme
from ingestion.pull import pull_source
from ingestion.rebuild import rebuild

KEY = "SITEWISE_TEST_LANDING_KEY"
SOURCE = "endline_site_a"
MIB = 1 << 20


@pytest.fixture
def sealed(small_programme, monkeypatch):
    """The small programme with a key for its landing."""
    monkeypatch.setenv(KEY, "a" * 64)
    head = small_programme.read("programme.yml")
    head["privacy"] = {**head["privacy"], "landing_key": {"env": KEY}}
    small_programme.write("programme.yml", head)
    return small_programme


@pytest.fixture
def key(sealed):
    return landing_key(load_programme(sealed.folder))


def _originals(home: Path) -> list[Path]:
    return [path for path in (home / "landing" / SOURCE).glob("[!.]*/*") if path.parent.name != "receipts"]


def _left_over(home: Path) -> list[Path]:
    return [*Path("/dev/shm").glob(f"{_PREFIX}{os.getpid()}-*"), *home.glob(f"{_PREFIX}*")]


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_what_is_encrypted_comes_back_to_the_byte(tmp_path, key, size) -> None:
    clear, hidden, back = (tmp_path / name for name in ("clear", "hidden", "back"))
    clear.write_bytes(os.urandom(size))
    encrypt(clear, hidden, key)
    decrypt(hidden, back, key)
    assert back.read_bytes() == clear.read_bytes()
    assert is_encrypted(hidden) and not is_encrypted(clear)
    assert size < 16 or clear.read_bytes()[:16] not in hidden.read_bytes()
    again = tmp_path / "again"
    encrypt(clear, again, key)
    assert again.read_bytes() != hidden.read_bytes()


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_can_be_changed_or_cut_off_unnoticed(tmp_path, key, data) -> None:
    clear, hidden, back = (tmp_path / name for name in ("clear", "hidden", "back"))
    clear.write_bytes(bytes(MIB + 100))
    encrypt(clear, hidden, key)
    content = bytearray(hidden.read_bytes())
    place = data.draw(st.integers(18, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    hidden.write_bytes(content)
    with pytest.raises(ExportFault, match=r"cut off or changed|encrypted with another key"):
        decrypt(hidden, back, key)


def test_pieces_cannot_be_swapped_nor_the_file_end_at_one(tmp_path, key) -> None:
    clear, hidden, back = (tmp_path / name for name in ("clear", "hidden", "back"))
    clear.write_bytes(bytes(MIB) + b"\1" * MIB + b"\2" * 10)
    encrypt(clear, hidden, key)
    content = hidden.read_bytes()
    head, piece = len(content) - (2 * MIB + 10 + 3 * 16), MIB + 16
    first, second, last = content[head : head + piece], content[head + piece : -26], content[-26:]
    for spoiled in (second + first + last, first + second, first + last, first + second + last + last):
        hidden.write_bytes(content[:head] + spoiled)
        with pytest.raises(ExportFault, match="cut off or changed"):
            decrypt(hidden, back, key)


def test_memory_does_not_grow_with_the_file(tmp_path, key) -> None:
    clear, hidden, back = (tmp_path / name for name in ("clear", "hidden", "back"))
    with clear.open("wb") as file:
        file.truncate(64 * MIB)
    tracemalloc.start()
    encrypt(clear, hidden, key)
    decrypt(hidden, back, key)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert back.stat().st_size == 64 * MIB and peak < 12 * MIB


def test_under_a_key_nothing_lies_in_clear_and_all_is_read_as_before(sealed, tmp_path) -> None:
    programme, home = load_programme(sealed.folder), tmp_path / "home"
    assert pull_source(programme, SOURCE, home).rows_kept == 160
    content = (sealed.folder / "exports/site_a/endline.csv").read_bytes()
    (landed,) = _originals(home)
    assert is_encrypted(landed) and landed.name == "endline.csv"
    assert content[:200] not in landed.read_bytes() and b"A0000" not in landed.read_bytes()
    assert pull_source(programme, SOURCE, home).state == "unchanged"
    assert len(_originals(home)) == 1 and _left_over(home) == []
    before = {path.name: path.read_bytes() for path in lake_path(home, SOURCE).iterdir()}
    (home / "lake" / SOURCE).unlink()
    assert list(rebuild(programme, home)) == [(SOURCE, None)]
    assert {path.name: path.read_bytes() for path in lake_path(home, SOURCE).iterdir()} == before


def test_the_address_of_a_content_tells_nothing_without_the_key(sealed, tmp_path, monkeypatch) -> None:
    programme, (one, two) = load_programme(sealed.folder), (tmp_path / "one", tmp_path / "two")
    first = pull_source(programme, SOURCE, one).originals[0]
    assert pull_source(programme, SOURCE, tmp_path / "other").originals[0].sha256 == first.sha256
    monkeypatch.setenv(KEY, "b" * 64)
    assert pull_source(programme, SOURCE, two).originals[0].sha256 != first.sha256


def test_a_landing_in_clear_is_encrypted_by_the_next_pull(small_programme, tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    entry = small_programme.without("sources.yml", "source", SOURCE)
    small_programme.add("sources.yml", entry | {"pull": entry["pull"] | {"mode": "delta"}})
    programme = load_programme(small_programme.folder)
    pull_source(programme, SOURCE, home)
    export = small_programme.folder / "exports/site_a/endline.csv"
    head, *rows = export.read_text().splitlines(keepends=True)
    export.write_text(head + rows[0].replace("A0000", "A9999"))
    assert pull_source(programme, SOURCE, home).rows_kept == 161
    monkeypatch.setenv(KEY, "a" * 64)
    settings = small_programme.read("programme.yml")
    settings["privacy"] = {**settings["privacy"], "landing_key": {"env": KEY}}
    small_programme.write("programme.yml", settings)
    programme = load_programme(small_programme.folder)
    export.unlink()
    again = pull_source(programme, SOURCE, home)
    assert (again.state, again.rows_kept) == ("landed", 161), again.message
    originals = _originals(home)
    assert len(originals) == 2 and all(is_encrypted(path) for path in originals)
    assert {path.parent.name for path in originals} == {
        original.sha256 for receipt in read_receipts(home, SOURCE) for original in receipt.originals
    }
    hidden = [path for path in (home / "landing" / SOURCE).rglob("*") if path.is_file()]
    assert not [path for path in hidden if b"A0000" in path.read_bytes()]
    assert pull_source(programme, SOURCE, home).state == "unchanged"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is not set. Remedy: make a key once with python -c"),
        ("short", "is shorter than 32 characters"),
        ("b" * 64, "was encrypted with another key"),
    ],
)
def test_without_its_key_an_encrypted_landing_is_refused(sealed, tmp_path, monkeypatch, text, words) -> None:
    programme, home = load_programme(sealed.folder), tmp_path / "home"
    assert pull_source(programme, SOURCE, home).state == "landed"
    (home / "lake" / SOURCE).unlink()
    monkeypatch.delenv(KEY)
    if text:
        monkeypatch.setenv(KEY, text)
    ((_, fault),) = rebuild(programme, home)
    assert words in str(fault) and "a" * 64 not in str(fault)


def test_a_programme_that_forgets_its_key_is_told(sealed, tmp_path) -> None:
    home = tmp_path / "home"
    pull_source(load_programme(sealed.folder), SOURCE, home)
    head = sealed.read("programme.yml")
    sealed.write("programme.yml", head | {"privacy": {"public": True}})
    ((_, fault),) = rebuild(load_programme(sealed.folder), home)
    assert "encrypted, but programme.yml names no key. Remedy: add privacy: {landing_key:" in str(fault)


def test_what_a_killed_process_left_in_clear_is_removed(sealed, tmp_path, key) -> None:
    home = tmp_path / "home"
    pull_source(load_programme(sealed.folder), SOURCE, home)
    # No process has this id: it is above what the system gives.
    stale = [folder / f"{_PREFIX}99999999-x" for folder in (Path("/dev/shm"), home) if folder.is_dir()]
    for folder in stale:
        folder.mkdir()
        (folder / "clear.csv").write_text("A0000")
    originals = latest_receipts(home)[SOURCE].originals
    with opened(home, SOURCE, originals, key) as (path,):
        assert b"A0000" in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0 and path.parent.parent.stat().st_mode & 0o077 == 0
    assert not path.exists() and not [folder for folder in stale if folder.exists()]
    assert _left_over(home) == []
