"""Finds tonight's programme: the user's folder, a shipped one, or the demo, which is simulated on first use.

In: settings. Out: a loaded programme and the night's date. What a programme means is ingestion's matter.
"""

import json
import logging
import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa

from expectations.compile import rule_tables
from expectations.rule import load_rules, shipped_rules_folder
from expectations.waiver import waiver_table
from ingestion.programme.faults import ProgrammeFaults
from ingestion.programme.load import Entry, load_programme, read_entries
from ingestion.programme.model import Nightly, Programme
from ingestion.programme.registry_tables import registry_tables
from orchestration.settings import SHIPPED, SIMULATED, Settings, SettingsFault


def programme_folder(settings: Settings) -> Path:
    """The programme's folder; the demo's is written if it is not there yet.

    Raises:
        SettingsFault: there is no programme of that name.
    """
    folder = settings.programme_folder
    if (folder / "programme.yml").exists():
        return folder
    if settings.programme != SIMULATED:
        shipped = sorted(path.parent.name for path in SHIPPED.glob("*/programme.yml"))
        raise SettingsFault(
            f"There is no programme in {folder} (no programme.yml). Remedy: set SITEWISE_PROGRAMME or"
            f" --programme to a folder with one, or to a shipped name: {', '.join([SIMULATED, *shipped])}."
        )
    from ingestion.simulate import simulate

    stage = settings.home / ".stage-programme"
    shutil.rmtree(stage, ignore_errors=True)
    simulate(stage)
    if folder.exists():
        shutil.rmtree(folder)
    stage.rename(folder)
    return folder


def load(settings: Settings) -> tuple[Programme, date]:
    """Tonight's programme and its date.

    Raises:
        ProgrammeFaults: the programme's YAML has faults.
        SettingsFault: there is no such programme, or the home serves another one.
    """
    programme = load_programme(programme_folder(settings))
    manifest = settings.releases / "current" / "manifest.json"
    served = json.loads(manifest.read_text())["programme"] if manifest.exists() else programme.programme
    if served != programme.programme:
        raise SettingsFault(
            f"{settings.home} serves the programme '{served}', not '{programme.programme}'."
            " Remedy: give each programme a home of its own (SITEWISE_HOME or --home)."
        )
    return programme, settings.as_of(programme.nightly.as_of, programme.nightly.timezone)


def rule_entries(folder: Path) -> list[Entry]:
    """The entries of every rule file: the shipped ones, then the programme's own.

    Raises:
        ProgrammeFaults: a file is not readable YAML.
    """
    files = [*sorted(shipped_rules_folder().glob("*.yml")), *sorted((folder / "rules").glob("*.yml"))]
    return [entry for path in files for entry in read_entries(path)]


def declared_tables(programme: Programme, home: Path, as_of: date) -> dict[str, pa.Table]:
    """Everything that is known before the models run: the registry's tables, the rules among them.

    Raises:
        ProgrammeFaults: a rule file is not readable YAML.
        RuleFaults: a rule or a waiver has faults, by itself or beside the programme.
    """
    tables = dict(registry_tables(programme, home, as_of))
    tables |= rule_tables(load_rules(rule_entries(programme.folder)), tables)
    waivers = programme.folder / "waivers.yml"
    entries = read_entries(waivers) if waivers.exists() else []
    return tables | {"waivers": waiver_table(entries, tables, as_of)}


def nightly_of(settings: Settings) -> Nightly:
    """When the night runs, as programme.yml says; the usual hour where it does not exist or cannot be read.

    A broken programme must not take the schedule away: its night runs and says what is wrong.
    """
    path = settings.programme_folder / "programme.yml"
    if not path.exists():
        return Nightly()
    try:
        return Nightly.model_validate(read_entries(path)[0].data.get("nightly") or {})
    except (ProgrammeFaults, ValueError, IndexError) as fault:
        logging.getLogger("sitewise").warning("%s: the schedule cannot be read: %s", path, fault)
        return Nightly()
