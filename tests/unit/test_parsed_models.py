"""The models are parsed once for all homes, and a kept copy that is not whole is not used."""

import subprocess
import sys

import pytest

from orchestration.parsed_models import parsed_models


class Counted:
    """Stands for dbt's manifest where only its bytes matter."""

    def to_msgpack(self) -> bytes:
        return b"parsed"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sitewise"


def test_a_copy_that_was_cut_off_is_parsed_again(cache) -> None:
    parsed_models("a" * 64, Counted)
    (kept,) = cache.glob("models-*")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    assert isinstance(parsed_models("a" * 64, Counted), Counted)
    assert kept.read_bytes() == whole


def test_other_code_is_parsed_anew_and_replaces_what_was_kept(cache) -> None:
    parsed_models("a" * 64, Counted)
    parsed_models("b" * 64, Counted)
    assert [path.name.split("-")[-1][:4] for path in cache.glob("models-*")] == ["bbbb"]


NAMES = """
import sys
from pathlib import Path
from orchestration.dbt_run import manifest
from orchestration.settings import Settings
print(sorted(manifest(Settings(Path(sys.argv[1]), "demo", 2))["nodes"]))
"""


def test_a_second_home_in_another_process_has_the_same_models(cache, tmp_path) -> None:
    told = []
    for home in ("first", "second"):
        command = [sys.executable, "-c", NAMES, tmp_path / home]
        told.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert len(list(cache.glob("models-*.msgpack"))) == 1
    assert "model.sitewise.headline" in told[0]
    assert told[0] == told[1]
