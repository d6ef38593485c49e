"""What is wrong with a programme's YAML, said so that its author can mend it.

In: findings of the readers and checks. Out: `Fault` (one finding) and `ProgrammeFaults` (all of them, raised
together). No check lives here, and no fault ever quotes a secret or an answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Fault:
    """One finding: where it is, what is wrong and what to do about it.

    Attributes:
        file: File name relative to the programme folder where possible.
        line: Line in that file, counted from 1.
        field: Dotted path of the field, headed by the kind of entry, e.g. `site.stages.0.from`.
        message: What is wrong, without a final full stop.
        remedy: What the author should do, without a final full stop.
        severity: `error` stops the programme from loading; `warning` does not.
    """

    file: str
    line: int
    field: str
    message: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        head = "" if self.severity == "error" else "warning: "
        return f"{self.file}:{self.line} {self.field}: {head}{self.message}. Remedy: {self.remedy}."


class ProgrammeFaults(Exception):
    """A programme that cannot be loaded, with everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: list[Fault] = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))
