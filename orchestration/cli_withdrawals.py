"""`sitewise withdrawals`: who withdrew, by site and source; and how one that was told by mistake is revoked.

In: the home's list of withdrawals. Out: words that name nobody, and (only with --yes) a list that is shorter.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.cli_options import HomeOption, ProgrammeOption, fail, read_settings
from orchestration.cli_release import YesOption

withdrawals_app = typer.Typer(no_args_is_help=True, help="List and revoke withdrawals of consent.")


@withdrawals_app.command("list")
def list_command(home: HomeOption = "", programme: ProgrammeOption = "") -> None:
    """List the withdrawals that stand: since when, at which site, told by which source. Nobody is named.

    Example: sitewise withdrawals list
    """
    from ingestion.consent.withdrawal import withdrawals
    from ingestion.export_fault import ExportFault
    from orchestration.programmes import load

    settings = read_settings(home, programme)
    try:
        known = withdrawals(settings.home, load(settings)[0])
    except ExportFault as fault:
        fail(str(fault))
    table = Table("withdrawal", "since (UTC)", "site", "told by", "of", box=None)
    for key, each in sorted(known.by_key.items(), key=lambda pair: (pair[1].since, pair[0])):
        table.add_row(key[:12], each.since[:19].replace("T", " "), each.site, each.source, each.kind)
    if table.rows:
        Console().print(table)
    else:
        typer.echo("Nobody withdrew.")


@withdrawals_app.command()
def revoke(
    unit: Annotated[str, typer.Argument(help="The unit's id, as in the exports.")],
    site: Annotated[str, typer.Option(help="Its site, where ids are unique within a site only.")] = "",
    yes: YesOption = False,
    home: HomeOption = "",
    programme: ProgrammeOption = "",
) -> None:
    """End a withdrawal that was told by mistake: correct the export that told it first.

    The unit comes back with the exports that are delivered again: dropped files in the next night, APIs with
    the next full pull. What was taken out of former originals is gone.

    Example: sitewise withdrawals revoke KE01-0042 --site kisumu_east --yes
    """
    from ingestion.consent.withdrawal import of_unit, revoke, withdrawals
    from ingestion.export_fault import ExportFault
    from orchestration.lock import HomeHeld, hold_home
    from orchestration.programmes import load

    settings = read_settings(home, programme)
    loaded, _ = load(settings)
    try:
        found = of_unit(loaded, withdrawals(settings.home, loaded), unit, site)
        if not found:
            fail("No withdrawal of that unit stands. Remedy: check its id, and name its site with --site.")
        if not yes:
            typer.echo(f"{len(found)} withdrawal would end. Nothing was changed. Add --yes to do it.")
            return
        with hold_home(settings.home, "withdrawals revoke"):
            count = revoke(settings.home, loaded, unit, site)
    except (ExportFault, HomeHeld) as fault:
        fail(str(fault))
    typer.echo(f"{count} withdrawal ended. Run a night to bring back what is still delivered.")
