"""Reads a YAML file into entries that remember on which line each of their fields stands.

In: one YAML file (YAML 1.2: `yes` and `no` are words, not truth values). Out: plain data with line numbers,
or faults. Mapping keys keep their text as written, so that the codes `1` and `01` stay apart. No field's
meaning is known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ingestion.programme.faults import Fault, ProgrammeFaults

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Entry:
    """One mapping of a YAML file.

    Attributes:
        data: Plain dicts, lists, text, numbers, booleans, dates and None.
        file: The file's name, relative to the programme folder where it lies in one.
        line: Line on which the mapping starts, counted from 1.
        lines: Line of every field below it, by dotted path.
    """

    data: dict[str, Any]
    file: str
    line: int
    lines: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, path: str) -> int:
        """The line of a dotted field path such as `keys.unit`, or of its nearest ancestor that is written."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path.rpartition(".")[0]
        return self.line


def read_entries(path: Path) -> list[Entry]:
    """Reads one YAML file: a list of mappings gives an entry each, a mapping gives one entry.

    Raises:
        ProgrammeFaults: The file cannot be read, is not valid YAML, or holds something other than mappings.
    """
    entries, faults = parse_entries(path, name_of(path))
    if faults:
        raise ProgrammeFaults(faults)
    return entries


def name_of(path: Path) -> str:
    """The file's name as faults show it: relative to the programme folder it lies in, otherwise as given."""
    for folder in path.absolute().parents:
        if (folder / "programme.yml").is_file():
            return path.absolute().relative_to(folder).as_posix()
    return path.as_posix()


def parse_entries(path: Path, name: str) -> tuple[list[Entry], list[Fault]]:
    """Reads one YAML file; returns what is wrong with it instead of raising, beside what is sound."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return [], [Fault(name, line, "file", "the file is not UTF-8 text", "save it again as UTF-8")]
    except OSError as error:
        reason = error.strerror or "it is unreadable"
        return [], [
            Fault(name, 1, "file", f"the file cannot be read: {reason}", "check that it is a readable file")
        ]
    try:
        root = YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, _last_line(text)) if mark else 1
        return [], [_broken(name, line, error.problem or error.context or "it cannot be parsed")]
    except (YAMLError, ValueError, RecursionError) as error:
        position = getattr(error, "position", 0)
        return [], [
            _broken(name, text.count("\n", 0, position) + 1, getattr(error, "reason", "it cannot be parsed"))
        ]
    if root is None:
        return [], []
    return _entries(root, name)


def _broken(name: str, line: int, problem: str) -> Fault:
    remedy = "correct the YAML at this line: look for an unclosed bracket or quote, a tab, or a wrong indent"
    return Fault(name, line, "file", f"the file is not valid YAML: {problem}", remedy)


def _last_line(text: str) -> int:
    return max(len(text.splitlines()), 1)


def _entries(root: Node, name: str) -> tuple[list[Entry], list[Fault]]:
    reading = _Reading(name)
    entries: list[Entry] = []
    for node in root.value if isinstance(root, SequenceNode) else [root]:
        line = node.start_mark.line + 1
        if not isinstance(node, MappingNode):
            remedy = "write `field: value` pairs, each list element starting with `- `"
            reading.faults.append(
                Fault(name, line, "entry", "fields are expected here, not a bare value", remedy)
            )
            continue
        reading.lines = {}
        entries.append(Entry(reading.plain(node, "", ()), name, line, reading.lines))
    return entries, reading.faults


class _Reading:
    """Walks YAML nodes into plain data, noting the line of every path and every fault on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []

    def plain(self, node: Node, path: str, above: tuple[int, ...]) -> Any:
        if id(node) in above:
            self._fault(
                node, path, "an alias points at a mapping or list that contains it", "write the value out"
            )
            return None
        above = (*above, id(node))
        if isinstance(node, MappingNode):
            return {key: self.plain(value, _join(path, key), above) for key, value in self._pairs(node, path)}
        if isinstance(node, SequenceNode):
            return [
                self._noted(item, _join(path, str(place)), above) for place, item in enumerate(node.value)
            ]
        return self._scalar(node, path)

    def _noted(self, node: Node, path: str, above: tuple[int, ...]) -> Any:
        self.lines[path] = node.start_mark.line + 1
        return self.plain(node, path, above)

    def _pairs(self, node: MappingNode, path: str) -> Iterator[tuple[str, Node]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._fault(key_node, path, "a field name must be a single word", "write `name: value`")
                continue
            key = str(key_node.value)
            if key in seen:
                remedy = "keep one of the two: YAML would silently drop the other"
                self._fault(key_node, _join(path, key), f"'{key}' is written twice here", remedy)
                continue
            seen.add(key)
            self.lines[_join(path, key)] = key_node.start_mark.line + 1
            yield key, value_node

    def _scalar(self, node: Node, path: str) -> Any:
        text, kind = str(node.value), str(node.tag).rpartition(":")[2]
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
            return int(text)
        if kind == "float" and re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", text):
            return float(text)
        if kind == "timestamp" and _DAY.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self._fault(
                    node, path, "there is no such day in the calendar", "write an existing date, YYYY-MM-DD"
                )
                return None
        return text

    def _fault(self, node: Node, path: str, message: str, remedy: str) -> None:
        self.faults.append(Fault(self.name, node.start_mark.line + 1, path or "entry", message, remedy))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
