"""LimeSurvey by API (RemoteControl 2, JSON-RPC): a session, the survey's questions, its responses as CSV.

In: a question to the API. Out: `definition.json` (questions, answers and attributes as the API tells them,
since it offers no `.lss`) and `responses.csv`, the same CSV that somebody would drop. Cells are not looked at
here but for ids and whether a response was sent.

Facts it rests on: a refusal is an answer of status 200 whose result is `{"status": ...}`; responses come in
base64; a survey without any answers `No Data...`. There is no way to ask what changed: a later pull begins at
the lowest response that was not yet sent, and a weekly one begins anew. The session is given back whatever
happens.
"""

import base64
import binascii
import csv
import io
import json
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from ingestion.export_fault import ExportFault
from ingestion.formats.text import decode
from ingestion.platforms.http import secret
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

_PATH = "/index.php/admin/remotecontrol"
_NO_DATA = "No Data"
_NAME = "responses.csv"
_ABOUT_A_QUESTION = ["attributes", "answeroptions", "subquestions"]


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Pulls one survey: everything, or from the lowest response that was not sent when it was last pulled."""
    key = _session(ask)
    try:
        survey = _number(ask)
        yield in_memory("definition.json", _definition(ask, key, survey), "definition")
        before = _counted(ask, key, survey)
        content = _responses(ask, key, survey)
        ids = _ids(content, ask)
        after = _counted(ask, key, survey)
    finally:
        # A session ends by itself too; what was pulled is not lost for one that could not be given back.
        with suppress(ExportFault):
            _call(ask, "release_session_key", key)
    told = [count for count in (before, after) if count is not None]
    if ask.is_full and told and not min(told) <= len(ids) <= max(told):
        raise ask.api.fault(
            _PATH,
            f"counts {told[-1]} responses in survey {survey}, but exported {len(ids)}",
            "pull again; if it stays so, export the responses by hand and drop the file",
        )
    if ids or ask.is_full:
        yield in_memory(_NAME, content if ids else b"")
    begun = int(ask.cursor.get("from_id", "1"))
    unsent = [number for number, is_sent in ids.items() if not is_sent]
    following = min(unsent) if unsent else max([begun - 1, *ids]) + 1
    return Outcome("snapshot" if ask.is_full else "delta", {"from_id": str(following)})


def _session(ask: Ask) -> str:
    name = ask.source.pull.connection or ""
    user = secret(name, "username", ask.connection.username)
    key = _call(ask, "get_session_key", user, secret(name, "password", ask.connection.password))
    if not isinstance(key, str) or not key:
        status = _status(key) or "no session"
        raise ask.api.fault(
            _PATH,
            f"gave no session ({status})",
            "check the variables that hold username and password, and the account's rights",
        )
    return key


def _responses(ask: Ask, key: str, survey: int) -> bytes:
    """The CSV; blank if there is no response."""
    begin = None if ask.is_full else int(ask.cursor["from_id"])
    given = _call(ask, "export_responses", key, survey, "csv", None, "all", "code", "short", begin)
    if (status := _status(given)).startswith(_NO_DATA):
        return b""
    if not isinstance(given, str):
        raise _refused(ask, "export_responses", status)
    try:
        return base64.b64decode("".join(given.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ask.api.fault(_PATH, "exported responses that are not base64", "pull again") from error


def _ids(content: bytes, ask: Ask) -> dict[int, bool]:
    """Id of every response -> whether it was sent; a row without an id is that of an empty survey."""
    text = decode(content, f"survey {ask.asset}", "utf-8")
    delimiter = ";" if text.split("\n", 1)[0].count('";"') else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if text.strip() and not {"id", "submitdate"} <= set(rows.fieldnames or ()):
        raise ask.api.fault(
            _PATH, "exported responses without id and submitdate", "check the account's rights"
        )
    found: dict[int, bool] = {}
    for row in rows:
        if (number := row["id"] or "").isdecimal():
            found[int(number)] = bool(row["submitdate"])
    return found


def _counted(ask: Ask, key: str, survey: int) -> int | None:
    """How many responses the survey has; None where the server does not say, as of one that is not active."""
    given = _call(ask, "get_summary", key, survey, "all")
    count = given.get("full_responses") if isinstance(given, dict) else None
    return int(count) if isinstance(count, int | str) and str(count).isdecimal() else None


def _definition(ask: Ask, key: str, survey: int) -> bytes:
    """What the API tells of the survey's structure, in the survey's own language."""
    asked = ["language", "additional_languages", "datestamp", "anonymized"]
    properties = _told(ask, "get_survey_properties", key, survey, asked)
    titles = _told(ask, "get_language_properties", key, survey, ["surveyls_title"])
    questions = _listed(ask, "list_questions", key, survey)
    told = {
        "title": titles.get("surveyls_title") or ask.asset,
        "language": properties.get("language") or "",
        "survey": properties,
        "groups": _listed(ask, "list_groups", key, survey),
        "questions": questions,
        "properties": {
            str(question["qid"]): _told(
                ask, "get_question_properties", key, question["qid"], _ABOUT_A_QUESTION
            )
            for question in questions
            if str(question.get("parent_qid") or "0") == "0" and question.get("qid")
        },
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _told(ask: Ask, method: str, *given: Any) -> dict[str, Any]:
    answer = _call(ask, method, *given)
    if not isinstance(answer, dict) or _status(answer):
        raise _refused(ask, method, _status(answer))
    return answer


def _listed(ask: Ask, method: str, *given: Any) -> list[dict[str, Any]]:
    answer = _call(ask, method, *given)
    if not isinstance(answer, list):
        raise _refused(ask, method, _status(answer))
    return [each for each in answer if isinstance(each, dict)]


def _call(ask: Ask, method: str, *given: Any) -> Any:
    """The result of one call."""
    response = ask.api.post(_PATH, json={"method": method, "params": list(given), "id": 1})
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "result" not in answer:
        raise ask.api.fault(
            _PATH,
            "did not answer in JSON-RPC",
            "correct server, or switch JSON-RPC on under Configuration, Global, Interfaces",
        )
    if answer.get("error"):
        raise _refused(ask, method, "error")
    return answer["result"]


def _status(answer: Any) -> str:
    """The words of a refusal, which are the server's own and hold no answer."""
    status = answer.get("status") if isinstance(answer, dict) else None
    return status[:80] if isinstance(status, str) else ""


def _refused(ask: Ask, method: str, status: str) -> ExportFault:
    return ask.api.fault(
        _PATH,
        f"refused {method} of survey {ask.asset} ({status or 'an unexpected answer'})",
        "correct pull.asset, or give the account the right to read and export this survey",
    )


def _number(ask: Ask) -> int:
    if not ask.asset.isdecimal():
        raise ExportFault(
            "sources.yml",
            f"source {ask.source.source} names a survey that is no number",
            "write the survey's number under pull.asset, as in its address",
        )
    return int(ask.asset)
