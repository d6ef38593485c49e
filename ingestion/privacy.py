"""Privacy at the door of the lake: an allow-list of columns, and keyed hashes in place of identifiers.

In: a programme's doors and the key named in programme.yml. Out: which columns pass, and frames whose
identifying columns hold pseudonyms. A pseudonym is HMAC-SHA256 of the normalised id: the same id gives the
same pseudonym in every source, so that surveys still match the frame; whoever holds the key can link them, so
they are not anonymous.
"""

import hmac
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.programme.model import DerivedItem, Programme, Source

MAKE_A_KEY = 'python -c "import secrets; print(secrets.token_hex(32))"'
_SHORTEST_KEY = 16


def normalised_id(text: pl.Expr) -> pl.Expr:
    """An id without white space, in upper case; NULL if nothing is left."""
    clean = text.str.replace_all(r"[\s\u200b\ufeff]", "").str.to_uppercase()
    return pl.when(clean != "").then(clean)


def units_are_pseudonymous(programme: Programme) -> bool:
    """Whether any instrument hides its unit's id; then every source's unit ids are pseudonymised."""
    return any(
        _matches(source.keys.unit.column, programme.instrument(source.instrument).privacy.pseudonym)
        for source in programme.sources
        if source.instrument
    )


def pseudonym_columns(programme: Programme, source: Source, columns: Iterable[str]) -> list[str]:
    """The columns of a source that are pseudonymised, among those given."""
    patterns = list(programme.door(source).pseudonym)
    own = []
    if units_are_pseudonymous(programme):
        keys = source.keys
        # A record's own id often holds the unit's.
        own = [key.column for key in (keys.unit, keys.replaces, keys.record) if key]
    return [name for name in columns if name in own or _matches(name, patterns)]


def pseudonymises(programme: Programme, source: Source) -> bool:
    """Whether a source needs the key."""
    return bool(programme.door(source).pseudonym) or units_are_pseudonymous(programme)


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
    cells: pl.LazyFrame, columns: Sequence[str], key: bytes, as_written: str = ""
) -> pl.LazyFrame:
    """Replaces the values of columns by their pseudonyms, 64 hexadecimal digits; blank stays NULL.

    Only these columns are read, and every id is hashed once.

    Args:
        cells: Cells as text.
        columns: Names of the columns.
        key: The key.
        as_written: One of the columns, whose ids differ by case or white space and are not normalised.
    """
    if not columns:
        return cells
    text = {name: pl.col(name) if name == as_written else normalised_id(pl.col(name)) for name in columns}
    hidden = cells.select(column.alias(name) for name, column in text.items()).collect(engine="streaming")
    known = pl.concat([hidden[name].rename("id") for name in columns]).drop_nulls().unique()
    digest = partial(hmac.digest, key, digest="sha256")
    names = pl.Series("name", [digest(text.encode()).hex() for text in known], dtype=pl.String)
    hidden = hidden.with_columns(pl.all().replace_strict(known, names, default=None, return_dtype=pl.String))
    return pl.concat([cells.drop(columns), hidden.lazy()], how="horizontal", strict=True)


def kept_columns(programme: Programme, source: Source, columns: Iterable[str]) -> list[str]:
    """The columns that pass the door, by name: those that items, keys and filters use, and the allow-list.

    What the form of the instrument marks as identifying passes no wildcard of the allow-list: it has to be
    named in full, or pseudonymised.
    """
    door = programme.door(source)
    used = {*key_columns(source).values(), *question_columns(programme, source), *door.keep}
    identifying = identifying_columns(programme, source)
    return sorted(
        name
        for name in columns
        if name in used
        or _matches(name, door.pseudonym)
        or (name not in identifying and _matches(name, door.keep))
    )


def key_columns(source: Source) -> dict[str, str]:
    """The columns that a source's keys and filters name, by the YAML field that names them."""
    keys = source.keys
    mapped = {name: getattr(keys, name) for name in type(keys).model_fields if name != "subgroups"}
    mapped |= {f"subgroups.{dimension}": column for dimension, column in keys.subgroups.items()}
    named = {f"keys.{name}": column.column for name, column in mapped.items() if column is not None}
    if source.wave and source.wave.column:
        named["wave.column"] = source.wave.column
    if source.accept.where:
        named["accept.where.column"] = source.accept.where.column
    if source.first_per_unit:
        named["first_per_unit"] = source.first_per_unit
    return named


def question_columns(programme: Programme, source: Source) -> list[str]:
    """The columns that the items which the YAML of a source's instrument names read."""
    items = programme.instrument(source.instrument).items if source.instrument else {}
    written = [item for item in items.values() if not isinstance(item, DerivedItem)]
    return [question for item in written for question in item.question]


def identifying_columns(programme: Programme, source: Source) -> frozenset[str]:
    """The columns that the form of a source's instrument marks as identifying."""
    form = programme.forms.get(source.instrument or "")
    return form.identifying_columns() if form else frozenset()


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) or name == glob for glob in globs)
