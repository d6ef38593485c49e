"""Checks of sources against each other: none claims another's submissions, and rounds agree.

In: `Declared`. Out: faults. Two sources that would read the same submissions are a warning, not an error:
the pull gives them to the source that stands first and marks the other, so that every other site publishes.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path, PurePath

from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault
from ingestion.programme.model import Source


def check_source_pairs(declared: Declared) -> Iterator[Fault]:
    """Faults between two entries of sources.yml, each told at the later one."""
    sources = [(declaration, declaration.value) for declaration in declared.sources if declaration.value]
    files = {source.source: _files(declared.folder, source) for _, source in sources}
    for (_, one), (declaration, other) in combinations(sources, 2):
        is_same_survey = one.role == other.role == "survey" and one.instrument == other.instrument
        if is_same_survey and not _kept_apart(one, other):
            shared = {path.relative_to(declared.folder) for path in files[one.source] & files[other.source]}
            yield from _same_submissions(declaration, one, other, shared)
        is_same_round = one.is_frame and other.is_frame and one.round == other.round
        if is_same_round and one.is_randomised != other.is_randomised:
            message = f"'{one.source}' has the same round, '{one.round}', but is_randomised differs"
            yield declaration.fault("is_randomised", message, "give what was not randomised its own round")


def _files(folder: Path, source: Source) -> set[Path]:
    if source.pull.drop is None or source.pull.is_remote:
        return set()
    try:
        return set(folder.glob(source.pull.drop))
    except (ValueError, NotImplementedError):
        return set()  # check_sources tells that the pattern is none


def _kept_apart(one: Source, other: Source) -> bool:
    """Whether no row can meet the accept conditions of both."""
    first, second = one.accept, other.accept
    conditions = [accept.where for accept in (first, second) if accept.where]
    if len({condition.column for condition in conditions}) == 1 and len(conditions) == 2:
        is_disjoint = not set(conditions[0].in_) & set(conditions[1].in_)
    else:
        is_disjoint = False
    pairs = ((first.to_date, second.from_date), (second.to_date, first.from_date))
    return is_disjoint or any(end and start and end < start for end, start in pairs)


def _same_submissions(
    declaration: Declaration[Source], one: Source, other: Source, shared: set[Path]
) -> Iterator[Fault]:
    first, second = one.pull, other.pull
    remedy = f"remove one of the two, or divide the rows with accept, here and in '{one.source}'"
    if first.model_copy(update={"mode": second.mode}) == second:
        message = f"it pulls the same submissions as the source '{one.source}'"
        yield declaration.warning("pull", message, remedy)
    elif first.drop and second.drop:
        is_within = PurePath(first.drop).match(second.drop) or PurePath(second.drop).match(first.drop)
        if shared or is_within:
            example = f", e.g. {min(shared).as_posix()}" if shared else ""
            message = f"its drop pattern matches files of the source '{one.source}'{example}"
            yield declaration.warning("pull.drop", message, remedy)
