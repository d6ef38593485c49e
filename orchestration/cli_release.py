"""`sitewise release`: list, verify, approve and roll back what is published.

In: the home's releases. Out: words, and (only with --yes) another release being served.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.cli_options import HomeOption, fail, read_settings
from orchestration.settings import Settings

release_app = typer.Typer(no_args_is_help=True, help="List, verify, compare, approve and prune releases.")
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what would change.")]


@release_app.command("list")
def list_command(home: HomeOption = "") -> None:
    """List every release, oldest first; the one being served is marked.

    `holds withdrawn`: people who have withdrawn their consent since are counted in it, so that it can be
    verified, but not served again.

    Example: sitewise release list
    """
    from orchestration.release.listing import list_releases

    settings = read_settings(home)
    table = Table("", "release", "as of", "published at (UTC)", "content", box=None)
    for release in list_releases(settings.releases):
        served = "served" if release.is_current else ""
        mark = ", ".join(filter(None, (served, "holds withdrawn" if release.holds_withdrawn else "")))
        at = release.published_at[:19].replace("T", " ")
        table.add_row(mark, release.release_id, release.as_of_date, at, release.content_hash[:12])
    if not table.rows:
        fail(f"There is no release in {settings.releases} yet. Remedy: run `sitewise nightly`.")
    Console().print(table)


@release_app.command()
def verify(
    release_id: Annotated[str, typer.Argument(help="A release; by default the one being served.")] = "",
    public_key: Annotated[
        str,
        typer.Option(help="The key that it must be signed with, as Base64."),
    ] = "",
    home: HomeOption = "",
) -> None:
    """Recompute a release's checksums and content hash; exit status 1 if anything differs.

    A signature is checked where the manifest says that there is one; only --public-key proves whose it is.

    Example: sitewise release verify
    """
    from orchestration.release.listing import NoSuchRelease, find_release, verify_release

    settings = read_settings(home)
    try:
        release = find_release(settings.releases, release_id or None)
    except NoSuchRelease as fault:
        fail(str(fault))
    faults = verify_release(release, public_key or None)
    for fault in faults:
        typer.echo(f"{release.release_id}/{fault}")
    if faults:
        typer.echo("Remedy: roll back to a sound release (`sitewise release rollback`), then run a night.")
        raise typer.Exit(1)
    typer.echo(f"{release.release_id}: every file and the content hash {release.content_hash[:12]} hold.")


@release_app.command()
def rollback(
    to: Annotated[str, typer.Option(help="A release; by default the one before.")] = "",
    yes: YesOption = False,
    home: HomeOption = "",
) -> None:
    """Serve an earlier release again; without --yes only says what would change.

    Example: sitewise release rollback --yes
    """
    from orchestration.release.listing import HoldsWithdrawn, NoSuchRelease, rollback_target

    settings = read_settings(home)
    try:
        target = rollback_target(settings.releases, to or None)
    except (NoSuchRelease, HoldsWithdrawn) as fault:
        fail(str(fault))
    _serve(settings, target.release_id, "rolled back", yes)


@release_app.command()
def approve(
    release_id: Annotated[str, typer.Argument(help="A release that awaits approval.")],
    yes: YesOption = False,
    home: HomeOption = "",
) -> None:
    """Serve a release that awaits approval (programme.yml: `publish: {approve: manual}`).

    Example: sitewise release approve 2026-03-31-0123456789ab --yes
    """
    _serve(read_settings(home), release_id, "approved", yes)


def _serve(settings: Settings, release_id: str, action: str, yes: bool) -> None:
    """Shows what would change, verifies the target, and points at it if told to."""
    from orchestration.lock import HomeHeld, hold_home
    from orchestration.release.listing import (
        HoldsWithdrawn,
        NoSuchRelease,
        changed_tables,
        current_release,
        rollback_target,
        serve,
        verify_release,
    )

    try:
        target = rollback_target(settings.releases, release_id)
    except (NoSuchRelease, HoldsWithdrawn) as fault:
        fail(str(fault))
    served = current_release(settings.releases)
    typer.echo(f"served now:  {served.release_id if served else 'none'}")
    typer.echo(f"would serve: {target.release_id}" if not yes else f"to serve:    {target.release_id}")
    if served is not None:
        changed = changed_tables(served, target)
        typer.echo(f"tables that differ: {', '.join(changed) or 'none'}")
    if faults := verify_release(target):
        fail(f"{target.release_id} is not sound: {faults[0]}. Remedy: choose another release.")
    if not yes:
        typer.echo("Nothing was changed. Add --yes to do it.")
        return
    try:
        with hold_home(settings.home, f"release {action}"):
            serve(settings.releases, target, action)
    except HomeHeld as held:
        fail(str(held))
    typer.echo(f"{action}: {settings.releases / 'current'} -> {target.release_id}")
