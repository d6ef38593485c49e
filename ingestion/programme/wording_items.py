"""What another wording of an instrument asks: its items, by its own form where it names one.

In: an instrument and one of its wordings. Out: items as that wording asks them. The YAML wins over the form,
and where the form states nothing, the item is as the instrument has it.
"""

from pathlib import Path

from ingestion.definitions.field import Definition
from ingestion.definitions.reader import read_definition
from ingestion.programme.form_items import contradiction, item_data
from ingestion.programme.model_comparability import Wording
from ingestion.programme.model_instruments import Instrument, Item


def wording_items(instrument: Instrument, wording: Wording, folder: Path) -> dict[str, Item]:
    """The items that a wording asks, in the instrument's order.

    Raises:
        ExportFault: Its form cannot be read.
    """
    asked = dict(instrument.items)
    if wording.definition is not None:
        asked = _by_form(instrument, read_definition(folder / wording.definition))
    return {
        name: _changed(item, wording, name) for name, item in asked.items() if name not in wording.without
    }


def _changed(item: Item, wording: Wording, name: str) -> Item:
    written = wording.items.get(name)
    return item if written is None else item.model_copy(update=written.model_dump(exclude_none=True))


def _by_form(instrument: Instrument, form: Definition) -> dict[str, Item]:
    """Those of the instrument's items that the form asks, with the type, answers and limits it states."""
    fields = {name: field for field in form.fields for name in (field.name, field.path, *field.columns)}
    items = {}
    for name, item in instrument.items.items():
        field = next((fields[one] for one in item.question if one in fields), None)
        if field is None:
            continue
        choices = [choice for choice in form.choices if choice.choice_list == field.choice_list]
        as_it_was = contradiction({"type": item.type}, field, choices, instrument.missing) == ""
        stated = item_data(field, choices, instrument.missing, {"type": item.type} if as_it_was else {})
        kept = {key: stated[key] for key in ("type", "choices", "min", "max", "unit") if key in stated}
        items[name] = item.model_copy(update=kept)
    return items
