"""What is wrong with one export, said so that whoever delivered it can mend it.

In: findings of the readers. Out: `ExportFault`, which a pull turns into a receipt's state and message. No
cell value is ever put into a message: name the file, the line and the column instead.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ExportFault(Exception):
    """An export that cannot be used as it is.

    Attributes:
        file: Name of the export, or of the YAML file where the cause lies.
        message: What is wrong, without a final full stop.
        remedy: What to do about it, without a final full stop.
    """

    def __init__(self, file: str, message: str, remedy: str) -> None:
        self.file = file
        self.message = message
        self.remedy = remedy
        super().__init__(f"{file}: {message}. Remedy: {remedy}.")

    def __reduce__(self) -> tuple[type["ExportFault"], tuple[str, str, str]]:
        return type(self), (self.file, self.message, self.remedy)


class NothingThere(ExportFault):
    """A place where exports are expected, and none is there."""


class Encrypted(ExportFault):
    """An export whose answers are encrypted, and whose key is absent or does not fit."""


def closest(name: str, known: Iterable[str]) -> str:
    """Words that point to the most similar known name, or nothing: ` (closest: 'site_code')`."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (closest: '{matches[0]}')" if matches else ""
