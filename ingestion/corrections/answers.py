"""Whether two texts are the same answer, by the type of the question: 45 is 45.0, and 0 is FALSE.

In: a question's item where one is known, and texts of cells and logs. Out: one spelling per answer, so that
two texts are compared by it; and how a log's text is written into a cell. A text that the type cannot read
has no spelling.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from ingestion.programme.model_instruments import Item

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([T ].*)?")
_WORDS = {"true": True, "false": False}
_CODES = {"1": True, "0": False, "yes": True, "no": False} | _WORDS


def spelling(item: Item | None, text: str, missing: Mapping[str, str], cell: str = "") -> str | None:
    """The one spelling of an answer.

    Args:
        item: What the question asks; None where no instrument tells.
        text: The answer as a cell or a log has it; blank is an answer of its own.
        missing: Codes of no answer, which every type may hold.
        cell: What the cell holds now: of a question without a type, TRUE and FALSE tell one.

    Returns:
        Its spelling, or None where the type cannot read it.
    """
    text = text.strip()
    kind = item.type if item is not None else ("boolean" if cell.strip().lower() in _WORDS else "text")
    if text == "" or text in missing:
        return text
    if kind in ("integer", "number", "amount"):
        return _number(text, kind == "integer")
    if kind == "boolean":
        return _boolean(item, text)
    if kind == "date":
        return _day(text)
    if item is not None and kind == "select_one":
        return _code(item, text)
    if item is not None and kind == "select_multiple":
        codes = [_code(item, word) for word in text.split()]
        return None if None in codes else " ".join(sorted(filter(None, codes)))
    plain = " ".join(text.split())
    return (_number(plain, False) or plain) if item is None else plain


def written(item: Item | None, new: str, cell: str) -> str:
    """How a log's readable text is written into a cell: its codes and truth values in the cell's own way."""
    new = new.strip()
    if item is not None and item.type == "select_one":
        return _code(item, new) or new
    if item is not None and item.type in ("integer", "number", "amount"):
        return new.replace(",", "") if _GROUPED.fullmatch(new) else new
    if cell.strip().lower() in _WORDS and new.lower() in _CODES:
        word = "true" if _CODES[new.lower()] else "false"
        return word.upper() if cell.strip().isupper() else word
    return new


def _number(text: str, is_whole: bool) -> str | None:
    plain = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    if not _NUMBER.fullmatch(plain):
        return None
    value = Decimal(plain)
    if is_whole and value != value.to_integral_value():
        return None
    return "0" if value == 0 else f"{value.normalize():f}"


def _boolean(item: Item | None, text: str) -> str | None:
    if item is not None and text in (*item.yes, *item.no):
        return "yes" if text in item.yes else "no"
    meant = _CODES.get(text.lower())
    return None if meant is None else ("yes" if meant else "no")


def _day(text: str) -> str | None:
    found = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None


def _code(item: Item, text: str) -> str | None:
    """A code, also where its label stands; None where no choice or more than one has it."""
    if text in item.choices:
        return text
    codes = [code for code, label in item.choices.items() if label.casefold() == text.casefold()]
    return codes[0] if len(codes) == 1 else None
