"""The SQL of rules over several items of one record: sums, blocks of one scale, exclusive options.

In: a rule and the items it names. Out: an `Expression` over typed cells, true where the record is in order,
as a check's is. Sums are reckoned with the cells' exact decimals, so that a tolerance of 0 holds.
"""

from collections.abc import Sequence

from expectations.expression import Expression, ExpressionFault, literal, quoted
from expectations.items import Item
from expectations.rule_types import ExclusiveOptions, OfSeveral, StraightLining, SumOfItems

_NUMERIC = frozenset({"integer", "number", "amount"})


def named_items(spec: OfSeveral | ExclusiveOptions) -> list[tuple[str, str]]:
    """A rule's fields that name items, with the names: a sum's total and an exclusive option come first."""
    if isinstance(spec, ExclusiveOptions):
        return [("item", spec.item), *((f"others.{place}", name) for place, name in enumerate(spec.others))]
    named = [(f"items.{place}", name) for place, name in enumerate(spec.items)]
    return [("total", spec.total), *named] if isinstance(spec, SumOfItems) else named


def block_expression(spec: OfSeveral | ExclusiveOptions, items: Sequence[Item]) -> Expression:
    """What a record must keep.

    Args:
        spec: The rule.
        items: The items of `named_items`, in their order.

    Raises:
        ExpressionFault: The items are not of the kind that the rule speaks of.
        TypeError: The rule's type has no SQL here.
    """
    keys = tuple((one.instrument, one.item) for one in items)
    cells = [quoted(one.item) for one in items]
    if isinstance(spec, SumOfItems):
        _all_are(items, _NUMERIC, "has no number to add", "name numeric items")
        limit = f"cast({literal(repr(spec.tolerance))} as decimal(38, 12))"
        return Expression(f"(abs({cells[0]} - ({' + '.join(cells[1:])})) <= {limit})", keys, keys)
    if isinstance(spec, ExclusiveOptions):
        _all_are(items, frozenset({"boolean"}), "is not answered by yes or no", "name boolean items")
        chosen = " or ".join(f"coalesce({cell}, false)" for cell in cells[1:])
        return Expression(f"(not ({cells[0]} and ({chosen})))", keys, keys[:1])
    if isinstance(spec, StraightLining):
        _of_one_scale(items)
        texts = [quoted(f"{one.item}__text") for one in items]
        same = " and ".join(f"{texts[0]} = {text}" for text in texts[1:])
        return Expression(f"(not ({same}))", keys, keys)
    raise TypeError(f"rules of type {type(spec).__name__} have no expression")


def _all_are(items: Sequence[Item], types: frozenset[str], message: str, remedy: str) -> None:
    for one in items:
        if one.item_type not in types:
            raise ExpressionFault(f"'{one.name}' is of type {one.item_type} and {message}", remedy)


def _of_one_scale(items: Sequence[Item]) -> None:
    for one in items[1:]:
        if (one.item_type, one.codes) != (items[0].item_type, items[0].codes):
            raise ExpressionFault(
                f"'{one.name}' is not answered on the scale of '{items[0].name}'",
                "name items of one type with the same choices",
            )
