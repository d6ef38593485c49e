"""`sitewise release diff` and `prune`: what changed between two releases, and which are no longer needed.

In: the home's releases. Out: words on the terminal, and (only with --yes) fewer releases.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.cli_options import HomeOption, fail, read_settings
from orchestration.cli_release import YesOption


def diff(
    before: Annotated[str, typer.Argument(help="A release; by default the one before the other.")] = "",
    after: Annotated[str, typer.Argument(help="A release; by default the one being served.")] = "",
    table: Annotated[str, typer.Option(help="Show what changed in this table, value by value.")] = "",
    most: Annotated[int, typer.Option(min=1, help="How many values of it at most.")] = 40,
    home: HomeOption = "",
) -> None:
    """Say what changed between two releases, and why: rows and columns by table, and what is behind them.

    Example: sitewise release diff --table headline
    """
    from orchestration.release.difference import changed_values, difference
    from orchestration.release.listing import NoSuchRelease, find_release, releases_before

    releases = read_settings(home).releases
    try:
        later = find_release(releases, after or None)
        known = releases_before(releases, later)
        if not before and not known:
            fail(f"{later.release_id} is the first release. Remedy: there is nothing to compare it with.")
        earlier = find_release(releases, before) if before else known[-1]
    except NoSuchRelease as fault:
        fail(str(fault))
    console = Console()
    console.print(f"before: {earlier.release_id}\nafter:  {later.release_id}", highlight=False)
    if table:
        try:
            rows = changed_values(earlier, later, table, most)
        except LookupError as fault:
            fail(f"{fault}. Remedy: name a table that `sitewise release diff` lists.")
        shown = Table("row", "column", "before", "after", box=None)
        for row in rows:
            shown.add_row(" ".join(row["key"]), row["column"], row["before"] or "", row["after"] or "")
        console.print(shown if rows else f"No value of a row in both differs in {table}.")
        return
    found = difference(earlier, later)
    console.print(f"because of: {', '.join(found.why) or 'nothing that is recorded'}", highlight=False)
    if found.sources:
        told = ", ".join(f"{source} ({what})" for source, what in found.sources.items())
        console.print(f"sources: {told}", highlight=False)
    if not found.tables:
        console.print("Both hold the same content.")
        return
    listed = Table("table", "rows added", "removed", "changed", "columns that changed (rows)", box=None)
    for each in found.tables:
        columns = sorted(each.columns.items(), key=lambda item: (-item[1], item[0]))
        said = ", ".join(f"{name} ({count})" for name, count in columns[:6])
        more = f", and {len(columns) - 6} more" if len(columns) > 6 else ""
        listed.add_row(each.table, str(each.added), str(each.removed), str(each.changed), said + more)
    console.print(listed)


def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest releases stay.")] = 30,
    yes: YesOption = False,
    home: HomeOption = "",
) -> None:
    """Remove old releases, and landed originals that no receipt names; without --yes only lists them.

    The release being served, the one before it and those that await approval always stay.

    Example: sitewise release prune --keep 30
    """
    from orchestration.lock import HomeHeld, hold_home
    from orchestration.release.pruning import prunable
    from orchestration.release.pruning import prune as remove

    settings = read_settings(home)
    what = prunable(settings.home, keep)
    for release in what.releases:
        typer.echo(f"release  {release.release_id}")
    for folder in what.orphans:
        typer.echo(f"orphan   {folder.relative_to(settings.home)}")
    if not what.releases and not what.orphans:
        typer.echo("There is nothing to prune.")
        return
    told = f"{len(what.releases)} releases and {len(what.orphans)} orphans, {what.size_bytes / 1e6:.1f} MB"
    if not yes:
        typer.echo(f"Would remove {told}. Nothing was changed. Add --yes to do it.")
        return
    try:
        with hold_home(settings.home, "release prune"):
            remove(settings.home, prunable(settings.home, keep))
    except HomeHeld as held:
        fail(str(held))
    typer.echo(f"Removed {told}.")
