"""Privacy at the door of the lake: an allow-list of columns, and in what guise they pass.

In: a programme's doors. Out: which columns pass as they are, which as pseudonyms, which made coarse. How that
is done is the matter of `pseudonyms` and `coarsening`; what nobody has decided about stops a source, which is
`unclassified`'s.
"""

from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase

from ingestion.door.coarsening import grid_of, is_beside_the_place
from ingestion.programme.model import DerivedItem, Programme, Source
from ingestion.programme.model_sources import Hidden
from ingestion.programme.words import IdKind


def units_are_pseudonymous(programme: Programme) -> bool:
    """Whether any source hides its unit's id; then every source's unit ids are pseudonymised."""
    return _unit_kind(programme) is not None


def pseudonym_columns(programme: Programme, source: Source, columns: Iterable[str]) -> dict[str, IdKind]:
    """The columns of a source that are pseudonymised, among those given, and what each holds."""
    hidden = programme.door(source).pseudonym
    own: dict[str, IdKind] = {}
    if unit_kind := _unit_kind(programme):
        keys = source.keys
        # A record's own id often holds the unit's.
        own = {keys.record.column: "id"} if keys.record else {}
        own |= {key.column: unit_kind for key in (keys.unit, keys.replaces) if key}
    kinds = {name: _kind_of(name, hidden) or own.get(name) for name in columns}
    return {name: kind for name, kind in kinds.items() if kind}


def pseudonymises(programme: Programme, source: Source) -> bool:
    """Whether a source needs the key."""
    return bool(programme.door(source).pseudonym) or units_are_pseudonymous(programme)


def coarse_columns(programme: Programme, source: Source, columns: Iterable[str]) -> dict[str, Decimal]:
    """The columns of a source that are made coarse, among those given, and the grid of each."""
    door = programme.door(source)
    hidden = pseudonym_columns(programme, source, columns)
    grids = {name: grid_of(name, door.coarsen) for name in columns if name not in {*hidden, *door.keep}}
    return {name: grid for name, grid in grids.items() if grid}


def kept_columns(programme: Programme, source: Source, columns: Iterable[str]) -> list[str]:
    """The columns that pass the door, by name: those that items, keys and filters use, and the allow-list.

    What the form of the instrument marks as identifying passes no wildcard of the allow-list: it has to be
    named in full, pseudonymised or made coarse. Of a place that is made coarse, altitude and accuracy stay.
    """
    columns = list(columns)
    by_glob = kept_by_glob(programme, source, columns) - identifying_columns(programme, source)
    return sorted(set(_decided(programme, source, columns)) | by_glob)


def kept_by_glob(programme: Programme, source: Source, columns: Iterable[str]) -> set[str]:
    """The columns that a wildcard of the allow-list lets in, and of which the YAML says nothing else."""
    door = programme.door(source)
    columns = list(columns)
    decided = {*_decided(programme, source, columns), *_beside_coarse(programme, source, columns)}
    return {
        name
        for name in columns
        if name not in decided and _matches(name, door.keep) and not _matches(name, door.drop)
    }


def key_columns(source: Source) -> dict[str, str]:
    """The columns that a source's keys and filters name, by the YAML field that names them."""
    keys = source.keys
    by_name = {"subgroups", "covariates"}
    mapped = {name: getattr(keys, name) for name in type(keys).model_fields if name not in by_name}
    mapped |= {f"subgroups.{dimension}": column for dimension, column in keys.subgroups.items()}
    mapped |= {f"covariates.{covariate}": column for covariate, column in keys.covariates.items()}
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


def _decided(programme: Programme, source: Source, columns: list[str]) -> list[str]:
    """The columns that pass because the YAML speaks of them."""
    used = {*key_columns(source).values(), *question_columns(programme, source), *programme.door(source).keep}
    hidden = pseudonym_columns(programme, source, columns)
    coarse = coarse_columns(programme, source, columns)
    coarse = {name: grid for name, grid in coarse.items() if not is_beside_the_place(name)}
    return [name for name in columns if name in used or name in hidden or name in coarse]


def _beside_coarse(programme: Programme, source: Source, columns: list[str]) -> list[str]:
    coarse = coarse_columns(programme, source, columns)
    return [name for name in coarse if is_beside_the_place(name)]


def _unit_kind(programme: Programme) -> IdKind | None:
    """What the units' ids are, where a source hides them."""
    kinds = (_kind_of(each.keys.unit.column, programme.door(each).pseudonym) for each in programme.sources)
    return next(filter(None, kinds), None)


def _kind_of(name: str, hidden: Iterable[Hidden]) -> IdKind | None:
    """What a hidden column holds: as its own name says, else as the first glob does."""
    named = [each.as_ for each in hidden if each.column == name]
    globbed = [each.as_ for each in hidden if fnmatchcase(name, each.column)]
    return next(iter(named + globbed), None)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) or name == glob for glob in globs)
