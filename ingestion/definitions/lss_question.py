"""The questions of a LimeSurvey survey: the columns each fills, what these hold, and its codes.

In: `Rows`, the survey's tables as plain rows, whatever they were read from. Out: `Field`s, `Choice`s and
notes. XML and JSON are not known here.

Facts it rests on: a question's type is one character; a subquestion's column is `Q[SQ001]`, that of a table
of numbers or texts `Q[SY001_SX001]`, that of a double scale `Q[SQ001][1]`; the free text beside a list is
`Q[other]`, a comment `Q[comment]` or `Q[SQ001comment]`, a rank `Q[1]`. Expressions call the same things
`Q_SQ001`, `Q_SY001_SX001`, `Q_SQ001_0`, `Q_other` and so on, which is a field's name and path here.
`mandatory` is Y, N or S (soft: it may be passed over).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ingestion.definitions.field import Choice, Field, FieldType
from ingestion.definitions.lss_rows import Row, Rows

_PLAIN: Mapping[str, FieldType] = {
    "N": "number",
    "S": "text",
    "T": "text",
    "U": "text",
    "I": "text",
    "*": "text",
    "D": "date",
    "X": "none",
}
_BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "5": ("1", "2", "3", "4", "5"),
    "A": ("1", "2", "3", "4", "5"),
    "B": tuple(str(point) for point in range(1, 11)),
    "C": ("Y", "N", "U"),
    "E": ("I", "S", "D"),
    "G": ("F", "M"),
    "Y": ("Y", "N"),
}
_CODED_ARRAYS = frozenset("ABCEFH")
_WITH_OTHER = frozenset("L!MP")
_ARRAYS: Mapping[str, FieldType] = {"K": "number", "Q": "text"}
_OTHER = "-oth-"


def fields_of(rows: Rows) -> tuple[tuple[Field, ...], tuple[Choice, ...], tuple[str, ...]]:
    """Fields and choices in the survey's order, and what was passed over."""
    conditions = {row.get("gid", ""): row.get("grelevance", "") for row in rows.groups}
    places = {row.get("gid", ""): _order(row, "group_order") for row in rows.groups}
    fields: list[Field] = []
    choices: list[Choice] = []
    notes: list[str] = []
    for row in sorted(
        rows.questions, key=lambda row: (places.get(row.get("gid", ""), 0), _order(row, "question_order"))
    ):
        question = _Question(rows, row, conditions.get(row.get("gid", ""), ""))
        fields += question.fields()
        choices += question.choices()
        notes += question.notes
    return _with_own_columns(fields, notes), tuple(choices), tuple(notes)


