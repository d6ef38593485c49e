"""The walls of the house: which room may import which, what models may not name, what must be described."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parent.parent
MODELS = PROJECT / "dbt_project" / "models"
ROOMS = {
    "ingestion": {"orchestration", "expectations", "dagster", "dagster_dbt", "dbt", "great_expectations"},
    "expectations": {"orchestration", "ingestion", "dagster", "dagster_dbt", "dbt"},
    "orchestration": {"great_expectations", "tests"},
}
# Slow to import: only inside the function that uses them.
LAZY = {"great_expectations", "dbt"}
PLATFORMS = ("kobo", "odk", "surveycto", "redcap", "commcare", "qualtrics")


def modules(room: str) -> Iterator[Path]:
    yield from sorted((PROJECT / room).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level package of every import below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level or (node.module or "").split(".")[0]


def at_load(tree: ast.Module) -> Iterator[str]:
    """What a module imports when it is itself imported: everything outside functions."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from imported(node)


def names_of(folder: Path) -> set[str]:
    """Ids of the sites of the shipped programmes that are YAML, and of the simulator's places."""
    found: set[str] = set()
    for path in folder.glob("*/sites.yml"):
        found |= {str(entry["site"]) for entry in YAML(typ="safe").load(path.read_text())}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room):
    for path in modules(room):
        forbidden = ROOMS[room] & set(imported(ast.parse(path.read_text())))
        assert not forbidden, f"{path.relative_to(PROJECT)} imports {forbidden}"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_are_absolute(room):
    for path in modules(room):
        assert not [name for name in imported(ast.parse(path.read_text())) if name.startswith(".")], path


@pytest.mark.parametrize("room", ROOMS)
def test_slow_libraries_are_imported_where_they_are_used(room):
    for path in modules(room):
        assert not LAZY & set(at_load(ast.parse(path.read_text()))), path


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_does(room):
    for path in modules(room):
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_models_name_no_platform_and_no_site():
    sites = names_of(PROJECT / "ingestion" / "programmes")
    word = re.compile(rf"\b({'|'.join([*PLATFORMS, *sites])})\w*\b", re.IGNORECASE)
    sql = [*MODELS.rglob("*.sql"), *(PROJECT / "dbt_project" / "macros").rglob("*.sql")]
    assert sql
    for path in sql:
        assert not word.search(path.read_text()), f"{path.relative_to(PROJECT)} names one"


def described() -> dict[str, dict]:
    """Every model entry of every YAML file, by name, with the file it stands in."""
    found: dict[str, dict] = {}
    for path in MODELS.rglob("*.yml"):
        for entry in YAML(typ="safe").load(path.read_text()).get("models") or []:
            found[entry["name"]] = {**entry, "file": path}
    return found


def test_every_model_is_described_beside_itself():
    entries = described()
    models = {path.stem: path for path in MODELS.rglob("*.sql")}
    assert models
    assert set(models) - set(entries) == set(), "models without YAML"
    assert set(entries) - set(models) == set(), "YAML without a model"
    for name, path in models.items():
        assert entries[name].get("description"), f"{name} has no description"
        assert entries[name]["file"].parent == path.parent, f"{name} is described in another folder"


def test_every_published_column_is_described_with_its_unit_and_every_table_has_a_key():
    for name, entry in described().items():
        if entry["file"].parent.name != "published" or name.startswith("int_"):
            continue
        columns = entry["columns"]
        metas = {column["name"]: (column.get("config") or {}).get("meta") or {} for column in columns}
        assert all(column.get("description") for column in columns), name
        assert [column for column, meta in metas.items() if not meta.get("unit")] == [], name
        assert any(meta.get("key") for meta in metas.values()), name
        assert "Key: " in entry["description"], name


def test_nothing_lies_at_the_top_that_the_house_does_not_have():
    rooms = "orchestration dbt_project ingestion expectations tests docs"
    files = "pyproject.toml workspace.yaml README.md Makefile LICENSE CHANGELOG.md requirements.txt"
    listed = {*rooms.split(), *files.split()}
    assert {path.name for path in PROJECT.iterdir() if not path.name.startswith(".")} <= listed
