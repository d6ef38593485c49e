"""Runs the models' two halves in this process, and keeps their manifest at hand for the asset graph.

In: a selection of models. Out: what became of each model and test. The models' meaning is theirs; Dagster's
view of them is in assets/models.py. dbt itself is imported only where it runs.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from orchestration.change import folder_fingerprint
from orchestration.parsed_models import parsed_models
from orchestration.settings import PROJECT, Settings

MODELS = PROJECT / "dbt_project"


class ModelsFailed(RuntimeError):
    """The models could not be parsed or run at all; the message is dbt's own."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one model.

    Attributes:
        unique_id: dbt's name of it.
        status: success, error or skipped.
        message: dbt's message where it did not succeed.
        seconds: how long it ran.
    """

    unique_id: str
    status: str
    message: str
    seconds: float


def manifest(settings: Settings) -> Mapping[str, Any]:
    """The parsed project; parsed anew only where its files have changed since."""
    settings.prepare()
    return _manifest(settings, folder_fingerprint(MODELS))


@lru_cache(maxsize=1)
def _manifest(settings: Settings, fingerprint: str) -> Mapping[str, Any]:
    kept = settings.home / "dbt" / f"manifest-{fingerprint[:12]}.json"
    if not kept.exists():
        stage = kept.with_suffix(f".{os.getpid()}")
        _parsed(settings, fingerprint).writable_manifest().write(str(stage))
        for outdated in kept.parent.glob("manifest-*.json"):
            outdated.unlink(missing_ok=True)
        stage.replace(kept)
    return json.loads(kept.read_text())


@lru_cache(maxsize=1)
def _parsed(settings: Settings, fingerprint: str) -> Any:
    """The project as dbt's own object, parsed once a process: both halves run from it."""
    return parsed_models(fingerprint, lambda: _invoke(settings, ["--no-write-json", "parse"]))


def build(
    settings: Settings,
    select: Sequence[str],
    on_node: Callable[[str], None] = lambda unique_id: None,
) -> list[NodeResult]:
    """Runs models; each ends by judging what its YAML says of its rows (macro invariants).

    Args:
        settings: the deployment.
        select: dbt selections, e.g. `tag:before_admission`.
        on_node: called with the id of each model as it ends.

    Raises:
        ModelsFailed: the project does not compile, or a run ended before any node did.
    """

    def announce(event: Any) -> None:
        if event.info.name == "NodeFinished":
            on_node(event.data.node_info.unique_id)

    parsed = _uncompiled(_parsed(settings, folder_fingerprint(MODELS)))
    outcome = _invoke(settings, ["run", "--select", *select], parsed, announce)
    return [
        NodeResult(
            result.node.unique_id,
            str(result.status),
            (result.message or "").strip(),
            result.execution_time,
        )
        for result in outcome
    ]


def _uncompiled(parsed: Any) -> Any:
    """The project as it was parsed: what a run has compiled carries no ephemeral model into the next."""
    for node in parsed.nodes.values():
        if getattr(node, "compiled", False):
            node.compiled, node.compiled_code = False, None
            node.extra_ctes_injected, node.extra_ctes = False, []
    return parsed


def _invoke(
    settings: Settings,
    arguments: Sequence[str],
    parsed: Any = None,
    announce: Callable[[Any], None] | None = None,
) -> Any:
    from dbt.cli.main import dbtRunner

    settings.prepare()
    folders = {
        "--project-dir": MODELS,
        "--profiles-dir": MODELS,
        "--target-path": settings.home / "dbt" / "target",
        "--log-path": settings.home / "dbt" / "logs",
    }
    paths = [str(part) for pair in folders.items() for part in pair]
    quiet = ["--log-level", "none", "--log-level-file", "info", "--no-use-colors"]
    runner = dbtRunner(manifest=parsed, callbacks=[announce] if announce else [])
    try:
        outcome = runner.invoke([*quiet, *arguments, *paths])
    finally:
        let_go()
    if outcome.exception is not None:
        raise ModelsFailed(f"The models cannot be run: {outcome.exception}") from outcome.exception
    return outcome.result


def let_go() -> None:
    """Closes the warehouse after a run: within one it stays open, since opening costs more than a model."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()


def table_keys(parsed: Mapping[str, Any]) -> dict[str, list[str]]:
    """The key columns of every published table, as its YAML declares them (`meta: {key: true}`)."""
    return {
        node["name"]: [
            name
            for name, column in node["columns"].items()
            if (column.get("config", {}).get("meta") or column.get("meta") or {}).get("key")
        ]
        for node in parsed["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] == "published"
        and node["config"]["materialized"] != "ephemeral"
    }
