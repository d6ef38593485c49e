"""The page that explains a programme's folder is itself a programme that loads without a fault."""

import re
from pathlib import Path

import pytest

from ingestion.programme.load import check_programme, load_programme

PAGE = Path(__file__).parents[2] / "docs" / "programme.md"
HEADING = re.compile(r"^## (\S+\.yml)[^\n]*\n.*?^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every YAML example of the page, in the file that its heading names."""
    for name, example in HEADING.findall(PAGE.read_text(encoding="utf-8")):
        file = tmp_path / name.replace("*", "child_test")
        file.parent.mkdir(exist_ok=True)
        file.write_text(example, encoding="utf-8")
    return tmp_path


def test_the_examples_are_a_programme_without_fault(folder: Path) -> None:
    faults = [fault for fault in check_programme(folder) if "no file matches" not in fault.message]
    assert [str(fault) for fault in faults] == []


def test_every_kind_of_file_is_shown(folder: Path) -> None:
    programme = load_programme(folder)
    assert {path.name for path in folder.glob("*.yml")} >= {"programme.yml", "sites.yml", "connections.yml"}
    assert [source.role for source in programme.sources] == ["assignment", "survey"]
    assert (folder / "rules" / "child_test.yml").exists()
