"""The flow of a Qualtrics survey: in which order blocks are shown, on what conditions, and what may skip it.

In: a QSF's elements. Out: a `Place` per block, and the names of embedded data. Questions are not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingestion.definitions.qsf_values import mapping


@dataclass
class Place:
    """Where a block stands: conditions of its branches, and why else it may not be shown."""

    conditions: list[Any] = field(default_factory=list)
    why_unsure: str = ""


def payloads(elements: list[dict[str, Any]], kind: str) -> list[Any]:
    """The payloads of the elements of one kind."""
    return [element.get("Payload") for element in elements if element.get("Element") == kind]


def placed_blocks(elements: list[dict[str, Any]], notes: list[str]) -> dict[str, Place]:
    """Blocks by id, as the survey's flow shows them."""
    found: dict[str, list[Place]] = {}
    why_unsure = ""

    def walk(steps: Any, conditions: list[Any], unsure: str) -> None:
        nonlocal why_unsure
        for step in mapping(steps).values():
            kind = step.get("Type") if isinstance(step, dict) else None
            if kind in ("Block", "Standard"):
                place = Place(list(conditions), unsure or why_unsure)
                found.setdefault(str(step.get("ID")), []).append(place)
            elif kind == "Branch":
                walk(step.get("Flow"), [*conditions, step.get("BranchLogic")], unsure)
            elif kind == "EndSurvey":
                why_unsure = "the survey may end before it"
            elif kind:
                shows = "Randomizer" in kind and "a randomizer may leave it out"
                walk(step.get("Flow"), conditions, unsure or (shows or ""))

    for flow in payloads(elements, "FL"):
        walk(mapping(flow).get("Flow"), [], "")
    placed: dict[str, Place] = {}
    for block, places in found.items():
        always = [place for place in places if not place.conditions and not place.why_unsure]
        several = Place([], "it stands in several branches")
        placed[block] = always[0] if always else places[0] if len(places) == 1 else several
    if why_unsure:
        notes.append("the survey's flow can end it early: what comes after is not called required")
    return placed


def embedded(elements: list[dict[str, Any]]) -> list[str]:
    """Names of the embedded data: what a link, a panel or the flow itself wrote beside the answers."""

    def walk(steps: Any) -> Iterator[str]:
        for step in mapping(steps).values():
            if isinstance(step, dict):
                for data in mapping(step.get("EmbeddedData")).values():
                    yield str(mapping(data).get("Field") or "")
                yield from walk(step.get("Flow"))

    flows = [mapping(flow).get("Flow") for flow in payloads(elements, "FL")]
    return list(dict.fromkeys(name for flow in flows for name in walk(flow) if name))
