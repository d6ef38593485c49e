"""A programme of one source over files a test brings, pulled through the public door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.programme.model import Programme
from ingestion.pull import pull_source
from ingestion.receipt import Receipt


@dataclass
class OneSource:
    """A programme whose only source is `answers`, and its home."""

    folder: Path
    home: Path

    @property
    def programme(self) -> Programme:
        return load_programme(self.folder)

    def pull(self) -> Receipt:
        return pull_source(self.programme, "answers", self.home)

    def table(self, name: str = "main") -> pl.DataFrame:
        folder = lake_path(self.home, "answers")
        assert folder is not None, "the source has no lake"
        return pl.read_parquet(folder / f"{name}.parquet")

    def drop(self, name: str, content: bytes | str | Path) -> Path:
        path = self.folder / "exports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.read_bytes() if isinstance(content, Path) else content
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path


@pytest.fixture
def one_source(tmp_path: Path) -> Callable[..., OneSource]:
    """Writes the programme: `one_source("redcap", {"data.csv": b"..."}, unit="id", site="dag")`."""

    def write(
        platform: str,
        files: Mapping[str, bytes | str | Path],
        *,
        unit: str,
        site: str,
        questions: tuple[str, ...] = (),
        keep: tuple[str, ...] = ("*",),
        keys: Mapping[str, Any] | None = None,
        privacy: Mapping[str, Any] | None = None,
        connection: Mapping[str, Any] | None = None,
        **source: Any,
    ) -> OneSource:
        folder = tmp_path / "programme"
        yaml = YAML()

        def dump(name: str, content: Any) -> None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                yaml.dump(content, file)

        waves = [{"wave": "endline", "from": "2015-01-01", "closes": "2026-12-31"}]
        # Most tests keep every column of real exports, which only public data may do.
        head = {"programme": "one", "title": "One source", "waves": waves, "privacy": {"public": True}}
        head |= privacy or {}
        stages = [{"stage": "pilot", "from": "2015-01-01"}]
        dump("programme.yml", head)
        if connection:
            dump("connections.yml", {"server": {"platform": platform, **connection}})
        dump("sites.yml", [{"site": "here", "design": "post_only", "stages": stages}])
        answers = {
            "source": "answers",
            "role": "survey",
            "platform": platform,
            "instrument": "form",
            "wave": "endline",
            "pull": {"drop": "exports/*"},
            "keys": {"unit": unit, "site": site, **(keys or {})},
        }
        entry = {name: value for name, value in (answers | source).items() if value is not None}
        frame = {"source": "frame", "role": "listing", "platform": "csv", "pull": {"drop": "frame/*.csv"}}
        dump(
            "sources.yml",
            [entry, frame | {"keys": {"unit": "child", "site": "site", "cluster": "village", "arm": "arm"}}],
        )
        items = {
            f"item_{place}": {"question": [name], "type": "number"} for place, name in enumerate(questions)
        }
        items = items or {"item_0": {"question": [unit], "type": "number"}}
        dump("instruments/form.yml", {"items": items, "privacy": {"keep": list(keep)}})
        indicator = {"title": "Seen", "unit": "points", "statistic": "mean", "of": "form.item_0"}
        dump("indicators/seen.yml", indicator | {"direction": "higher_is_better"})
        analysis = {"analysis": "all", "title": "All", "waves": ["endline"], "registered_on": "2015-01-01"}
        dump("analyses.yml", [analysis])
        written = OneSource(folder, tmp_path / "home")
        (folder / "exports").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            written.drop(name, content)
        return written

    return write


@pytest.fixture(autouse=True)
def _impatient(quick_retries: None) -> None:
    """No test of a platform waits as long as a night would."""
