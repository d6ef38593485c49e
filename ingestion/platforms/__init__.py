"""Survey platforms by the name a source gives: where their exports are listed, fetched and read.

A platform's module is imported when something of it is asked for, since a reading needs one and all together
take longer to import than many a file to read.
"""

from importlib import import_module
from typing import Any, cast, get_args

from ingestion.platforms.protocol import Platform
from ingestion.programme import words

_NAMED_OTHERWISE = {"csv": "csv_files"}


class _OnDemand:
    """A module that is not imported yet."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(f"ingestion.platforms.{self._module}"), name)


PLATFORMS: dict[str, Platform] = {
    name: cast(Platform, _OnDemand(_NAMED_OTHERWISE.get(name, name))) for name in get_args(words.Platform)
}
