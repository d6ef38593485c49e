"""Originals are read in a child process of limited memory and time, so that no file can bring a night down.

In: what `read_originals` takes. Out: what it returns or raises; a child that grew too large, took too long or
crashed is an `ExportFault` that names the file. The child is started when the first original is to be read,
serves one reading after another, and is started anew after a fault of its own. It is given no secret but the
key of the pseudonyms. What stands in a file is never looked at in this process.

Limits, from the environment: `SITEWISE_READ_MEMORY_MB` (2048: memory of its own beyond what the child has
when it is idle; mapped files do not count) and `SITEWISE_READ_SECONDS` (900, for one source).
"""

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pydantic import TypeAdapter

import ingestion
from ingestion import export_fault
from ingestion.consent.redaction import Redaction
from ingestion.consent.withdrawal import Withdrawals
from ingestion.corrections.logs import Logs
from ingestion.export_fault import ExportFault
from ingestion.platforms.protocol import Original
from ingestion.programme.model import Programme, Source
from ingestion.rows.reading import Reading
from ingestion.sandbox_child import LENGTH_BYTES, Request

_MIB = 1024**2
_PROJECT = Path(ingestion.__file__).parent.parent
# Whatever is imported stays, so that to look for garbage in it, before `serve` is ready, would be time lost.
_COMMAND = [
    sys.executable,
    "-P",
    "-c",
    "import gc; gc.disable(); from ingestion.sandbox_child import serve; serve()",
]
_SETTINGS = {
    # Nothing in a reading multiplies matrices; threads that wait for it take time to start, and to spin.
    "OPENBLAS_NUM_THREADS": "1",
    # Text is scanned in smaller pieces than usual, since every thread holds some of them in memory. Polars
    # does not document it; were it dropped, a reading would take more memory and give the same.
    "POLARS_CSV_CHUNK_SIZE": str(4 * _MIB),
}
_SPARE_BYTES = 1024 * _MIB
_LOOK_SECONDS = 0.05
_START_SECONDS = 120.0
_LONGEST_ANSWER = 64 * _MIB
_FAULTS = {kind.__name__: kind for kind in (ExportFault, export_fault.NothingThere, export_fault.Encrypted)}


class ReadingBroke(Exception):
    """The child met an error that nobody foresaw.

    Attributes:
        kind: The error's class.
        place: Where it happened, without values.
    """

    def __init__(self, kind: str, place: str) -> None:
        self.kind, self.place = kind, place
        super().__init__(kind)

    @property
    def told(self) -> tuple[str, str]:
        """Kind and place."""
        return self.kind, self.place


