"""The home as Dagster's steps see it: settings, held by this run alone while any of its steps run.

In: the environment. Out: a resource that holds the lock for the whole run and has reaped dead runs before the
first step. What is written into the home is the steps' matter.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from orchestration.lock import hold_home
from orchestration.reap import reap_dead_runs
from orchestration.settings import Settings


class Home(dg.ConfigurableResource):
    """Exclusive hold of the deployment's home; every step that writes asks for it."""

    _settings: Settings = PrivateAttr()

    @property
    def settings(self) -> Settings:
        """The deployment's settings."""
        return self._settings

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Home"]:
        """Holds the home from before the run's first step until after its last.

        Raises:
            HomeHeld: another run or process holds it.
        """
        self._settings = Settings.from_environment()
        self._settings.prepare()
        with hold_home(self._settings.home, f"run {context.run_id or 'without id'}"):
            if context.instance is not None:
                reap_dead_runs(context.instance)
            yield self
