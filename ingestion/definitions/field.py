"""What a form definition says, whatever language it is written in: fields, choices, and its oddities.

In: values from the readers of the form languages. Out: `Definition`. How a file is read, what an expression
means in SQL and which items an instrument has are not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["xlsform", "odk_xml", "redcap", "qualtrics", "limesurvey", "labels"]
FieldType = Literal[
    "text",
    "integer",
    "number",
    "boolean",
    "select_one",
    "select_multiple",
    "date",
    "time",
    "datetime",
    "location",
    "attachment",
    "none",
]


@dataclass(frozen=True)
class Field:
    """One question, calculation or note of a form.

    Attributes:
        name: Its own name, e.g. `age`.
        path: Names of its groups and its own, `/` between them, e.g. `household/head/age`.
        type: Type of its answer; `none` for notes and for structure that holds no answer.
        choice_list: The list its codes come from, or None.
        is_required: Whether it must be answered wherever it is relevant.
        constraint: What an answer must satisfy, verbatim in the form's language, or None.
        relevance: When it is asked, its groups' conditions included; verbatim; or None: always.
        required: Condition under which it must be answered, where that is not always or never; or None.
        low: Smallest answer the form allows, where it states one apart from the constraint, in its unit.
        high: Largest one.
        unit: Unit that the form states for it, or None.
        is_identifier: The form marks it as identifying, or its type is (location, attachment, phone).
        labels: Question text by language; `""` where the form names no language.
        repeat: Path of the innermost repeat it lies in, or None.
        columns: Names it may bear in exports, the preferred first.
        missing: Codes of no answer -> their meaning, where the definition declares them.
        line: Row or line of the definition's file.
    """

    name: str
    path: str
    type: FieldType
    choice_list: str | None = None
    is_required: bool = False
    constraint: str | None = None
    relevance: str | None = None
    required: str | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    is_identifier: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    repeat: str | None = None
    columns: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class Choice:
    """One answer code of a list.

    Attributes:
        choice_list: The list.
        code: The code as exports hold it.
        labels: Its text by language; `""` where the form names no language.
        number: The form's own number of the choice, by which its conditions point to it, where it has one.
    """

    choice_list: str
    code: str
    labels: Mapping[str, str] = field(default_factory=dict)
    number: str = ""


@dataclass(frozen=True)
class Definition:
    """One form.

    Attributes:
        language: The language its expressions are written in.
        title: The form's title, or its file's name.
        version: The form's version, or blank.
        fields: Its fields in the form's order.
        choices: Its choices in the form's order.
        notes: What the tolerant reader met and passed over, with its line.
    """

    language: Language
    title: str
    version: str
    fields: tuple[Field, ...]
    choices: tuple[Choice, ...] = ()
    notes: tuple[str, ...] = ()
