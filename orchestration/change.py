"""Has anything changed since the last finished night? Decided on what goes in, never on what comes out.

In: the registry's tables (they carry the receipts' input hashes and the rules) and the project's own code.
Out: one fingerprint per kind of input, kept in <home>/last_night.json once a night has finished. Threads, the
clock and the as-of date itself are no input; the boundaries that the date crosses (a wave's state, a source
going stale, a rule coming into force) are.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.settings import PROJECT, Settings

ROOMS = ("ingestion", "expectations", "dbt_project", "orchestration")
CODE = {".py", ".sql", ".yml", ".yaml", ".j2"}
NOT_CODE = {"programmes", "target", "logs", "__pycache__"}
ENGINES = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "polars", "scipy")
RULE_TABLES = ("rules", "rule_terms", "waivers")

Fingerprint = dict[str, str]


def fingerprint(registry: Mapping[str, pa.Table], as_of: date) -> Fingerprint:
    """Hashes of everything a night's content follows from, by kind: inputs, registry, rules, time, code."""
    rows = {name: table.to_pylist() for name, table in registry.items()}
    sources = rows.get("sources", [])
    return {
        "inputs": _digest([[row["source"], row["input_hash"]] for row in sources]),
        "registry": _digest(
            {name: _settled(name, table) for name, table in rows.items() if name not in RULE_TABLES}
        ),
        "rules": _digest({name: _settled(name, rows.get(name, [])) for name in RULE_TABLES}),
        "time": _digest(_crossed(sources, rows.get("rules", []), as_of)),
        "code": code_fingerprint(),
    }


def _settled(name: str, rows: list[dict[str, Any]]) -> list[str]:
    """A table's rows as sorted text, without what differs between two nights that saw the same."""
    if name == "programme":
        rows = [{key: value for key, value in row.items() if key != "as_of_date"} for row in rows]
    if name == "sources":
        rows = [_settled_source(row) for row in rows]
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)


def _settled_source(row: dict[str, Any]) -> dict[str, Any]:
    """Whether an input was read tonight or stood already is no difference; a failure is one."""
    if row["receipt_state"] in ("landed", "unchanged"):
        return {**row, "receipt_state": "served", "receipt_message": None}
    return row


def _crossed(sources: list[dict[str, Any]], rules: list[dict[str, Any]], as_of: date) -> list[Any]:
    """Which boundaries the date has crossed: sources past an age that matters, rules in force."""
    ages = {row["threshold"] for row in rules if row["rule_type"] == "freshness"}
    stale = []
    for row in sources:
        if row["last_submitted_at"] is None:
            continue
        days = (as_of - date.fromisoformat(str(row["last_submitted_at"])[:10])).days
        bounds = sorted(bound for bound in {*ages, row["max_age_days"]} if bound is not None)
        stale.append([row["source"], [days > bound for bound in bounds]])
    in_force = sorted(
        row["rule"] for row in rules if row.get("valid_from") is None or row["valid_from"] <= as_of
    )
    return [stale, in_force]


def code_fingerprint() -> str:
    """Hash of the rooms' code and of the engines' versions; the programmes are data and not part of it."""
    digest = hashlib.sha256()
    for path in _code_files():
        digest.update(f"{path.relative_to(PROJECT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for engine in ENGINES:
        digest.update(f"{engine}={version(engine)}\0".encode())
    return digest.hexdigest()


def folder_fingerprint(folder: Path) -> str:
    """Hash of the code files under one folder."""
    digest = hashlib.sha256()
    for path in _walk(folder):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _code_files() -> list[Path]:
    return [path for room in ROOMS for path in _walk(PROJECT / room)]


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if entry.name not in NOT_CODE:
                yield from _walk(entry)
        elif entry.suffix in CODE:
            yield entry


def last_night(settings: Settings) -> dict[str, Any] | None:
    """What the last finished night left: its fingerprint and the release it ended with; None if none."""
    path = settings.home / "last_night.json"
    return json.loads(path.read_text()) if path.exists() else None


def is_unchanged(settings: Settings, tonight: Fingerprint) -> bool:
    """True where the last finished night saw the same and its release is still there."""
    last = last_night(settings)
    if last is None or last["fingerprint"] != tonight:
        return False
    return (settings.releases / last["release_id"] / "manifest.json").exists()


def remember_night(settings: Settings, tonight: Fingerprint, release_id: str) -> None:
    """Records a finished night, replacing the record in one step."""
    staged = settings.home / f".stage-last-night-{os.getpid()}"
    staged.write_text(json.dumps({"fingerprint": tonight, "release_id": release_id}, indent=1))
    staged.replace(settings.home / "last_night.json")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
