"""The choices and labels of an ODK form in XML: items in the body, itemsets of secondary instances, itext.

In: elements of the form. Out: `Labels`, and by question the list its answers come from. Fields are not known
here.

Facts: `jr:itext('id')` in a `ref` names a text of several languages, of which `form` variants name media; an
itemset names a secondary instance, `instance('list')/root/item[filter]`, whose items hold a code and a label,
or the id of an itext; items in a file of its own (`src`) are not in the form.
"""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from ingestion.definitions.field import Choice
from ingestion.formats.xml import LINE

_ITEXT = re.compile(r"jr:itext\(\s*['\"](.*?)['\"]\s*\)")
_INSTANCE = re.compile(r"instance\(\s*['\"](.*?)['\"]\s*\)")


class Labels:
    """The form's texts by id and language; the default language first."""

    def __init__(self, model: Element) -> None:
        self.texts: dict[str, dict[str, str]] = {}
        languages = [node for node in model.iter() if _local(node) == "translation"]
        for translation in sorted(languages, key=lambda node: "default" not in node.attrib):
            for text in translation:
                plain = [value for value in text if _local(value) == "value" and value.get("form") is None]
                words = "".join(plain[0].itertext()).strip() if plain else ""
                if words:
                    self.texts.setdefault(text.get("id", ""), {})[translation.get("lang", "")] = words

    def of(self, node: Element) -> dict[str, str]:
        """The label of a question or an item."""
        label = next((child for child in node if _local(child) == "label"), None)
        if label is None:
            return {}
        if found := _ITEXT.search(label.get("ref", "")):
            return self.texts.get(found[1], {})
        words = " ".join("".join(label.itertext()).split())
        return {"": words} if words else {}


def select_lists(
    root: Element, model: Element, controls: Mapping[str, Element], labels: Labels
) -> tuple[dict[str, str], list[Choice], list[str]]:
    """Choices of the form's selects.

    Args:
        root: The form.
        model: Its model.
        controls: The body's questions by path.
        labels: The form's texts.

    Returns:
        The name of its list by the path of each select, the choices, and notes on what was passed over.
    """
    lists: dict[str, str] = {}
    choices: dict[tuple[str, str], Choice] = {}
    notes: list[str] = []
    instances = {node.get("id"): node for node in model if _local(node) == "instance" and node.get("id")}
    for path, control in controls.items():
        if _local(control) not in ("select1", "select", "rank"):
            continue
        itemset = next((node for node in control if _local(node) == "itemset"), None)
        name = path
        if itemset is None:
            found = [_choice(path, item, labels) for item in control if _local(item) == "item"]
        else:
            source = _INSTANCE.search(itemset.get("nodeset", ""))
            name = source[1] if source else path
            found = _instance_choices(name, instances.get(name), itemset, labels)
        named = [choice for choice in found if choice.code]
        if not named:
            notes.append(f"line {control.get(LINE)}: the choices of {path} are not in the form")
            continue
        lists[path] = name
        for choice in named:
            choices.setdefault((name, choice.code), choice)
    return lists, list(choices.values()), notes


def _choice(name: str, item: Element, labels: Labels) -> Choice:
    value = next((child for child in item if _local(child) == "value"), None)
    code = "".join(value.itertext()).strip() if value is not None else ""
    return Choice(name, code, labels.of(item))


def _instance_choices(name: str, instance: Element | None, itemset: Element, labels: Labels) -> list[Choice]:
    refs = {_local(node): node.get("ref", "") for node in itemset}
    code_name = refs.get("value", "name")
    label_name = _ITEXT.sub("", refs.get("label", "label")).strip()
    label_name = re.sub(r"^jr:itext\((.*)\)$", r"\1", label_name)
    found = []
    for item in instance.iter() if instance is not None else ():
        cells = {_local(child): "".join(child.itertext()).strip() for child in item}
        if code_name in cells:
            label = cells.get(label_name) or cells.get("label", "")
            texts = labels.texts.get(label, {"": label} if label else {})
            found.append(Choice(name, cells[code_name], texts))
    return found


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]
