"""Where a field lies in a form of groups and repeats, and what that makes of its conditions and its names.

In: paths, `/` between their names. Out: conditions of enclosing groups as one, and the columns under which
exports may show a field. Shared by the languages whose forms nest; no file is read here.

Facts: Kobo joins the path by `/`, ODK by `-`, SurveyCTO writes the bare name, each leaves out the groups of a
repeat in that repeat's own table, and R turns `/` into `.` when it reads a header.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from ingestion.definitions.field import Field

# A relative path: `../x` not continued from a longer path or a word.
_RELATIVE = re.compile(r"(?<![\w./)\]])\.\./")


def all_of(conditions: Iterable[str]) -> str | None:
    """Conditions that must all hold, as one; None if there is none; a single one stays verbatim."""
    listed = [condition for condition in conditions if condition]
    return (
        " and ".join(f"({condition})" for condition in listed) if len(listed) > 1 else "".join(listed) or None
    )


def deeper(condition: str, levels: int) -> str:
    """A group's condition as a field so many levels below it has to write it: relative paths grow."""
    return _RELATIVE.sub("../" * (levels + 1), condition) if levels else condition


def export_columns(path: str, repeat: str | None) -> tuple[str, ...]:
    """The names a field may bear in exports, the platform's full path first."""
    within = path[len(repeat) + 1 :] if repeat else path
    name = path.rpartition("/")[2]
    names = (path, path.replace("/", "-"), within, within.replace("/", "-"), name, path.replace("/", "."))
    return tuple(dict.fromkeys(names))


def with_own_columns(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields, each without the names that another one may bear too; its path always stays."""
    listed = list(fields)
    claims = Counter(column for field in listed for column in set(field.columns))
    paths = {field.path for field in listed}
    return tuple(
        replace(
            field,
            columns=tuple(
                column
                for column in field.columns
                if column == field.path or (claims[column] == 1 and column not in paths)
            ),
        )
        for field in listed
    )
