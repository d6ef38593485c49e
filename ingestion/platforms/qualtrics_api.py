"""Qualtrics by API: the survey's definition, then an export of its responses: asked for, awaited, fetched.

In: a question to the API. Out: `definition.json` (the survey in QSF's shape) and `responses.csv`, of the same
shape as a file that somebody drops. The cells are not looked at here; the rows are counted.

Facts it rests on: an export is made by the server in its own time, told by `status`; a failed one has no file
id; the file comes zipped; refusals carry `meta.error.errorCode`. Asking for changes by last modification
(`sortByLastModifiedDate` with `startDate`) and the survey's `responseCounts` were not seen on a live server.
Being wrong about the former is mended by the weekly full pull, about the latter by a bound that holds whether
`auditable` still counts deleted responses or not.

Deletions show in full pulls only.
"""

import csv
import io
import json
import time
from collections.abc import Generator, Mapping
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from ingestion.export_fault import ExportFault
from ingestion.formats.archive import read_members
from ingestion.platforms.http import secret
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

PAUSE_SECONDS = 2.0
LONGEST_SECONDS = 3600.0
_LONGEST_PAUSE = 30.0
_NAME = "responses.csv"
# Clocks differ, and a response shows in exports some time after it was recorded.
_OVERLAP = timedelta(days=1)


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Pulls one survey: everything, or what was modified since a day before the last pull."""
    token = secret(ask.source.pull.connection or "", "token", ask.connection.token)
    ask.api.client.headers["X-API-TOKEN"] = token
    ask.api.explain = _code
    survey = f"/API/v3/surveys/{ask.asset}"
    definition = _result(ask, f"/API/v3/survey-definitions/{ask.asset}", params={"format": "qsf"})
    if isinstance(entry := definition.get("SurveyEntry"), dict):
        # It moves with every look at the survey, and would make every night's definition a new one.
        entry.pop("LastAccessed", None)
    content = json.dumps(definition, ensure_ascii=False, sort_keys=True, indent=1)
    yield in_memory("definition.json", content.encode(), "definition")
    promised = _promised(_result(ask, survey)) if ask.is_full else 0
    export = _export(ask, f"{survey}/export-responses")
    count = _count(export, ask)
    if count < promised:
        raise ask.api.fault(
            survey,
            f"counts at least {promised} responses, but its export holds {count}",
            "pull again; if it stays so, export the responses by hand and drop the file",
        )
    if count or ask.is_full:
        yield in_memory(_NAME, export)
    since = (ask.now - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Outcome("snapshot" if ask.is_full else "delta", {"modified_since": since})


def _export(ask: Ask, path: str) -> bytes:
    """The CSV of one export, unpacked."""
    # Multi-selects joined in one cell, as the export that somebody makes by hand has them.
    wanted: dict[str, Any] = {"format": "csv", "compress": True, "useLabels": False, "breakoutSets": False}
    if not ask.is_full:
        wanted |= {"startDate": ask.cursor["modified_since"], "sortByLastModifiedDate": True}
    progress = _result(ask, path, "POST", json=wanted).get("progressId")
    if not isinstance(progress, str) or not progress:
        raise ask.api.fault(path, "began an export without naming it", "pull again later")
    file = _awaited(ask, f"{path}/{progress}")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "export"
        ask.api.download(f"{path}/{file}/file", target)
        content = target.read_bytes()
    if not content.startswith(b"PK"):
        return content
    members = read_members(content, f"export of {ask.asset}")
    if len(members) != 1:
        raise ask.api.fault(path, f"sent a zip of {len(members)} CSV files, not one", "pull again later")
    return next(iter(members.values()))


def _awaited(ask: Ask, path: str) -> str:
    """The id of the finished export's file; asks again with longer pauses, and gives up after an hour."""
    pause, ends = PAUSE_SECONDS, time.monotonic() + LONGEST_SECONDS
    while True:
        result = _result(ask, path)
        status, file = result.get("status"), result.get("fileId")
        if status == "complete" and isinstance(file, str) and file:
            return file
        if status not in ("inProgress", "queued", "starting"):
            raise ask.api.fault(
                path,
                "could not make the export" if status == "failed" else "ended the export without a file",
                "pull again later; if it stays so, export the responses by hand and drop the file",
            )
        if time.monotonic() + pause > ends:
            raise ask.api.fault(
                path,
                f"did not finish the export in {LONGEST_SECONDS / 60:.0f} minutes",
                "pull again when the server is less busy",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _promised(survey: Mapping[str, Any]) -> int:
    """Responses that an export of everything must hold at least; 0 where the server does not say."""
    counts = survey.get("responseCounts")
    if not isinstance(counts, dict):
        return 0
    recorded, deleted = counts.get("auditable"), counts.get("deleted")
    return max(0, recorded - deleted) if isinstance(recorded, int) and isinstance(deleted, int) else 0


def _count(content: bytes, ask: Ask) -> int:
    """Rows below the three header rows."""
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="replace", newline=""))
    try:
        header = list(islice(rows, 3))
        if len(header) < 3 or not header[2] or not header[2][0].startswith('{"ImportId"'):
            raise ExportFault(
                f"export of {ask.asset}",
                "it does not begin with the three header rows of a Qualtrics CSV",
                "pull again; if it stays so, export the responses by hand and drop the file",
            )
        return sum(1 for row in rows if row)
    except csv.Error as error:
        raise ExportFault(f"export of {ask.asset}", "it cannot be read as CSV", "pull again") from error


def _result(ask: Ask, path: str, method: str = "GET", **options: Any) -> dict[str, Any]:
    """The `result` of an answer."""
    try:
        answer = ask.api.request(method, path, **options).json()
    except ValueError as error:
        raise ask.api.fault(path, "did not answer in JSON", "check the server's address") from error
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise ask.api.fault(path, "answered without a result", "pull again later")
    return result


def _code(response: httpx.Response) -> str:
    """The error code of a refusal; its free text is not told."""
    try:
        code = response.json()["meta"]["error"]["errorCode"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(code)[:80] if isinstance(code, str | int) else ""
