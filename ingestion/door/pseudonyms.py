"""Pseudonyms: keyed hashes in place of identifiers, the same for the same person however it was written.

In: cells, the key named in programme.yml, and of what kind each identifier is. Out: cells that hold the
HMAC-SHA256 of the identifier in its kind's one spelling. The same identifier gives the same pseudonym in
every source, so that surveys still match the frame; whoever holds the key can link them, so they are not
anonymous. Which columns are hidden is not known here.
"""

import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.programme.model import Programme
from ingestion.programme.words import IdKind

MAKE_A_KEY = 'python -c "import secrets; print(secrets.token_hex(32))"'
_SHORTEST_KEY = 16
# The first of the marks that are written above or below letters; those before it are part of a letter.
_FIRST_ACCENT = 10
_MOST_ROUNDS = 8
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), None)


def normalised_id(text: pl.Expr) -> pl.Expr:
    """An id without white space, in upper case; NULL if nothing is left."""
    clean = text.str.replace_all(r"[\s\u200b\ufeff]", "").str.to_uppercase()
    return pl.when(clean != "").then(clean)


def is_normalised(text: pl.Expr) -> pl.Expr:
    """Whether an id is plainly what `normalised_id` would make of it: ASCII signs without small letters."""
    return text.str.contains(r"^[!-`{-~]+$")


def normalised(text: str, kind: IdKind) -> str | None:
    """An identifier in its kind's one spelling, or None where nothing is left of it.

    `phone`: digits, of whatever script, without `+` or `00` before the country's code, and without the `(0)`
    after it: `+254 712 345 678`, `00254-712-345678` and `254712345678` are one. `0712 345 678` is another,
    since the country is not known. A number that a spreadsheet has rounded (`2.5E+11`) is nobody's.
    `email`: without white space around it, case and width of letters ignored.
    `name`: case, accents and the amount of white space ignored; marks that are letters of their own stay.
    `id`: as `normalised_id`.
    """
    return _SPELLINGS[kind](text) or None


def pseudonym_key(programme: Programme) -> bytes:
    """The key of the pseudonyms, from the environment.

    Raises:
        ExportFault: programme.yml names no variable, or it is not set, or too short to be a key.
    """
    secret = programme.privacy.pseudonym_key
    if secret is None:
        raise ExportFault(
            "programme.yml",
            "columns are to be pseudonymised, but privacy.pseudonym_key is not given",
            "add privacy: {pseudonym_key: {env: SITEWISE_PSEUDONYM_KEY}}",
        )
    key = os.environ.get(secret.env, "")
    if len(key) < _SHORTEST_KEY:
        state = "is not set" if not key else f"is shorter than {_SHORTEST_KEY} characters"
        raise ExportFault(
            "programme.yml",
            f"columns are to be pseudonymised, but the environment variable {secret.env} {state}",
            f"make a key once with {MAKE_A_KEY}, keep it safe, and set {secret.env} to it for every run",
        )
    return key.encode()


def key_id(key: bytes) -> str:
    """A name for a key that does not give it away."""
    return hmac.digest(key, b"sitewise pseudonym key", "sha256").hex()[:12]


def pseudonymise(
    cells: pl.LazyFrame, columns: Mapping[str, IdKind], key: bytes, as_written: str = ""
) -> pl.LazyFrame:
    """Replaces the values of columns by their pseudonyms, 64 hexadecimal digits; blank stays NULL.

    Only these columns are read, and every identifier is hashed once.

    Args:
        cells: Cells as text.
        columns: Names of the columns, and the kind of identifier that each holds.
        key: The key.
        as_written: One of the columns, whose ids differ by case or white space and are not normalised.
    """
    if not columns:
        return cells
    text = {
        name: normalised_id(pl.col(name)) if kind == "id" and name != as_written else pl.col(name)
        for name, kind in columns.items()
    }
    hidden = cells.select(column.alias(name) for name, column in text.items()).collect(engine="streaming")
    for name, kind in columns.items():
        if kind != "id" and name != as_written:
            written = hidden[name].drop_nulls().unique()
            spelled = pl.Series("id", [normalised(text, kind) for text in written], dtype=pl.String)
            hidden = hidden.with_columns(
                pl.col(name).replace_strict(written, spelled, default=None, return_dtype=pl.String)
            )
    digest = partial(hmac.digest, key, digest="sha256")
    known = pl.concat([hidden[name].rename("id") for name in columns]).drop_nulls().unique()
    names = pl.Series("name", [digest(text.encode()).hex() for text in known], dtype=pl.String)
    hidden = hidden.with_columns(pl.all().replace_strict(known, names, default=None, return_dtype=pl.String))
    return pl.concat([cells.drop(columns), hidden.lazy()], how="horizontal", strict=True)


def _id(text: str) -> str:
    return str(pl.select(normalised_id(pl.lit(text))).item() or "")


def _phone(text: str) -> str:
    if re.fullmatch(r"\s*\d+\.0\s*", text):
        text = text.rpartition(".")[0]
    elif re.search(r"\d[eE]\+?\d", text):
        return ""
    if re.match(r"\D*(\+|00)", text):
        text = re.sub(r"\(\s*0\s*\)", "", text)
    digits = "".join(str(unicodedata.digit(sign)) for sign in text if sign.isdecimal())
    return re.sub(r"^(00)+", "", digits)


def _email(text: str) -> str:
    return _settled(text, _plain_email)


def _plain_email(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold().strip()


def _name(text: str) -> str:
    return _settled(text, _plain_name)


def _plain_name(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    letters = "".join(sign for sign in apart if unicodedata.combining(sign) < _FIRST_ACCENT)
    return " ".join(letters.translate(_INVISIBLE).casefold().split())


def _settled(text: str, spell: Callable[[str], str]) -> str:
    """Spelled until it stays the same, since a folded letter may compose anew with its neighbour."""
    for _ in range(_MOST_ROUNDS):
        before, text = text, spell(text)
        if before == text:
            break
    return text


_SPELLINGS: Mapping[IdKind, Callable[[str], str]] = {
    "id": _id,
    "phone": _phone,
    "email": _email,
    "name": _name,
}
