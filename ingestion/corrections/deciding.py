"""What becomes of every row of a log, cell by cell: applied, listed with its reason, or kept as it was.

In: the rows of all logs in their order, and the cells that they name. Out: a state and a reason for each, the
new content of cells, and the rows that are removed. The order is that of the log: a later row is compared
with what an earlier one has left. Reasons name no value.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingestion.corrections.answers import spelling, written
from ingestion.corrections.log_rows import LogRow
from ingestion.programme.model_instruments import Item

State = Literal["applied", "listed", "kept"]
Place = tuple[str, str]
"""A table, and the id of one of its rows."""

NOT_COMPARED = "its old value is blank, so it was applied without comparing"
ALREADY = "the cell already holds it"


@dataclass(frozen=True)
class Question:
    """One column that a log may name.

    Attributes:
        column: The column of the lake.
        item: What it asks, where an instrument tells.
        why_not: Why no log may change it; blank: one may.
    """

    column: str
    item: Item | None = None
    why_not: str = ""


@dataclass
class Decided:
    """What becomes of the rows.

    Attributes:
        told: State and reason of every row, in the order given.
        cells: By table and column: record id -> new content, None for blank.
        removed: By table: ids of the rows that a log removes.
    """

    told: list[tuple[State, str]] = field(default_factory=list)
    cells: dict[tuple[str, str], dict[str, str | None]] = field(default_factory=lambda: defaultdict(dict))
    removed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def decide(
    rows: Sequence[LogRow],
    places: Sequence[Place | None],
    questions: Sequence[Question | None],
    cells: Mapping[Place, Mapping[str, str | None]],
    missing: Mapping[str, str],
) -> Decided:
    """Decides about every row.

    Args:
        rows: The rows, in the order in which they apply.
        places: Where the submission of each stands; None: nowhere.
        questions: The question of each; None: there is none of that name.
        cells: The cells as they were read, NULL for blank.
        missing: Codes of no answer -> their meaning.
    """
    decided = Decided()
    for row, place in zip(rows, places, strict=True):
        if row.action == "remove" and place is not None:
            decided.removed[place[0]].add(place[1])
    contradicted = _contradicted(rows, places, questions, cells, missing)
    for number, (row, place, question) in enumerate(zip(rows, places, questions, strict=True)):
        told = _without_a_cell(row, place, question, decided)
        if told is None and number in contradicted:
            told = "listed", "another row says something else of the same answer"
        if told is None and place is not None and question is not None:
            now = decided.cells[place[0], question.column].get(place[1], cells[place].get(question.column))
            told, new = _cell(row, question.item, now or "", missing)
            if told[0] == "applied" and told[1] != ALREADY:
                decided.cells[place[0], question.column][place[1]] = new
        decided.told.append(told or ("listed", "no submission of this key is in the source"))
    return decided


def _without_a_cell(
    row: LogRow, place: Place | None, question: Question | None, decided: Decided
) -> tuple[State, str] | None:
    """What is told of a row before its cell is looked at."""
    if row.action is None:
        return "listed", "its action is neither change, blank, remove nor keep, and no map says which"
    if row.action == "keep":
        return "kept", "it asks for no change"
    if place is None:
        return "listed", "no submission of this key is in the source"
    if row.action == "remove":
        return "applied", ""
    if place[1] in decided.removed[place[0]]:
        return "listed", "the submission is removed by a row of the log"
    if question is None:
        return "listed", "no question of this name has passed the door"
    return ("listed", question.why_not) if question.why_not else None


def _cell(
    row: LogRow, item: Item | None, now: str, missing: Mapping[str, str]
) -> tuple[tuple[State, str], str | None]:
    """What becomes of one cell: state and reason, and the new content."""
    new = "" if row.action == "blank" else row.new
    wanted = spelling(item, new, missing, now)
    if row.action == "change" and not new:
        return ("listed", "it changes an answer to nothing; write blank as its action"), None
    if wanted is None:
        return ("listed", "its new value cannot be read as an answer to this question"), None
    held = spelling(item, now, missing, now)
    if held == wanted:
        return ("applied", ALREADY), None
    if row.old and spelling(item, row.old, missing, now) not in {held} - {None} and row.old != now.strip():
        return ("listed", "its old value is not what the cell holds"), None
    content = written(item, new, now) if new else None
    return ("applied", "" if row.old or not now else NOT_COMPARED), content


def _contradicted(
    rows: Sequence[LogRow],
    places: Sequence[Place | None],
    questions: Sequence[Question | None],
    cells: Mapping[Place, Mapping[str, str | None]],
    missing: Mapping[str, str],
) -> set[int]:
    """Rows that want different things of one cell of which the same was said to stand there before."""
    wanted: dict[tuple[Place, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (row, place, question) in enumerate(zip(rows, places, questions, strict=True)):
        if row.action in ("change", "blank") and place is not None and question is not None:
            now = cells[place].get(question.column) or ""
            new = "" if row.action == "blank" else row.new
            old = spelling(question.item, row.old, missing, now)
            new_spelling = spelling(question.item, new, missing, now)
            if new_spelling is not None:
                key = place, question.column, row.old if old is None else old
                wanted[key][new_spelling].append(number)
    return {number for news in wanted.values() if len(news) > 1 for each in news.values() for number in each}
