"""ODK forms as XML (XForms): what phones and servers read, whichever tool wrote it.

In: a file. Out: `Definition`. The model's instance gives paths, its binds types and conditions, the body
questions, choices and repeats, itext the labels.

Facts: a bind's conditions use absolute paths (`/data/g/q`) or relative ones; a select's choices stand in the
body or in a secondary instance that an itemset names; a repeat is a group around `<repeat nodeset>`, or a
node with `jr:template`; a group's relevance is on the bind of its node and holds for all in it. The form's
own bookkeeping in `meta` is no question and left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from ingestion.definitions.field import Choice, Definition, Field, FieldType
from ingestion.definitions.form_paths import all_of, deeper, export_columns, with_own_columns
from ingestion.definitions.odk_choices import Labels, select_lists
from ingestion.export_fault import ExportFault
from ingestion.formats.xml import LINE, parse_xml

_TYPES: dict[str, FieldType] = {
    "string": "text", "barcode": "text", "intent": "text", "int": "integer", "integer": "integer",
    "long": "integer", "decimal": "number", "double": "number", "boolean": "boolean", "date": "date",
    "time": "time", "datetime": "datetime", "geopoint": "location", "geotrace": "location",
    "geoshape": "location", "binary": "attachment", "select1": "select_one", "select": "select_multiple",
    "rank": "select_multiple",
}  # fmt: skip
_SELECTS: dict[str, FieldType] = {
    "select1": "select_one",
    "select": "select_multiple",
    "rank": "select_multiple",
}
_CONTROLS = {"input", "select1", "select", "rank", "upload", "trigger", "range", "secret"}
_DEVICE = ("deviceid", "phonenumber", "username", "email", "subscriberid", "simserial", "uri:")


def read_odk_xml(path: Path) -> Definition:
    """Reads a form's XML.

    Raises:
        ExportFault: It is not XML, hostile, or no form.
    """
    root = parse_xml(path, path.name)
    model = next((node for node in root.iter() if local(node) == "model"), None)
    instance = next(_children(model, "instance"), None) if model is not None else None
    data = next(iter(instance), None) if instance is not None else None
    if model is None or data is None:
        raise ExportFault(
            path.name, "it holds no form: there is no model with an instance", "name the form's own XML"
        )
    form = _Form(root, model, data)
    fields = tuple(form.fields())
    title = next(("".join(node.itertext()).strip() for node in root.iter() if local(node) == "title"), "")
    version = next((value for name, value in data.attrib.items() if name.endswith("version")), "")
    return Definition(
        "odk_xml",
        title or path.stem,
        version,
        with_own_columns(fields),
        tuple(form.choices),
        tuple(form.notes),
    )


def local(node: Element) -> str:
    """An element's name without its namespace."""
    return str(node.tag).rpartition("}")[2]


def _children(node: Element, name: str) -> Iterator[Element]:
    return (child for child in node if local(child) == name)


@dataclass(frozen=True)
class _Node:
    """A node of the instance on the way to a field: its path, its condition, whether it repeats."""

    path: str
    relevance: str
    is_repeat: bool


@dataclass
class _Form:
    root: Element
    model: Element
    data: Element
    notes: list[str] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.binds = {
            self._path(bind.get("nodeset", "")): bind for bind in self.model.iter() if local(bind) == "bind"
        }
        self.labels = Labels(self.model)
        self.controls: dict[str, Element] = {}
        self.repeats: set[str] = set()
        for node in self.root.iter():
            if local(node) in _CONTROLS and (node.get("ref") or node.get("bind")):
                self.controls.setdefault(self._control_path(node), node)
            if local(node) == "repeat":
                self.repeats.add(self._path(node.get("nodeset", "")))
        lists, self.choices, notes = select_lists(self.root, self.model, self.controls, self.labels)
        self.lists: Mapping[str, str] = lists
        self.notes += notes

    def fields(self) -> Iterator[Field]:
        known = set()
        for node, above in self._leaves(self.data, ()):
            known.add(above[-1].path)
            yield self._field(node, above)
        for path in sorted(self.controls.keys() - known):
            line = self.controls[path].get(LINE)
            self.notes.append(
                f"line {line}: the question {path} is not in the form's instance, so it is left out"
            )

    def _path(self, nodeset: str) -> str:
        """`/data/g/q` -> `g/q`."""
        return nodeset.strip().removeprefix("/" + local(self.data)).strip("/")

    def _control_path(self, control: Element) -> str:
        if (ref := control.get("ref")) is not None:
            return self._path(ref)
        named = (bind for bind in self.binds.values() if bind.get("id") == control.get("bind"))
        return next((self._path(bind.get("nodeset", "")) for bind in named), "")

    def _leaves(self, node: Element, above: tuple[_Node, ...]) -> Iterator[tuple[Element, tuple[_Node, ...]]]:
        seen: set[str] = set()
        for child in node:
            name = local(child)
            # A repeat may stand twice, as template and as first row.
            if name in seen or (name == "meta" and not above):
                continue
            seen.add(name)
            path = f"{above[-1].path}/{name}" if above else name
            bind = self.binds.get(path)
            relevance = bind.get("relevant", "") if bind is not None else ""
            is_repeat = path in self.repeats or any(key.endswith("}template") for key in child.attrib)
            chain = (*above, _Node(path, relevance, is_repeat))
            if len(child):
                yield from self._leaves(child, chain)
            else:
                yield child, chain

    def _field(self, node: Element, chain: tuple[_Node, ...]) -> Field:
        path = chain[-1].path
        control = self.controls.get(path)
        bind = self.binds.get(path)
        given: Mapping[str, str] = bind.attrib if bind is not None else {}
        repeat = next((place.path for place in reversed(chain[:-1]) if place.is_repeat), None)
        field_type = self._type(path, control, given)
        depth = len(chain) - 1
        enclosing = [deeper(place.relevance, depth - above) for above, place in enumerate(chain)]
        required = given.get("required", "")
        preload = next((value for key, value in given.items() if key.endswith("preloadParams")), "")
        low, high = _range(control) if control is not None and local(control) == "range" else (None, None)
        source = bind if bind is not None else node
        return Field(
            name=local(node),
            path=path,
            type=field_type,
            choice_list=self.lists.get(path),
            is_required=required in ("true()", "true"),
            constraint=given.get("constraint") or None,
            relevance=all_of(enclosing),
            required=required if required not in ("", "true()", "true", "false()", "false") else None,
            low=low,
            high=high,
            is_identifier=field_type in ("location", "attachment") or preload.startswith(_DEVICE),
            labels=self.labels.of(control) if control is not None else {},
            repeat=repeat,
            columns=export_columns(path, repeat),
            line=int(source.get(LINE, "0")),
        )

    def _type(self, path: str, control: Element | None, given: Mapping[str, str]) -> FieldType:
        kind = re.sub(r"^.*:", "", given.get("type", "string")).lower()
        word = local(control) if control is not None else ""
        is_note = (
            word == "input" and given.get("readonly") in ("true()", "true") and not given.get("calculate")
        )
        if is_note and kind == "string":
            return "none"
        if word in _SELECTS:
            return _SELECTS[word]
        if word == "upload":
            return "attachment"
        if kind not in _TYPES:
            self.notes.append(f"the type {kind} of {path} is unknown, so it is read as text")
        return _TYPES.get(kind, "text")


def _range(control: Element) -> tuple[float | None, float | None]:
    try:
        start, end = float(control.get("start", "")), float(control.get("end", ""))
    except ValueError:
        return None, None
    return min(start, end), max(start, end)
