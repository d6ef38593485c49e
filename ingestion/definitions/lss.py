"""LimeSurvey's survey structure (`.lss`), and the snapshot of it that a pull by API takes.

In: a file. Out: `Definition`. Which columns a question fills is `lss_question`'s matter.

Facts it rests on: an `.lss` is the survey's tables as rows. Until version 3 every question stands once per
language with its text; since version 4 texts stand in tables of their own (`question_l10ns`, `answer_l10ns`).
The API offers no `.lss`: its snapshot is the JSON of `list_groups`, `list_questions` and
`get_question_properties`, in one language.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from ingestion.definitions.field import Definition
from ingestion.definitions.lss_question import fields_of
from ingestion.definitions.lss_rows import Row, Rows
from ingestion.export_fault import ExportFault
from ingestion.formats.xml import LINE, parse_xml

_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def read_lss(path: Path) -> Definition:
    """Reads a survey's structure.

    Raises:
        ExportFault: It is neither a LimeSurvey structure nor a snapshot of one.
    """
    data = path.read_bytes()
    is_snapshot = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    rows = (
        _from_snapshot(data, path.name) if is_snapshot else _from_xml(parse_xml(data, path.name), path.name)
    )
    if not rows.questions:
        raise ExportFault(path.name, "it holds no question", "export the survey's structure again (.lss)")
    fields, choices, notes = fields_of(rows)
    return Definition("limesurvey", rows.title or path.stem, rows.version, fields, choices, notes)


def _from_xml(root: Element, file: str) -> Rows:
    """The tables of an `.lss`."""
    if root.tag != "document" or (root.findtext("LimeSurveyDocType") or "") != "Survey":
        raise ExportFault(
            file,
            "it is no LimeSurvey survey",
            "export the survey under Display/Export, Survey structure (.lss)",
        )
    rows = Rows(version=(root.findtext("DBVersion") or "").strip())
    settings = list(_rows(root, "surveys_languagesettings"))
    base = next((row.get("language", "") for row in _rows(root, "surveys")), "")
    titles = {row.get("surveyls_language", ""): row.get("surveyls_title", "") for row in settings}
    rows.title = _plain(titles.get(base) or next(iter(titles.values()), ""))
    rows.groups = _once(_rows(root, "groups"), "gid")
    for table, into in (("questions", rows.questions), ("subquestions", rows.subquestions)):
        listed = list(_rows(root, table))
        into += _once(listed, "qid")
        for row in listed:
            _say(rows.texts, row.get("qid", ""), row.get("language", ""), row.get("question", ""))
    for row in _rows(root, "question_l10ns"):
        _say(rows.texts, row.get("qid", ""), row.get("language", ""), row.get("question", ""))
    answers = list(_rows(root, "answers"))
    for row in _once(answers, "qid", "scale_id", "code"):
        rows.answers.append(row)
    known = {row["aid"]: row for row in answers if "aid" in row}
    for row in [*answers, *_rows(root, "answer_l10ns")]:
        of = known.get(row.get("aid", ""), row)
        key = (of.get("qid", ""), of.get("scale_id") or "0", of.get("code", ""))
        _say(rows.answer_texts, key, row.get("language", ""), row.get("answer", ""))
    for row in _rows(root, "question_attributes"):
        if row.get("language", "") in ("", base):
            rows.attributes.setdefault((row.get("qid", ""), row.get("attribute", "")), row.get("value", ""))
    return rows


def _rows(root: Element, table: str) -> Iterator[Row]:
    """A table's rows, with the line on which each begins."""
    for row in root.iterfind(f"{table}/rows/row"):
        yield {cell.tag: cell.text or "" for cell in row} | {"line": row.get(LINE, "0")}


def _once(rows: Any, *key: str) -> list[Row]:
    """The first of the rows that differ in their language only."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        found.setdefault(tuple(row.get(name, "") for name in key), row)
    return list(found.values())


def _say(texts: Any, key: Any, language: str, text: str) -> None:
    if said := _plain(text):
        texts[key][language] = said


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def _from_snapshot(data: bytes, file: str) -> Rows:
    """The answers of the API, as `limesurvey_api` writes them."""
    try:
        said = json.loads(data.decode("utf-8-sig"))
        groups, questions, more = said["groups"], said["questions"], said["properties"]
        rows = Rows(title=_plain(str(said["title"])), version="")
        rows.groups = [_texts(row) for row in groups]
        for row in map(_texts, questions):
            is_part = row.get("parent_qid", "0") not in ("", "0")
            (rows.subquestions if is_part else rows.questions).append(row)
            _say(rows.texts, row.get("qid", ""), said["language"], row.get("question", ""))
        for qid, properties in more.items():
            _add_properties(rows, str(qid), properties, said["language"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ExportFault(
            file, "it is no snapshot of a LimeSurvey survey", "name the survey's .lss as its definition"
        ) from error
    return rows


def _add_properties(rows: Rows, qid: str, properties: Mapping[str, Any], language: str) -> None:
    """What hangs on one question; where there is nothing the API says so in words.

    Servers before version 3 list subquestions here only.
    """
    attributes, options = properties.get("attributes"), properties.get("answeroptions")
    parts = properties.get("subquestions")
    listed = {row.get("qid") for row in rows.subquestions}
    for place, (part, said) in enumerate(parts.items() if isinstance(parts, dict) else (), start=1):
        if str(part) not in listed:
            row = _texts(said) | {"qid": str(part), "parent_qid": qid, "question_order": str(place)}
            rows.subquestions.append(row)
            _say(rows.texts, str(part), language, row.get("question", ""))
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        rows.attributes[qid, str(name)] = "" if value is None else str(value)
    for code, option in options.items() if isinstance(options, dict) else ():
        scale = str(option.get("scale_id") or "0")
        order = str(option.get("order") or "0")
        rows.answers.append({"qid": qid, "code": str(code), "scale_id": scale, "sortorder": order})
        _say(rows.answer_texts, (qid, scale, str(code)), language, str(option.get("answer") or ""))


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): "" if value is None else str(value) for name, value in row.items()}
