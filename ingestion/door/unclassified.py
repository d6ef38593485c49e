"""Columns that look like identifiers and about which nobody has decided stop their source.

In: a source's tables as exported. Out: nothing, or an `ExportFault` that lists the columns and the YAML that
settles them. Looked at is only what a wildcard of the allow-list would let in: what is named in the YAML was
decided, and the rest does not pass. Decided is what `privacy` names under `keep` (in full), `pseudonym`,
`drop` or `coarsen`, and what an item or a key reads. A programme whose data are public is not stopped.

A column is told by its header, by the form (which marks it, or asks for it in so many words), or by its
cells. No cell is ever told.
"""

import json
import re
from collections.abc import Mapping

from ingestion.door.identifier_words import IdentifierKind
from ingestion.door.identifiers import cell_kinds, header_kind
from ingestion.door.privacy import identifying_columns, kept_by_glob
from ingestion.export_fault import ExportFault
from ingestion.programme.model import Programme, Source
from ingestion.rows.found import Found

_PLAIN = re.compile(r"(?i)(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z_][A-Za-z0-9_/.-]*")
# What a question's text takes from other answers, as XLSForm, REDCap, Qualtrics and LimeSurvey write it.
_PIPED = re.compile(r"\$?\{[^}]*\}|\[[^\]]*\]")
_HIDDEN_AS: Mapping[IdentifierKind, str] = {"phone": "phone", "e-mail": "email", "name": "name"}


def refuse_unclassified(programme: Programme, source: Source, found: Found) -> None:
    """Refuses a source of which such a column would enter the lake.

    Raises:
        ExportFault: A column looks like an identifier and is not classified.
    """
    if programme.privacy.public:
        return
    by_form = _by_form(programme, source)
    told: dict[str, IdentifierKind] = {}
    for name in sorted(found.tables):
        passing = kept_by_glob(programme, source, found.columns(name))
        kinds = {column: header_kind(column) or by_form.get(column) for column in sorted(passing)}
        told |= {column: kind for column, kind in kinds.items() if kind}
        for table in found.of(name):
            others = [column for column in table.columns if column in passing and column not in told]
            told |= cell_kinds(table.cells, others)
    if told:
        raise ExportFault(found.filled[0].name, _message(told), _remedy(programme, source, told))


def _by_form(programme: Programme, source: Source) -> dict[str, IdentifierKind]:
    """Columns that the form marks as identifying, and open answers to what its labels ask for."""
    form = programme.forms.get(source.instrument or "")
    found: dict[str, IdentifierKind] = {}
    for field in form.definition.fields if form else ():
        asked = (header_kind(_PIPED.sub(" ", label)) for label in field.labels.values())
        if field.type == "text" and (kind := next((each for each in asked if each), None)):
            found |= dict.fromkeys(field.columns, kind)
    for column in identifying_columns(programme, source):
        found.setdefault(column, "marked by the form")
    return found


def _message(told: Mapping[str, IdentifierKind]) -> str:
    listed = ", ".join(f"{column} ({kind})" for column, kind in told.items())
    return f"columns look like identifiers of people, and nothing says if they may enter the lake: {listed}"


def _remedy(programme: Programme, source: Source, told: Mapping[str, IdentifierKind]) -> str:
    door = f"instruments/{source.instrument}.yml" if source.instrument else ""
    door = f"the source {source.source} in sources.yml" if source.privacy or not door else door
    words = [f"write privacy: {{drop: [{', '.join(map(_yaml, told))}]}} in {door}, beside what stands there"]
    words.append("name under keep, in full, what tells of nobody")
    hidden = next((column for column, kind in told.items() if kind in _HIDDEN_AS), None)
    if hidden is not None:
        kind = _HIDDEN_AS[told[hidden]]
        words.append(f"under pseudonym what is to be linked, e.g. {{column: {_yaml(hidden)}, as: {kind}}}")
    place = next((column for column, kind in told.items() if kind == "location"), None)
    if place is not None:
        words.append(f"under coarsen what is to be mapped, e.g. {{{_yaml(place)}: 0.1}}")
    return f"{words[0]}; or {', '.join(words[1:])}"


def _yaml(column: str) -> str:
    return column if _PLAIN.fullmatch(column) else json.dumps(column, ensure_ascii=False)
