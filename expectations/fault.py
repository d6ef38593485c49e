"""What is wrong with a rule, said so that its author can mend it.

In: findings of the rule reader, the expression reader and the compiler. Out: `RuleFault` (one finding) and
`RuleFaults` (all of them, raised together). A fault reads like a programme's fault, and never quotes data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class RuleFault:
    """One finding: where it is, what is wrong and what to do about it.

    Attributes:
        file: File name as the entry carries it.
        line: Line in that file, counted from 1.
        field: Dotted path of the field, headed by `rule`, e.g. `rule.threshold_pct`.
        message: What is wrong, without a final full stop.
        remedy: What the author should do, without a final full stop.
    """

    file: str
    line: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.field}: {self.message}. Remedy: {self.remedy}."


class RuleFaults(Exception):
    """Rules that cannot be used, with everything that is wrong with them."""

    def __init__(self, faults: Iterable[RuleFault]) -> None:
        self.faults: list[RuleFault] = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy that proposes the known name closest to a mistyped one, or `otherwise` where none is close."""
    close = get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return f"write '{close[0]}', if that was meant" if close else otherwise
