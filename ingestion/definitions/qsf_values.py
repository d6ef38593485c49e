"""Values of a QSF as they mean to be: objects that are written as lists, texts with markup, limits as text.

In: pieces of its JSON. Out: plain mappings, texts and numbers. No question is known here.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

_TAG = re.compile(r"<[^>]*>")

Payload = Mapping[str, Any]


def mapping(value: Any) -> dict[str, Any]:
    """An object of a QSF: empty ones, and those whose keys count from 0, are written as lists."""
    if isinstance(value, dict):
        return {str(key): each for key, each in value.items()}
    return {str(place): each for place, each in enumerate(value)} if isinstance(value, list) else {}


def plain(text: Any) -> str:
    """A text without its markup."""
    return " ".join(html.unescape(_TAG.sub(" ", str(text or ""))).split())


def number(value: Any) -> float | None:
    """A limit as a number; blank or unreadable: none."""
    try:
        return float(str(value))
    except ValueError:
        return None


def ordered(payload: Payload, what: str, order: str) -> dict[str, Any]:
    """Choices by number in the order in which they are shown."""
    listed = mapping(payload.get(what))
    first = [str(key) for key in payload.get(order) or [] if str(key) in listed]
    return {key: listed[key] for key in dict.fromkeys([*first, *listed])}
