"""What looks like an identifier of people: by a column's header, or by what stands in its cells.

In: headers, and cells of which a bounded number is looked at. Out: kinds of identifiers by column, never a
cell. Whether a column is kept, hidden or dropped is not known here; the words are `identifier_words`'.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import polars as pl

from ingestion.door.identifier_words import (
    ENDINGS,
    NAME_WORDS,
    PEOPLE,
    PHRASES,
    ROLES,
    THINGS,
    WITHIN,
    IdentifierKind,
)

# How many rows of a table of an export are looked at; those that stand first.
SAMPLE_ROWS = 2_000
_LONGEST_PHRASE = 4
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")
_ACCENTS = (0x300, 0x36F)
_CELLS: Mapping[IdentifierKind, str] = {
    "e-mail": r"[^\s@<>]+@[^\s@<>]+\.\p{L}{2,}",
    # With a country code: after a plus anywhere in the cell, or after 00 as the whole of it.
    "phone": r"(?:^|[^\d+])\+[1-9](?:[ ()/-]{0,2}\d){7,13}(?:\D|$)|^\s*00[1-9](?:[ ()/-]{0,2}\d){8,12}\s*$",
    # Two numbers with as many decimals as places on earth have, alone, with altitude, or first of many.
    "location": r"^\s*[\[(]?\s*-?\d{1,2}\.\d{3,}\s*[,;\s]\s*-?\d{1,3}\.\d{3,}(?:[\s,;\])]|$)"
    r"|^(?i:\s*POINT\s*Z?\s*\()",
}


def header_kind(header: str) -> IdentifierKind | None:
    """What a column of that header is likely to hold of people, or None.

    A header is cut into words where signs, digits or capitals part them. It tells an identifier if a run of
    its words is one of the phrases, if a word ends like one, or if it speaks of a name that is a person's.
    """
    words = _words(header)
    runs = {
        "".join(words[first : first + count])
        for count in range(1, _LONGEST_PHRASE + 1)
        for first in range(len(words) - count + 1)
    }
    for kind, phrases in _PHRASES.items():
        if not runs.isdisjoint(phrases):
            return kind
    endings = (kind for word in words for end, kind in ENDINGS.items() if word.endswith(end))
    if ending := next(endings, None):
        return ending
    if _is_persons_name(words) or "".join(words) in _ROLES:
        return "name"
    # Vowel signs are no letters to a pattern, so that here the header is taken whole.
    text = _plain(re.sub(r"[\s_]", "", header))
    return next((kind for kind, parts in _WITHIN.items() if any(part in text for part in parts)), None)


def cell_kinds(cells: pl.LazyFrame, columns: Sequence[str]) -> dict[str, IdentifierKind]:
    """The columns in whose first cells e-mail addresses, phone numbers or coordinates stand.

    Phone numbers are told by their country code only, since other numbers are as long.

    Args:
        cells: Cells as text, not yet read.
        columns: Names of the columns looked at.
    """
    if not columns:
        return {}
    kinds = list(_CELLS)
    hits = (
        cells.select(columns)
        .head(SAMPLE_ROWS)
        .select(
            pl.col(name).str.contains(_CELLS[kind]).any().alias(f"{place} {kind}")
            for place, name in enumerate(columns)
            for kind in kinds
        )
        .collect()
        .row(0, named=True)
    )
    found = {name: [kind for kind in kinds if hits[f"{place} {kind}"]] for place, name in enumerate(columns)}
    return {name: kinds[0] for name, kinds in found.items() if kinds}


def _is_persons_name(words: Sequence[str]) -> bool:
    """Whether a header speaks of the name of a person, or does not say of whom or what.

    The nearest word before decides (`village head name`), else those after it (`name of the village`).
    """
    cut = [part for word in words for part in _cut_name(word)]
    place = next((place for place, word in enumerate(cut) if word in _NAME_WORDS), None)
    if place is None:
        return False
    before = next((word for word in reversed(cut[:place]) if word in _PEOPLE | _THINGS), None)
    if before is not None:
        return before in _PEOPLE
    return not _PEOPLE.isdisjoint(cut[place:]) or _THINGS.isdisjoint(cut[place:])


def _cut_name(word: str) -> tuple[str, ...]:
    """`villagename` as `village` and `name`."""
    for end in ("name", "names"):
        if word.endswith(end) and word != end:
            return (word.removesuffix(end), end)
    return (word,)


def _words(header: str) -> list[str]:
    return _WORD.findall(_plain(_CAMEL.sub(" ", header)))


def _plain(text: str) -> str:
    """Lower case, without accents; of other scripts only what Unicode composes is taken apart."""
    first, last = _ACCENTS
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not first <= ord(letter) <= last).casefold()


_PHRASES = {kind: frozenset(_plain(text).split()) for kind, text in PHRASES.items()}
_NAME_WORDS, _THINGS, _PEOPLE, _ROLES = (
    frozenset(_plain(text).split()) for text in (NAME_WORDS, THINGS, PEOPLE, ROLES)
)
_WITHIN = {kind: tuple(_plain(text).split()) for kind, text in WITHIN.items()}
