"""The README's table of platforms is true: a row for each, and every line of YAML in it is valid."""

import io
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML

from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import no_api
from ingestion.programme.model_sources import Connection, Pull
from ingestion.programme.words import Platform

PROJECT = Path(__file__).resolve().parent.parent
# A data package is no survey platform, and a store of files is one of connections only.
ELSEWHERE = {"python_package", "files"}


def rows() -> dict[str, list[str]]:
    """The table's rows by each platform they name, cell by cell."""
    text = (PROJECT / "README.md").read_text()
    section = text.split("## Survey platforms")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {name: cells for cells in lines for name in re.findall(r"`(\w+)`", cells[0])}


def yaml(text: str) -> Any:
    return YAML(typ="safe").load(io.StringIO(text))


def test_every_platform_has_a_row_and_no_other() -> None:
    assert set(rows()) == set(get_args(Platform)) - ELSEWHERE == set(PLATFORMS) - ELSEWHERE


@pytest.mark.parametrize("name", sorted(rows()))
def test_what_a_row_says_of_an_api_is_so(name: str) -> None:
    _, _, by_api, spelled = rows()[name]
    has_api = PLATFORMS[name].ask is not no_api
    assert by_api.strip() == ("yes" if has_api else "no")
    pull, *connection = re.findall(r"`([^`]*:[^`]*)`", spelled)
    assert Pull.model_validate(yaml(pull))
    if has_api:
        ((named, entry),) = yaml(connection[0]).items()
        assert Connection.model_validate(entry).platform == name
        assert yaml(pull)["connection"] == named


def test_every_platform_is_described_in_the_docs() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs/platforms.md").read_text(), re.DOTALL)
    connections = [
        line for block in blocks for line in re.findall(r"^\w+: \{platform: (\w+)", block, re.MULTILINE)
    ]
    with_api = {name for name, platform in PLATFORMS.items() if platform.ask is not no_api}
    assert with_api <= set(connections)
    for line in re.findall(r"^pull: (\{.*?\})(?:\s|$)", "\n".join(blocks), re.MULTILINE):
        assert Pull.model_validate(yaml(line))
