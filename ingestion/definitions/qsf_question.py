"""One question of a Qualtrics survey: the columns its answers fill, what each holds, and its lists of codes.

In: a question's payload from a QSF. Out: `Field`s in the order of an export's columns, and `Choice`s. Where
the question stands in the survey, and on what condition, is not known here.

Facts it rests on (matched against real exports, see the tests): a choice has a number, by which conditions
point to it, and a code, which is the number unless `RecodeValues` says otherwise; exports hold and name
codes, those of the old format numbers. Rows of a matrix bear their own tag (`ChoiceDataExportTags`) or
`<question>_<number>`; exports of 2016 put the question's tag before the row's. Several answers stand in one
cell, comma between the codes, or, broken out, in a column per code that holds 1 or nothing. A question in a
question (side by side) bears `<question>#<n>`.

A field's `path` is its import id as exports write it today: `QID4` (a question), `QID4_1` (a row, or one of
several answers), `QID4_1_2` (both), `QID6#1_2`, `QID1_3_TEXT`. Its choice list is the question's id.
"""

from collections.abc import Iterator, Mapping

from ingestion.definitions.field import Choice, Field, FieldType
from ingestion.definitions.qsf_values import Payload, mapping, number, ordered, plain

_ONE_OF = frozenset({"SAVR", "SAHR", "SACOL", "DL", "SB", "NPS"})
_SEVERAL_OF = frozenset({"MAVR", "MAHR", "MACOL", "MSB"})
_PARTS: Mapping[str, tuple[FieldType, tuple[str, ...]]] = {
    "Timing": ("number", ("First Click", "Last Click", "Page Submit", "Click Count")),
    "Meta": ("text", ("Browser", "Version", "Operating System", "Resolution")),
    "FileUpload": ("attachment", ("Id", "Name", "Size", "Type")),
    "Draw": ("attachment", ("Id", "Name", "Size", "Type")),
}
_NUMBER_PER_CHOICE: Mapping[str, FieldType] = {"Slider": "number", "CS": "number", "RO": "integer"}
_ENTERED: Mapping[str, FieldType] = {"TE": "text", "CS": "number", "RO": "integer"}


