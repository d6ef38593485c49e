"""The options that every subcommand shares, and how a subcommand ends when they are wrong.

In: options. Out: environment variables, which everything else reads.
"""

import os
from typing import Annotated, NoReturn

import typer

from orchestration.settings import Settings, SettingsFault

HomeOption = Annotated[
    str, typer.Option("--home", help="Folder for everything that runs produce.", envvar="SITEWISE_HOME")
]
ProgrammeOption = Annotated[
    str,
    typer.Option(
        "--programme", help="A shipped programme (demo, star) or a folder.", envvar="SITEWISE_PROGRAMME"
    ),
]


def read_settings(home: str = "", programme: str = "", as_of: str = "", threads: str = "") -> Settings:
    """The settings from options and environment; options win.

    Raises:
        typer.Exit: status 2, after one message, where one of them cannot be used.
    """
    options = {
        "SITEWISE_HOME": home,
        "SITEWISE_PROGRAMME": programme,
        "SITEWISE_AS_OF": as_of,
        "SITEWISE_THREADS": threads,
    }
    os.environ.update({name: value for name, value in options.items() if value})
    try:
        return Settings.from_environment()
    except SettingsFault as fault:
        fail(str(fault))


def fail(message: str) -> NoReturn:
    """Says what is wrong, and ends with status 2."""
    typer.echo(message, err=True)
    raise typer.Exit(2)
