"""What a run says while it works: to a log file and a bar for `sitewise`, else to the console.

In: the run's events, as log records. Out: lines and a moving bar. Events carry counts and names, no values.
"""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

LOGGER = "sitewise.run"
LOG_BYTES = 5_000_000
STEPS = {
    "receipts": "pulling sources",
    "registry": "reading the programme",
    "before_admission": "building frame, outcomes and facts",
    "admission_gate": "judging every cell",
    "after_admission": "building moments, effects and tables",
    "candidate_gate": "judging the candidate",
    "release__current": "publishing",
}


@dg.logger(description="Events of the run, as the process that runs it chose to show them.")
def night_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger of every run; without handlers of its own it writes warnings and errors to the console."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    if not logger.handlers:
        console = logging.StreamHandler(sys.stderr)
        console.setLevel(logging.WARNING)
        console.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(console)
    return logger


def announce(done: str) -> None:
    """Tells the terminal and the log what was done, but not Dagster's storage, where it costs time."""
    logging.getLogger(LOGGER).debug("done: %s", done)


def write_log(path: Path) -> None:
    """Sends this process' runs to a log file, and with them what the engine says of steps it skips."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=2)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in (LOGGER, "dagster"):
        logging.getLogger(name).addHandler(handler)


class ProgressBar(logging.Handler):
    """One line on the terminal: the step, what it last finished, the share of steps done."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.task = self.progress.add_task("starting", total=len(STEPS), detail="")

    def __enter__(self) -> "ProgressBar":
        logging.getLogger(LOGGER).addHandler(self)
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        logging.getLogger(LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Moves the bar along with one event."""
        said: dict[str, Any] = getattr(record, "dagster_meta", {})
        event, step = said.get("dagster_event"), said.get("step_key")
        if event is None:
            words = record.getMessage()
            if words.startswith("done: "):
                self.progress.update(self.task, detail=words.split(".")[2][:48])
        elif event.is_step_start:
            words = STEPS.get(step, step)
            self.progress.update(self.task, description=words, detail="")
            if not self.progress.console.is_terminal:
                self.progress.console.print(f"{words} ...", highlight=False)
        elif event.is_step_success or event.is_step_skipped or event.is_step_failure:
            self.progress.advance(self.task)
        elif event.is_step_materialization and event.partition:
            self.progress.update(self.task, detail=event.partition)
