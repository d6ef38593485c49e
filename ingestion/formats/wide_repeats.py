"""Repeats written side by side, `age_1, age_2, age_3`, folded into rows of their own.

In: the cells of a table, and which questions each repeat has, as a form definition or YAML tells. Out: a
frame for every repeat. Nothing is guessed from names: `item_1` and `item_2` may well be two questions.

A column belongs to a question of a repeat when its name is the question's and a number for each repeat that
it lies in, the outermost first: `test_2_1` is the first entry of the repeat within the second of the outer
one. Where one question's name is another's and a number, the column goes to the longest name.

An entry is there where any of its cells is filled, or an entry within it is: the export has as many columns
as the largest household has entries, and does not tell an empty entry from none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

ROW, PARENT_ROW, LINE = "(row)", "(parent row)", "(line)"
Entry = tuple[int, ...]


def fold_repeats(
    cells: pl.DataFrame, repeats: Mapping[str, Sequence[str]], parents: Mapping[str, str] | None = None
) -> dict[str, pl.DataFrame]:
    """Folds numbered columns into rows.

    Args:
        cells: Columns of type String, blank cells NULL.
        repeats: Name of a repeat -> its own questions, without those of repeats within it.
        parents: Name of a repeat -> the repeat it lies in; those not named lie in the form itself.

    Returns:
        For every repeat, also one without entries, a frame in the order of rows and entries: `(line)`, the
        place of the row of `cells` from 0; `(row)`, the entry's place in it, such as `/child[2]/test[1]`;
        `(parent row)`, NULL in the form itself; then the questions, NULL where an entry lacks them.

    Raises:
        ValueError: A repeat lies in one that is not told, or in itself, or two have a question in common.
    """
    chains = {name: _chain(name, repeats, parents or {}) for name in repeats}
    owners: dict[str, str] = {}
    for name, questions in repeats.items():
        for question in questions:
            if owners.setdefault(question, name) != name:
                raise ValueError(f"the question '{question}' is told of two repeats")
    found: dict[str, dict[Entry, dict[str, str]]] = {name: {} for name in repeats}
    for column, question, entry in _numbered(cells.columns, owners, chains):
        found[owners[question]].setdefault(entry, {})[question] = column
    for name, entries in found.items():
        for outer, depth in zip(chains[name][:-1], range(1, len(chains[name])), strict=True):
            for entry in entries:
                found[outer].setdefault(entry[:depth], {})
    filled = {
        name: {entry: _filled(cells, columns) for entry, columns in found[name].items()} for name in found
    }
    for name in sorted(repeats, key=lambda each: len(chains[each]), reverse=True):
        if len(chains[name]) > 1:
            above = filled[chains[name][-2]]
            for entry, mask in filled[name].items():
                above[entry[:-1]] = above[entry[:-1]] | mask
    return {
        name: _rows(cells, questions, chains[name], found[name], filled[name])
        for name, questions in repeats.items()
    }


def folded_columns(
    columns: Sequence[str], repeats: Mapping[str, Sequence[str]], parents: Mapping[str, str] | None = None
) -> frozenset[str]:
    """The columns that `fold_repeats` would fold, which are none of the form's own any more."""
    chains = {name: _chain(name, repeats, parents or {}) for name in repeats}
    owners = {question: name for name, questions in repeats.items() for question in questions}
    return frozenset(column for column, _, _ in _numbered(columns, owners, chains))


def _chain(name: str, repeats: Mapping[str, Sequence[str]], parents: Mapping[str, str]) -> list[str]:
    """The repeats that a repeat lies in, outermost first, and itself."""
    chain = [name]
    while chain[0] in parents:
        if parents[chain[0]] not in repeats or parents[chain[0]] in chain:
            raise ValueError(f"the repeat '{chain[0]}' lies in '{parents[chain[0]]}', which cannot hold it")
        chain.insert(0, parents[chain[0]])
    return chain


def _numbered(
    columns: Sequence[str], owners: Mapping[str, str], chains: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, Entry]]:
    """The columns of repeats: their name, their question and the numbers behind it."""
    for column in columns:
        if column in owners:
            continue
        parts = column.split("_")
        for cut in range(len(parts) - 1, 0, -1):
            question, numbers = "_".join(parts[:cut]), parts[cut:]
            is_entry = all(re.fullmatch("[1-9][0-9]{0,5}", number) for number in numbers)
            if not is_entry:
                break
            if question in owners and len(numbers) == len(chains[owners[question]]):
                yield column, question, tuple(map(int, numbers))
                break


def _filled(cells: pl.DataFrame, columns: Mapping[str, str]) -> pl.Series:
    if not columns:
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, cells.height)
    return cells.select(pl.any_horizontal(pl.col(list(columns.values())).is_not_null())).to_series()


def _rows(
    cells: pl.DataFrame,
    questions: Sequence[str],
    chain: Sequence[str],
    found: Mapping[Entry, Mapping[str, str]],
    filled: Mapping[Entry, pl.Series],
) -> pl.DataFrame:
    numbered = cells.with_columns(pl.int_range(cells.height, dtype=pl.Int64).alias(LINE))
    parts = [_nothing(questions)]
    for entry, columns in sorted(found.items()):
        steps = [f"/{name}[{number}]" for name, number in zip(chain, entry, strict=True)]
        own = {ROW: pl.lit("".join(steps)), PARENT_ROW: pl.lit("".join(steps[:-1]) or None, dtype=pl.String)}
        asked = {
            question: pl.col(columns[question]) if question in columns else pl.lit(None, dtype=pl.String)
            for question in questions
        }
        parts.append(numbered.filter(filled[entry]).select(LINE, **own, **asked))
    return pl.concat(parts).sort(LINE, maintain_order=True)


def _nothing(questions: Sequence[str]) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {LINE: pl.Int64()}
    return pl.DataFrame(schema=schema | dict.fromkeys([ROW, PARENT_ROW, *questions], pl.String()))
