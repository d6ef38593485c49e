"""The rule types as a table to read, so that the README lists those of the code and no others.

In: the rule types and what each says of itself. Out: a Markdown table between two marks of a file. Run
`python -m expectations.printed README.md` after adding a type.
"""

import sys
from pathlib import Path

from expectations.rule_types import RULE_TYPES

BEGIN, END = "<!-- rule types: printed -->", "<!-- rule types: end -->"


def table() -> str:
    """A row for each type, by dimension; its first line says what it measures."""
    rows = []
    for name, kind in RULE_TYPES.items():
        words = (kind.__doc__ or "").partition("\n\n")[0]
        said = " ".join(words.split()).rstrip(".")
        limit = kind.comparison.replace("_", " ")
        rows.append((kind.model_fields["dimension"].default, name, f"{said} ({limit})"))
    head = f"{len(rows)} types.\n\n| dimension | type | measures (and the limit is) |\n|---|---|---|\n"
    return head + "".join(
        f"| {' | '.join((kind, f'`{name}`', said))} |\n" for kind, name, said in sorted(rows)
    )


def printed(text: str) -> str:
    """The text with the table between its marks.

    Raises:
        ValueError: It has no such marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"it lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(printed(file.read_text()))