class Reader:
    """A child process that reads; started when it is first needed. Close it, or use `reader`."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self._idle_bytes = 0
        self._is_ready = False

    def begin(self) -> None:
        """Starts the child without waiting for it: something new is landing, and will want to be read."""
        if self._child is None:
            self._start()

    def read(
        self,
        programme: Programme,
        source: Source,
        originals: Sequence[Original],
        into: Path,
        logs: Logs = (),
    ) -> Reading:
        """`read_originals`, elsewhere.

        Raises:
            ExportFault: As `read_originals`, or the child was stopped.
            OSError: A file could not be read or written.
            ReadingBroke: The child met an error of another kind.
        """
        answer = self._asked(programme, source, originals, into, logs=logs)
        return TypeAdapter(Reading).validate_python(answer["reading"])

    def redact(
        self,
        programme: Programme,
        source: Source,
        originals: Sequence[Original],
        known: Withdrawals,
        may_tell: bool,
        into: Path,
    ) -> Redaction:
        """`redaction.redact`, elsewhere; raises as `read` does."""
        answer = self._asked(programme, source, originals, into, known, may_tell)
        return TypeAdapter(Redaction).validate_python(answer["redaction"])

    def _asked(
        self,
        programme: Programme,
        source: Source,
        originals: Sequence[Original],
        into: Path,
        known: Withdrawals | None = None,
        may_tell: bool = False,
        logs: Logs = (),
    ) -> dict[str, Any]:
        most = _setting("SITEWISE_READ_MEMORY_MB", 2048) * _MIB
        seconds = _setting("SITEWISE_READ_SECONDS", 900)
        # The backstop for what grows faster than it is looked at; allocators reserve more than they use.
        room = 2 * most + _SPARE_BYTES + sum(each.path.stat().st_size for each in originals)
        begun: list[str] = []
        is_whole = False
        try:
            self.begin()
            self._wait_until_ready()
            environment = _environment(programme) | _SETTINGS
            self._send(Request(programme, source, originals, into, environment, room, known, may_tell, logs))
            answer = self._answer(time.monotonic() + seconds, self._idle_bytes + most, begun)
            is_whole = not answer.keys().isdisjoint(("reading", "redaction", "fault", "system"))
        except _Stopped as stopped:
            raise _fault(originals, begun, str(stopped)) from None
        finally:
            if not is_whole or self._memory() > self._idle_bytes + most // 4:
                self.close()
        if "memory" in answer:
            raise _fault(originals, begun, _too_large(most))
        return _answered(answer)

    def close(self, is_awaited: bool = True) -> None:
        """Ends the child, whatever it is doing.

        Args:
            is_awaited: Whether to stay until the system has taken back all that the child had, so that it
                writes nothing any more; a child that has answered everything does not.
        """
        if self._child is None:
            return
        child, self._child, self._heard, self._is_ready = self._child, None, b"", False
        child.kill()
        if is_awaited:
            child.communicate()
        else:
            threading.Thread(target=child.communicate).start()

    def _start(self) -> None:
        paths = [str(_PROJECT), os.environ.get("PYTHONPATH", "")]
        self._child = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A library that dies may print what it was reading.
            stderr=subprocess.DEVNULL,
            env=_environment(None) | _SETTINGS | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            # Control-C is for the parent, which ends the child.
            start_new_session=True,
        )

    def _wait_until_ready(self) -> None:
        if not self._is_ready:
            self._answer(time.monotonic() + _START_SECONDS, 1 << 62, [])
            self._idle_bytes = self._memory()
            self._is_ready = True

    def _send(self, request: Request) -> None:
        assert self._child is not None and self._child.stdin is not None
        packed = pickle.dumps(request)
        try:
            self._child.stdin.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)
            self._child.stdin.flush()
        except BrokenPipeError:
            raise _Stopped(self._how_it_ended()) from None

    def _answer(self, deadline: float, most_bytes: int, begun: list[str]) -> dict[str, Any]:
        """The child's next answer; the files it turns to meanwhile are noted."""
        assert self._child is not None and self._child.stdout is not None
        out = self._child.stdout.fileno()
        while True:
            while b"\n" in self._heard:
                line, _, self._heard = self._heard.partition(b"\n")
                answer: dict[str, Any] = json.loads(line)
                if "turns_to" not in answer:
                    return answer
                begun.append(str(answer["turns_to"]))
            if select.select([out], [], [], _LOOK_SECONDS)[0]:
                if not (said := os.read(out, _MIB)):
                    raise _Stopped(self._how_it_ended())
                self._heard += said
            if self._memory() > most_bytes:
                raise _Stopped(_too_large(most_bytes - self._idle_bytes))
            if time.monotonic() > deadline:
                raise _Stopped("reading it took longer than SITEWISE_READ_SECONDS allows")
            if len(self._heard) > _LONGEST_ANSWER:
                raise _Stopped("reading it gave more findings than anyone can look at")

    def _memory(self) -> int:
        """Bytes of the child's own memory, without files that are mapped into it."""
        try:
            info = psutil.Process(self._child.pid).memory_info() if self._child else None
        except psutil.NoSuchProcess:
            return 0
        return info.rss - getattr(info, "shared", 0) if info else 0

    def _how_it_ended(self) -> str:
        assert self._child is not None
        code = self._child.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process that read it died ({how})"


class _Stopped(Exception):
    """The child was stopped, or stopped by itself."""


_shared: list[Reader] = []


@contextmanager
def reader() -> Iterator[Reader]:
    """The reader of this process, closed by whoever opened it first."""
    if _shared:
        yield _shared[0]
        return
    _shared.append(Reader())
    try:
        yield _shared[0]
    finally:
        _shared.pop().close(is_awaited=False)


def begin_reading() -> None:
    """Has the process's reader start its child meanwhile, if there is a reader."""
    for each in _shared:
        each.begin()


def _environment(programme: Programme | None) -> dict[str, str]:
    """The environment without what is secret, but for the pseudonyms' key, which the reading needs."""
    if programme is None:
        return {name: text for name, text in os.environ.items() if not name.startswith("SITEWISE_")}
    secrets = {
        named.env
        for connection in programme.connections.values()
        for named in (connection.token, connection.username, connection.password)
        if named
    }
    if programme.privacy.landing_key:
        secrets.add(programme.privacy.landing_key.env)
    return {name: text for name, text in os.environ.items() if name not in secrets}


def _setting(name: str, usual: int) -> int:
    told = os.environ.get(name, str(usual)).strip()
    if not (told.isascii() and told.isdecimal() and int(told)):
        raise ExportFault("environment", f"{name} is not a whole number above 0", f"unset it, or set {usual}")
    return int(told)


def _too_large(most: int) -> str:
    return f"reading it took more than {most // _MIB} MiB of memory"


def _fault(originals: Sequence[Original], begun: Sequence[str], message: str) -> ExportFault:
    """Names the file; once all were begun, which of them it was is not known."""
    names = [original.name for original in originals]
    is_known = begun and len(begun) < len(names)
    told = begun[-1] if is_known else ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
    return ExportFault(
        told,
        message,
        "check where the file comes from; if it is genuine, split it by date, or raise "
        "SITEWISE_READ_MEMORY_MB or SITEWISE_READ_SECONDS",
    )


def _answered(answer: dict[str, Any]) -> dict[str, Any]:
    if "reading" in answer or "redaction" in answer:
        return answer
    if "fault" in answer:
        kind, *words = map(str, answer["fault"])
        raise _FAULTS.get(kind, ExportFault)(*words)
    if "system" in answer:
        raise OSError(*answer["system"])
    raise ReadingBroke(str(answer.get("unexpected")), str(answer.get("place")))