class Question:
    """One question.

    Args:
        payload: Its payload.
        language: The survey's own language.
        parent: For a question in a question, that one's payload.
    """

    def __init__(self, payload: Payload, language: str, parent: Payload | None = None) -> None:
        self.payload = payload
        self.id = str(payload.get("QuestionID") or "")
        self.tag = str(payload.get("DataExportTag") or self.id)
        self.type = str(payload.get("QuestionType") or "")
        self.selector = str(payload.get("Selector") or "")
        self.sub_selector = str(payload.get("SubSelector") or "")
        self.language = language
        self.choices = ordered(payload, "Choices", "ChoiceOrder") or (
            ordered(parent, "Choices", "ChoiceOrder") if parent else {}
        )
        self.answers = ordered(payload, "Answers", "AnswerOrder")
        self.codes = {key: str(code) for key, code in mapping(payload.get("RecodeValues")).items()}
        self.row_tags = mapping(payload.get("ChoiceDataExportTags"))
        self.settings = mapping(mapping(payload.get("Validation")).get("Settings"))
        self.in_other_languages = {
            name: each for name, each in mapping(payload.get("Language")).items() if isinstance(each, dict)
        }

    @property
    def is_known(self) -> bool:
        """Whether its columns are known to follow from it."""
        known = {"MC", "Matrix", "TE", "DB", "SBS", *_PARTS, *_NUMBER_PER_CHOICE}
        return self.type in known and not (self.type == "MC" and self.selector not in _ONE_OF | _SEVERAL_OF)

    @property
    def is_forced(self) -> bool:
        """Whether it must be answered wherever it is shown."""
        kind = self.settings.get("ForceResponseType", "ON")
        return self.settings.get("ForceResponse") == "ON" and kind != "RequestResponse"

    def code(self, number: str) -> str:
        """The code that exports hold for a choice."""
        return self.codes.get(number) or number

    def labels(self, *path: str) -> dict[str, str]:
        """The question's text by language, and after a dash that of one of its choices or answers."""

        def said(texts: Payload) -> str:
            here = mapping(mapping(texts.get(path[0])).get(path[1])) if path else {}
            return " - ".join(filter(None, [plain(texts.get("QuestionText")), plain(here.get("Display"))]))

        texts = {self.language: self.payload} | self.in_other_languages
        return {name: text for name, each in texts.items() if (text := said(each))}

    def choice_list(self) -> list[Choice]:
        """Its codes: a matrix' answers, else its choices; none where choices are rows of numbers or texts."""
        if self.type == "MC":
            listed, kind = self.choices, "Choices"
        elif self.type == "Matrix" and self.selector not in ("TE", "CS"):
            listed, kind = self.answers, "Answers"
        else:
            return []
        texts = {self.language: self.payload} | self.in_other_languages
        return [
            Choice(
                self.id,
                self.code(number),
                {
                    name: text
                    for name, each in texts.items()
                    if (text := plain(mapping(mapping(each.get(kind)).get(number)).get("Display")))
                },
                number,
            )
            for number in listed
        ]

    def fields(self) -> Iterator[Field]:
        """Its fields, without the conditions on which it is asked."""
        if self.type == "DB":
            yield self._field("", "none", (), {})
        elif self.type == "TE" and self.selector != "FORM":
            kind, low, high = self._entry()
            is_identifier = self.settings.get("ContentType") in ("ValidEmail", "ValidPhone")
            yield self._field(
                "", kind, (self.tag,), self.labels(), low=low, high=high, is_identifier=is_identifier
            )
        elif self.type in ("TE", *_NUMBER_PER_CHOICE):
            yield from self._per_choice()
        elif self.type == "MC":
            yield from self._choices()
        elif self.type == "Matrix":
            yield from self._rows()
        elif self.type == "SBS":
            for payload in mapping(self.payload.get("AdditionalQuestions")).values():
                yield from Question(payload, self.language, self.payload).fields()
        elif self.type in _PARTS:
            kind, parts = _PARTS[self.type]
            for part in parts:
                path = "_" + part.upper().replace(" ", "_")
                yield self._field(path, kind, (f"{self.tag}_{part}",), self.labels(), is_forced=False)
        else:
            yield self._field("", "text", (self.tag,), self.labels(), is_forced=False)

    def inner(self) -> list["Question"]:
        """Itself, or the questions in it."""
        parts = mapping(self.payload.get("AdditionalQuestions")).values() if self.type == "SBS" else ()
        return [Question(payload, self.language, self.payload) for payload in parts] or [self]

    def _field(
        self,
        path: str,
        kind: FieldType,
        columns: tuple[str, ...],
        labels: Mapping[str, str],
        *,
        low: float | None = None,
        high: float | None = None,
        is_forced: bool | None = None,
        is_identifier: bool = False,
    ) -> Field:
        is_coded = kind in ("select_one", "select_multiple")
        return Field(
            name=columns[0] if columns else self.tag,
            path=self.id + path,
            type=kind,
            choice_list=self.id if is_coded else None,
            is_required=self.is_forced if is_forced is None else is_forced,
            low=low,
            high=high,
            is_identifier=is_identifier,
            labels=labels,
            columns=tuple(dict.fromkeys(columns)),
        )

    def _entry(self) -> tuple[FieldType, float | None, float | None]:
        """What is typed in, with its limits."""
        if self.settings.get("ContentType") != "ValidNumber":
            return "text", None, None
        limits = mapping(self.settings.get("ValidNumber"))
        is_whole = str(limits.get("NumDecimals") or "") == "0"
        return "integer" if is_whole else "number", number(limits.get("Min")), number(limits.get("Max"))

    def _per_choice(self) -> Iterator[Field]:
        """A number or text for each choice: form, slider, constant sum, rank order."""
        kind, low, high = self._entry() if self.type == "TE" else (_NUMBER_PER_CHOICE[self.type], None, None)
        if self.type == "Slider":
            shown = mapping(self.payload.get("Configuration"))
            low, high = number(shown.get("CSSliderMin")), number(shown.get("CSSliderMax"))
        for choice in self.choices:
            labels = self.labels("Choices", choice)
            names = self._names(choice, self.tag)
            yield self._field(f"_{choice}", kind, names, labels, low=low, high=high)
            yield from self._text(choice, names, labels)

    def _choices(self) -> Iterator[Field]:
        """Multiple choice: one cell, or broken out; texts beside choices."""
        is_several = self.selector in _SEVERAL_OF
        yield self._field("", "select_multiple" if is_several else "select_one", (self.tag,), self.labels())
        if self.selector == "NPS":
            yield self._field(
                "_NPS_GROUP", "text", (f"{self.tag}_NPS_GROUP",), self.labels(), is_forced=False
            )
        told = [choice for choice, said in self.choices.items() if mapping(said).get("TextEntry")]
        for choice in self.choices:
            labels = self.labels("Choices", choice)
            names = (f"{self.tag}_{self.code(choice)}", f"{self.tag}_{choice}")
            if is_several:
                yield self._field(f"_{choice}", "boolean", names, labels, is_forced=False)
            alone = (self.tag,) if told == [choice] and not is_several else ()
            yield from self._text(choice, names + alone, labels)
        if len(told) > 1 and not is_several:
            # Exports of 2016 have one text column for whichever choice it belongs to.
            yield self._field("_TEXT", "text", (f"{self.tag}_TEXT",), self.labels(), is_forced=False)

    def _rows(self) -> Iterator[Field]:
        """A matrix: an answer, several answers, a text or a number per row."""
        entered = _ENTERED.get(self.selector)
        is_several = self.sub_selector == "MultipleAnswer"
        for row in self.choices:
            labels = self.labels("Choices", row)
            names = self._names(row, self.tag)
            if entered is None:
                kind: FieldType = "select_multiple" if is_several else "select_one"
                yield self._field(f"_{row}", kind, names, labels)
            for answer in self.answers if entered or is_several else ():
                ends = [self.code(answer), answer]
                broken_out = tuple(f"{name}_{end}" for end in dict.fromkeys(ends) for name in names)
                if entered:
                    broken_out += tuple(f"{name}_TEXT" for name in broken_out)
                yield self._field(
                    f"_{row}_{answer}",
                    entered or "boolean",
                    broken_out,
                    labels,
                    is_forced=bool(entered) and None,
                )
            yield from self._text(row, (*names, self.tag + str(self.row_tags.get(row) or "")), labels)

    def _names(self, row: str, tag: str) -> tuple[str, ...]:
        """What a row's column may be called: today, in 2016, and without a tag of its own."""
        own = str(self.row_tags.get(row) or "")
        return ((own, f"{tag}_{own}") if own else ()) + (f"{tag}_{row}",)

    def _text(self, choice: str, names: tuple[str, ...], labels: Mapping[str, str]) -> Iterator[Field]:
        """The text that may be typed beside a choice or row."""
        if mapping(self.choices[choice]).get("TextEntry"):
            columns = tuple(f"{name}_TEXT" for name in names)
            yield self._field(f"_{choice}_TEXT", "text", columns, labels, is_forced=False)
