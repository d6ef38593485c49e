"""What a name in a form's rule refers to: the question itself, another question, the row of a repeat.

In: the form's fields and the items they feed. Out: `Term`s, or `Untranslatable` where the name means no
item, or one that has many answers beside this question. How references are spelled is the languages'
matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ingestion.definitions.field import Choice, Definition, Field, FieldType
from ingestion.definitions.logic import Reading, Term, Untranslatable, answer_to

_READINGS: Mapping[FieldType, Reading] = {
    "integer": "number",
    "number": "number",
    "date": "date",
    "time": "time",
    "datetime": "time",
}


@dataclass(frozen=True)
class FieldReferences:
    """The references of one form, as one of its fields sees them.

    Attributes:
        field: The field whose rule is read; None for the form as a whole.
        items: Path of a field -> the item it feeds.
        by_path: The form's fields by path.
        by_name: The form's fields by what they may be called: names and export columns.
        choices: The form's choices by list.
    """

    field: Field | None
    items: Mapping[str, str]
    by_path: Mapping[str, Field]
    by_name: Mapping[str, tuple[Field, ...]]
    choices: Mapping[str, tuple[Choice, ...]]

    @classmethod
    def of(cls, definition: Definition, items: Mapping[str, str]) -> "FieldReferences":
        """The references of a form, not yet as seen from a field."""
        names: dict[str, list[Field]] = {}
        for field in definition.fields:
            names.setdefault(field.name, []).append(field)
        for field in definition.fields:
            for column in field.columns:
                # A name of its own comes before a column's, which may be another question's name.
                if column not in names or field in names[column]:
                    names[column] = [field]
        choices: dict[str, list[Choice]] = {}
        for choice in definition.choices:
            choices.setdefault(choice.choice_list, []).append(choice)
        return cls(
            None,
            items,
            {field.path: field for field in definition.fields},
            {name: tuple(fields) for name, fields in names.items()},
            {name: tuple(listed) for name, listed in choices.items()},
        )

    def of_field(self, field: Field) -> "FieldReferences":
        """The same references, as this field sees them."""
        return replace(self, field=field)

    def itself(self) -> Term:
        """The question's own answer."""
        own = self.own
        if own.type == "none":
            raise Untranslatable("the question is a note, which has no answer")
        if own.path not in self.items:
            raise Untranslatable("the question itself is no item of the instrument")
        return self.answer(own)

    def named(self, name: str) -> Term:
        """The answer to the question of this name."""
        return self.answer(self.field_named(name))

    def field_named(self, name: str) -> Field:
        """The field of this name, the nearest where several bear it."""
        found = self.by_name.get(name, ())
        if not found:
            raise Untranslatable(f"the form has no question '{name}'")
        if len(found) > 1:
            found = tuple(field for field in found if field.repeat == self.own.repeat)
        if len(found) != 1:
            raise Untranslatable(f"the form has several questions '{name}'")
        return found[0]

    def at(self, path: str) -> Term:
        """The answer to the question at an absolute path, or at one relative to the question."""
        steps = [step for step in path.removeprefix("current()").split("/") if step]
        if path.startswith("/"):
            # The first step is the form itself.
            place = steps[1:]
        else:
            place = self.own.path.split("/")
            for step in steps:
                if step == "..":
                    place = place[:-1]
                elif step != ".":
                    place = [*place, step]
        found = self.by_path.get("/".join(place))
        # A condition inherited from a group tells its paths from that group: then its name must do.
        return self.answer(found) if found else self.named(steps[-1])

    def row(self) -> Term:
        """The number of the repeat's row that the question stands in, from 1."""
        if self.own.repeat is None:
            raise Untranslatable("the question stands in no repeat")
        return Term("number", "row_position()")

    @property
    def own(self) -> Field:
        """The field whose rule is read."""
        if self.field is None:
            raise Untranslatable("it belongs to no question")
        return self.field

    def answer(self, field: Field) -> Term:
        """The answer to another question, where there is exactly one beside this one."""
        if field.path not in self.items:
            raise Untranslatable(f"'{field.name}' is no item of the instrument")
        if field.repeat is not None and not _is_within(self.own.repeat, field.repeat):
            raise Untranslatable(f"'{field.name}' has an answer in each row of the repeat '{field.repeat}'")
        return answer_to(self.items[field.path], _READINGS.get(field.type))


def _is_within(repeat: str | None, outer: str) -> bool:
    return repeat is not None and (repeat == outer or repeat.startswith(f"{outer}/"))
