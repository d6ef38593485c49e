"""`sitewise check`: is this programme well written, and can its sources be reached?

In: a programme's folder. Out: every fault, with file, line, field and remedy. It pulls and writes nothing but
the demo's own folder.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings
from orchestration.settings import Settings, SettingsFault


def check(
    home: HomeOption = "",
    programme: ProgrammeOption = "",
    connect: Annotated[bool, typer.Option("--connect", help="Also try credentials and folders.")] = False,
) -> None:
    """Print every fault of a programme; exit status 1 if there is any error.

    Example: sitewise check --programme my_programme --connect
    """
    from orchestration.programmes import programme_folder

    settings = read_settings(home, programme)
    try:
        folder = programme_folder(settings)
    except SettingsFault as fault:
        fail(str(fault))
    errors, warnings = _faults(settings, folder)
    for line in [*errors, *warnings]:
        typer.echo(line)
    if connect and not errors:
        for is_fault, line in _tried(folder):
            typer.echo(line)
            errors += [line] if is_fault else []
    typer.echo(f"{folder}: {len(errors)} errors, {len(warnings)} warnings.")
    if errors:
        raise typer.Exit(1)


def _faults(settings: Settings, folder: Path) -> tuple[list[str], list[str]]:
    """Errors and warnings of the programme's files and of its rules."""
    from expectations.fault import RuleFaults
    from expectations.rule import load_rules
    from ingestion.programme.faults import ProgrammeFaults
    from ingestion.programme.load import check_programme, load_programme
    from orchestration.programmes import declared_tables, rule_entries

    found = check_programme(folder)
    errors = [str(fault) for fault in found if fault.severity == "error"]
    warnings = [str(fault) for fault in found if fault.severity == "warning"]
    try:
        if errors:
            load_rules(rule_entries(folder))
        else:
            # what a rule says of items and waves can be judged only beside a sound programme
            programme = load_programme(folder)
            as_of = settings.as_of(programme.nightly.as_of, programme.nightly.timezone)
            tables = declared_tables(programme, settings.home, as_of)
            forms = {instrument: form.file for instrument, form in programme.forms.items()}
            warnings += _untranslated(tables["form_expressions"].to_pylist(), forms)
    except (RuleFaults, ProgrammeFaults) as faults:
        errors += [str(fault) for fault in faults.faults if str(fault) not in errors]
    return errors, warnings


def _untranslated(statements: list[dict[str, Any]], forms: Mapping[str, str]) -> Iterator[str]:
    """What forms state about their own answers and no rule can judge, told by reason."""
    listed: dict[tuple[str, str], list[str]] = {}
    for row in statements:
        if row["why_untranslated"]:
            listed.setdefault((row["instrument"], row["why_untranslated"]), []).append(row["path"])
    for (instrument, why), paths in sorted(listed.items()):
        shown = ", ".join(dict.fromkeys(paths[:3])) + (" and others" if len(paths) > 3 else "")
        yield f"{forms[instrument]}: {len(paths)} of the form's own rules are not judged: {why} ({shown})"


def _tried(folder: Path) -> Iterator[tuple[bool, str]]:
    """What could be reached, what could not, and what was not tried; True where it is a fault."""
    from ingestion.export_fault import ExportFault
    from ingestion.platforms import drops
    from ingestion.programme.load import load_programme

    programme = load_programme(folder)
    key = programme.privacy.pseudonym_key
    secrets = {"programme.yml privacy.pseudonym_key": key.env} if key is not None else {}
    for name, connection in programme.connections.items():
        for field in ("token", "username", "password"):
            if (secret := getattr(connection, field)) is not None:
                secrets[f"connections.yml {name}.{field}"] = secret.env
        yield (
            False,
            f"connection {name}: not asked here; `sitewise nightly` asks it and tells what came",
        )
    for field, variable in secrets.items():
        if os.environ.get(variable):
            yield False, f"{field}: {variable} is set"
        else:
            yield True, f"{field}: {variable} is not set. Remedy: set that environment variable."
    for source in programme.sources:
        drop = source.pull.drop
        if drop is None:
            place = "a server" if source.pull.connection else f"the package {source.pull.package}"
            yield False, f"source {source.source}: not tried: it is read from {place}"
            continue
        if source.pull.is_remote:
            try:
                found = drops.list_originals(source, folder, programme.connections)
            except ExportFault as fault:
                yield True, f"source {source.source}: {fault}"
            else:
                yield False, f"source {source.source}: {len(found)} files lie there"
            continue
        files = [path for path in folder.glob(drop) if path.is_file()]
        closed = [path for path in files if not os.access(path, os.R_OK)]
        if not files:
            yield (
                True,
                f"source {source.source}: no file matches {folder / drop}. Remedy: put its export there.",
            )
        elif closed:
            yield True, f"source {source.source}: {closed[0]} cannot be read. Remedy: give read permission."
        else:
            yield False, f"source {source.source}: {len(files)} files can be read"
