"""The child process that reads originals: whatever a file does to a parser, it does it here.

In, on standard input: requests, each a length and a pickle from the parent, which is trusted. Out, on its
output: one line of JSON per answer, which the parent need not trust. Limits and kills are the parent's task;
here stands only what a process can but do to itself. It ends when its standard input does, so that it never
outlives its parent. Nothing is fetched, and nothing is written but the folder that a request names.
"""

import gc
import json
import os
import pickle
import queue
import resource
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ingestion.export_fault import ExportFault

if TYPE_CHECKING:
    from ingestion.consent.withdrawal import Withdrawals
    from ingestion.platforms.protocol import Original, RawExport
    from ingestion.programme.model import Programme, Source

LENGTH_BYTES = 8
_LARGEST_FILE = 64 * 1024**3


@dataclass(frozen=True)
class Request:
    """One reading: the arguments of `read_originals`, the environment, and how much memory it may reserve.

    With withdrawals, it is to redact instead: see `redaction.redact`.
    """

    programme: "Programme"
    source: "Source"
    originals: "Sequence[Original]"
    into: Path
    environment: dict[str, str]
    room_bytes: int
    known: "Withdrawals | None" = None
    may_tell: bool = False
    logs: "Sequence[tuple[Source, Sequence[Original]]]" = ()


def serve() -> None:
    """Answers requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a library prints is no answer.
    os.dup2(2, 1)
    _be_modest()

    def answer(**words: Any) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    from pydantic import TypeAdapter

    from ingestion.rows.reading import Reading, read_originals

    _announce_files(answer)
    gc.freeze()
    gc.enable()
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    idle_bytes = _reserved_bytes()
    answer(ready=True)
    while True:
        request = requests.get()
        os.environ.clear()
        os.environ.update(request.environment)
        _limit(resource.RLIMIT_DATA, idle_bytes + request.room_bytes)
        try:
            given = request.programme, request.source, request.originals
            if request.known is None:
                reading = read_originals(*given, request.into, request.logs)
                answer(reading=TypeAdapter(Reading).dump_python(reading, mode="json"))
            else:
                from ingestion.consent.redaction import Redaction, redact

                redaction = redact(*given, request.known, request.may_tell, request.into)
                answer(redaction=TypeAdapter(Redaction).dump_python(redaction, mode="json"))
        except ExportFault as fault:
            answer(fault=[type(fault).__name__, fault.file, fault.message, fault.remedy])
        except MemoryError:
            answer(memory=True)
        except OSError as error:
            answer(system=[error.errno, error.strerror, error.filename and str(error.filename)])
        except BaseException as error:
            # Its text may quote a cell; and a panic of a library in another language is no Exception.
            answer(unexpected=type(error).__name__, place="".join(traceback.format_tb(error.__traceback__)))


def _receive(requests_in: BinaryIO, requests: "queue.SimpleQueue[Request]") -> None:
    """Passes requests on, and ends the process when there will be none any more, even during a reading."""
    while head := requests_in.read(LENGTH_BYTES):
        requests.put(pickle.loads(requests_in.read(int.from_bytes(head, "big"))))
    os._exit(0)


def _be_modest() -> None:
    """No core file with people's answers, no endless file, and first in line when memory runs out."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _LARGEST_FILE)
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000")


def _reserved_bytes() -> int:
    """What counts towards the limit of data by now; the system's own accounting where it has one."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[5]) * resource.getpagesize() if status.exists() else 0


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _announce_files(answer: Any) -> None:
    """Has every platform say which original it turns to, so that a reading that dies can be named."""
    from ingestion.platforms import PLATFORMS

    for name, platform in PLATFORMS.items():
        PLATFORMS[name] = _Announced(platform, answer)


class _Announced:
    def __init__(self, platform: Any, answer: Any) -> None:
        self._platform, self._answer = platform, answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)

    def read(self, original: "Original", source: "Source") -> "RawExport":
        self._answer(turns_to=original.name)
        export: RawExport = self._platform.read(original, source)
        return export


if __name__ == "__main__":
    serve()
