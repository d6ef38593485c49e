"""Where a deployment lives and how it runs: read once from the environment, handed to every room.

In: SITEWISE_HOME, SITEWISE_PROGRAMME, SITEWISE_THREADS, SITEWISE_AS_OF. Out: `Settings`, and a prepared
home with its own Dagster instance. Nothing about a programme's content lives here.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import ingestion

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = Path(ingestion.__file__).parent / "programmes"
SIMULATED = "demo"


class SettingsFault(ValueError):
    """An environment variable or option that cannot be used; the message names it and the remedy."""


@dataclass(frozen=True)
class Settings:
    """One deployment: a home, a programme, and how the night runs.

    Attributes:
        home: absolute folder for everything that runs produce.
        programme: a shipped programme's name, or the path of a programme's folder.
        threads: threads of the database; never changes a published number.
        as_of_override: the night's date, where the environment pins it.
    """

    home: Path
    programme: str
    threads: int
    as_of_override: date | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the environment; every variable is optional.

        Raises:
            SettingsFault: a variable holds something unusable.
        """
        home = Path(environment.get("SITEWISE_HOME") or ".sitewise").expanduser().resolve()
        programme = environment.get("SITEWISE_PROGRAMME") or SIMULATED
        return cls(home, programme, _threads(environment), _as_of(environment))

    @property
    def programme_folder(self) -> Path:
        """The programme's YAML: simulated into the home, shipped with the project, or the user's own."""
        if self.programme == SIMULATED:
            return self.home / "programme"
        shipped = SHIPPED / self.programme
        if "/" not in self.programme and (shipped / "programme.yml").exists():
            return shipped
        return Path(self.programme).expanduser().resolve()

    @property
    def warehouse(self) -> Path:
        """The pipeline's own database; analysts open releases, never this file."""
        return self.home / "warehouse.duckdb"

    @property
    def releases(self) -> Path:
        """The folder of releases, with the `current` symlink."""
        return self.home / "releases"

    def as_of(self, pinned: date | None, timezone: str) -> date:
        """The night's one date: the environment's, else the programme's pin, else today where it runs."""
        return self.as_of_override or pinned or datetime.now(ZoneInfo(timezone)).date()

    def prepare(self) -> None:
        """Makes the home (owner only) and its Dagster folder, and sets what child libraries read."""
        dagster_home = self.home / "dagster"
        dagster_home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        template = (files("orchestration") / "dagster.yaml").read_text()
        config = dagster_home / "dagster.yaml"
        if not config.exists() or config.read_text() != template:
            staged = config.with_suffix(f".{os.getpid()}")
            staged.write_text(template)
            staged.replace(config)
        os.environ.update(self.environment())
        os.environ["DAGSTER_HOME"] = str(dagster_home)

    def environment(self) -> dict[str, str]:
        """The variables that the models and child processes need."""
        binaries = str(Path(sys.executable).parent)
        path = os.environ.get("PATH", "")
        return {
            "SITEWISE_HOME": str(self.home),
            "SITEWISE_PROGRAMME": self.programme,
            "SITEWISE_THREADS": str(self.threads),
            "SITEWISE_WAREHOUSE": str(self.warehouse),
            "SITEWISE_DBT_PROJECT": str(PROJECT / "dbt_project"),
            "PATH": path if binaries in path.split(os.pathsep) else f"{binaries}{os.pathsep}{path}",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DAGSTER_DISABLE_TELEMETRY": "true",
        }


def _threads(environment: Mapping[str, str]) -> int:
    text = environment.get("SITEWISE_THREADS")
    if not text:
        return min(2, os.cpu_count() or 1)
    if not text.isdigit() or int(text) < 1:
        raise SettingsFault(f"SITEWISE_THREADS is '{text}'. Remedy: give a whole number of 1 or more.")
    return int(text)


def _as_of(environment: Mapping[str, str]) -> date | None:
    text = environment.get("SITEWISE_AS_OF")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsFault(f"SITEWISE_AS_OF is '{text}'. Remedy: give a date like 2026-03-31.") from error