class _Question:
    """One question with its subquestions, answers and attributes."""

    def __init__(self, rows: Rows, row: Row, group_condition: str) -> None:
        self.rows, self.row = rows, row
        self.code, self.type, self.qid = row.get("title", ""), row.get("type", ""), row.get("qid", "")
        self.group_condition = group_condition
        self.notes: list[str] = []
        children = [each for each in rows.subquestions if each.get("parent_qid") == self.qid]
        children.sort(key=lambda each: _order(each, "question_order"))
        self.down = [each for each in children if each.get("scale_id", "0") in ("", "0")]
        self.across = [each for each in children if each.get("scale_id") == "1"]

    def attribute(self, name: str) -> str:
        return self.rows.attributes.get((self.qid, name), "").strip()

    def fields(self) -> Iterator[Field]:
        """Its fields in the order of an export's columns."""
        yield from self._answered()
        if self.row.get("other") == "Y" and self.type in _WITH_OTHER:
            yield self._field("other", "text", is_required=False)
            if self.type == "P":
                yield self._field("othercomment", "text", is_required=False)
        if self.type == "O":
            yield self._field("comment", "text", is_required=False)
        for name in ("date_min", "date_max", "min_answers", "max_answers"):
            if value := self.attribute(name):
                self.notes.append(f"{self.code}: its {name} is not checked: {value}")
        if self.type in ("M", "P") and self.row.get("mandatory") == "Y":
            self.notes.append(f"{self.code}: at least one answer must be ticked, which is not checked")

    def choices(self) -> Iterator[Choice]:
        """Its codes."""
        for code in _BUILT_IN.get(self.type, ()):
            yield Choice(self.code, code, {}, code)
        listed = [each for each in self.rows.answers if each.get("qid") == self.qid]
        for row in sorted(listed, key=lambda each: (each.get("scale_id", "0"), _order(each, "sortorder"))):
            scale, code = row.get("scale_id") or "0", row.get("code", "")
            labels = dict(self.rows.answer_texts.get((self.qid, scale, code), {}))
            yield Choice(self._list(scale), code, labels, code)
        if self.row.get("other") == "Y" and self.type in ("L", "!"):
            yield Choice(self.code, _OTHER, {}, _OTHER)

    def _answered(self) -> Iterator[Field]:
        kind = self.type
        if kind in _PLAIN:
            yield self._field("", self._entered(_PLAIN[kind]))
        elif kind in ("L", "!", "O", "5", "G", "Y"):
            yield self._field("", "select_one", choice_list=self.code)
        elif kind in ("M", "P"):
            for row in self.down:
                yield self._field(row.get("title", ""), "boolean", row, is_required=False)
                if kind == "P":
                    yield self._field(row.get("title", "") + "comment", "text", row, is_required=False)
        elif kind in _CODED_ARRAYS:
            for row in self.down:
                yield self._field(row.get("title", ""), "select_one", row, choice_list=self.code)
        elif kind in _ARRAYS:
            for row in self.down:
                yield self._field(row.get("title", ""), self._entered(_ARRAYS[kind]), row)
        elif kind == "1":
            for row in self.down:
                for scale in ("0", "1"):
                    code = row.get("title", "")
                    column = f"{self.code}[{code}][{int(scale) + 1}]"
                    coded = self._list(scale)
                    yield self._field(f"{code}_{scale}", "select_one", row, choice_list=coded, column=column)
        elif kind in (":", ";"):
            for row in self.down:
                for other in self.across:
                    cell = f"{row.get('title', '')}_{other.get('title', '')}"
                    yield self._field(cell, self._entered("number" if kind == ":" else "text"), row)
        elif kind == "R":
            count = sum(each.get("qid") == self.qid for each in self.rows.answers) or len(self.down)
            for rank in range(1, count + 1):
                yield self._field(str(rank), "select_one", choice_list=self.code, is_required=False)
        elif kind == "|":
            yield self._field("", "attachment")
            yield self._field("filecount", "integer", is_required=False)
        else:
            self.notes.append(f"{self.code}: the columns of a question of type '{kind}' are not known")
            yield self._field("", "text", is_required=False)

    def _entered(self, kind: FieldType) -> FieldType:
        """A number may be whole, or a box to tick; a date may have a time."""
        if kind == "number" and self.attribute("num_value_int_only") == "1":
            return "integer"
        if kind == "number" and self.attribute("multiflexible_checkbox") == "1":
            return "boolean"
        return "datetime" if kind == "date" and "H" in self.attribute("date_format").upper() else kind

    def _field(
        self,
        part: str,
        kind: FieldType,
        row: Row | None = None,
        *,
        choice_list: str | None = None,
        is_required: bool | None = None,
        column: str = "",
    ) -> Field:
        name = f"{self.code}_{part}" if part else self.code
        column = column or (f"{self.code}[{part}]" if part else self.code)
        # Expressions count the scales of a double one from 0, headings from 1: `Q_SQ001_1` would be either.
        called = () if self.type == "1" else (name,)
        of_part = row.get("relevance", "") if row else ""
        is_number = kind in ("number", "integer")
        low, high = self._limits(name) if is_number else (None, None)
        checked = self.attribute("em_validation_sq" if row else "em_validation_q") or self.row.get("preg", "")
        return Field(
            name=name,
            path=name,
            type=kind,
            choice_list=choice_list,
            is_required=self.row.get("mandatory") == "Y" if is_required is None else is_required,
            constraint=checked or None if kind != "none" and is_required is None else None,
            relevance=_all_of(self.group_condition, self.row.get("relevance", ""), of_part),
            low=low,
            high=high,
            unit=self.attribute("suffix") or None if is_number else None,
            is_identifier=self.row.get("encrypted") == "Y",
            labels=self._labels(row),
            columns=() if kind == "none" else tuple(dict.fromkeys((column, *called))),
            line=int(self.row.get("line") or 0),
        )

    def _limits(self, name: str) -> tuple[float | None, float | None]:
        kinds = (
            ("multiflexible_min", "multiflexible_max")
            if self.type == ":"
            else ("min_num_value_n", "max_num_value_n")
        )
        found: list[float | None] = []
        for kind in kinds:
            value = self.attribute(kind)
            try:
                found.append(float(value) if value else None)
            except ValueError:
                found.append(None)
                self.notes.append(f"{name}: its {kind} is an expression, which is not checked: {value}")
        return found[0], found[1]

    def _labels(self, row: Row | None) -> dict[str, str]:
        own = self.rows.texts.get(self.qid, {})
        part = self.rows.texts.get(row.get("qid", ""), {}) if row else {}
        return {
            name: " - ".join(filter(None, [own.get(name, ""), part.get(name, "")]))
            for name in dict.fromkeys([*own, *part])
        }

    def _list(self, scale: str) -> str:
        return self.code if scale == "0" else f"{self.code}#{scale}"


def _all_of(*conditions: str) -> str | None:
    """Conditions as one expression; blank and `1` always hold."""
    listed = [each.strip() for each in conditions if each.strip() not in ("", "1")]
    if len(listed) < 2:
        return listed[0] if listed else None
    return " and ".join(f"({each})" for each in listed)


def _order(row: Row, name: str) -> int:
    value = row.get(name, "")
    return int(value) if value.isdecimal() else 0


def _with_own_columns(fields: list[Field], notes: list[str]) -> tuple[Field, ...]:
    """The fields without the names that two of them bear, of which none can be sure."""
    claimed = Counter(column for each in fields for column in each.columns)
    twice = sorted(column for column, count in claimed.items() if count > 1)
    notes += [f"{column}: two questions bear this code, so that its column is nobody's" for column in twice]
    return tuple(
        replace(each, columns=tuple(column for column in each.columns if claimed[column] == 1))
        for each in fields
    )
