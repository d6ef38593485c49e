"""REDCap's API: one address, asked by POST, without pages: row keys are listed, then records in batches.

Facts this rests on: the token tells the project; `type=flat` gives the CSV that a raw export by hand gives;
servers under load answer 200 with nothing, and lose records of large requests, so that what came is compared
with what was listed; a result without rows is a single line end. `dateRangeBegin` is the server's local time,
whose zone is not told: `OVERLAP` is longer than any zone's distance. It is used to learn which records
changed; these are then asked for whole, so that it does not matter whether it filters records or rows [M].

Rows are listed by the record id with the status of every form, since every row has one. The list of a pull
that is not full is landed as `living.json`, by which deletions are known the same night; the log of deletions
is not used [M: it needs rights of its own]. Project, dictionary, arms, events and repeating instruments are
asked only where the project's own description says that it has them; what the account may not read of these
is named in the pull's note.

In: one `Ask`; `pull.asset` is the project's number, which is checked, or any name for it. Out: the
definition, then batches of records. What the rows mean is `redcap`'s business.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ingestion.platforms import http
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

LIVING = "living.json"
OVERLAP = timedelta(days=2)
BATCH_RECORDS = 200
_PATH = "/api/"
_ATTEMPTS = 4
_PARTS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_NO_ROWS = b"\n"
RowKey = tuple[str, str, str, str]
T = TypeVar("T")


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Asks for every record, or for those that changed; see the module for what is compared."""
    dictionary, note = yield from _definition(ask)
    record = dictionary[0]["field_name"]
    status = dict.fromkeys(f"{row['form_name']}_complete" for row in dictionary)
    rows = _row_keys(ask, _records(ask, fields=[record, *status]))
    records = list(dict.fromkeys(row[0] for row in rows))
    cursor = {"at": ask.now.isoformat(), "living": _digest("|".join(row).encode() for row in rows)}
    if ask.is_full:
        for name, content in _batches(ask, records, rows) if records else [("records-0001.csv", _NO_ROWS)]:
            yield in_memory(name, content)
        return Outcome("snapshot", cursor, note)
    since = datetime.fromisoformat(ask.cursor["at"]) - OVERLAP
    touched = _row_keys(ask, _records(ask, fields=[record], dateRangeBegin=f"{since:%Y-%m-%d %H:%M:%S}"))
    changed = {row[0] for row in touched}
    batches = list(_batches(ask, [each for each in records if each in changed], rows))
    cursor["changed"] = _digest(content for _, content in batches)
    if cursor["changed"] != ask.cursor.get("changed"):
        for name, content in batches:
            yield in_memory(name, content)
    if cursor["living"] != ask.cursor.get("living"):
        yield in_memory(LIVING, _living(ask, rows))
    return Outcome("delta", cursor, note)


def _definition(ask: Ask) -> Generator[Body, None, tuple[list[dict[str, str]], str]]:
    """Yields what defines the project; returns the rows of its dictionary, and a note."""
    project = _parsed(ask, json.loads, _asked(ask, content="project", format="json"))
    number = str(project.get("project_id", ""))
    if ask.asset.isdecimal() and ask.asset != number:
        raise ask.api.fault(
            _PATH,
            f"answers with project {number}, not {ask.asset}: the token belongs to another project",
            "correct the token, or pull.asset",
        )
    content = _asked(ask, content="metadata", format="csv")
    dictionary = _parsed(ask, _dictionary, content)
    if not dictionary or not {"field_name", "form_name"} <= dictionary[0].keys():
        raise ask.api.fault(_PATH, "gives no data dictionary", "check the token's rights and pull.asset")
    yield in_memory("dictionary.csv", content, "definition")
    wanted = {"event": "is_longitudinal", "arm": "is_longitudinal", "formEventMapping": "is_longitudinal"}
    wanted["repeatingFormsEvents"] = "has_repeating_instruments_or_events"
    refused = []
    for part in [part for part, trait in wanted.items() if str(project.get(trait)) == "1"]:
        try:
            yield in_memory(f"{part}.csv", _asked(ask, content=part, format="csv"), "definition")
        except http.Refused as fault:
            refused.append(f"{part} ({fault.status})")
    note = f"this account may not read of the project's definition: {', '.join(refused)}" if refused else ""
    return dictionary, note


def _batches(ask: Ask, records: Sequence[str], rows: Iterable[RowKey]) -> Iterator[tuple[str, bytes]]:
    """Whole records, so many at a time; each batch has every row that was listed for its records."""
    listed: dict[str, set[RowKey]] = {}
    for row in rows:
        listed.setdefault(row[0], set()).add(row)
    for number, start in enumerate(range(0, len(records), BATCH_RECORDS), start=1):
        batch = records[start : start + BATCH_RECORDS]
        expected = set().union(*(listed[record] for record in batch))
        lost: set[RowKey] = set()
        for _ in range(2):
            content = _records(ask, records=batch)
            lost = expected - set(_row_keys(ask, content))
            if not lost:
                break
        else:
            raise ask.api.fault(
                _PATH,
                f"lost {len(lost)} of the {len(expected)} rows asked of {len(batch)} records, twice",
                "pull again; if it happens again, check the account's rights on forms and access groups",
            )
        yield f"records-{number:04d}.csv", content


def _records(ask: Ask, **options: str | Sequence[str]) -> bytes:
    return _asked(
        ask,
        content="record",
        format="csv",
        type="flat",
        rawOrLabel="raw",
        exportDataAccessGroups="true",
        exportSurveyFields="true",
        **options,
    )


def _asked(ask: Ask, **options: str | Sequence[str]) -> bytes:
    """One question. An answer of no bytes is what an overloaded server gives, and is asked for again."""
    token = http.secret(ask.source.pull.connection or "", "token", ask.connection.token)
    form: dict[str, Any] = {"token": token, "returnFormat": "json"}
    for name, value in options.items():
        parts = {name: value} if isinstance(value, str) else _numbered(name, value)
        form |= parts
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(http.FIRST_WAIT_SECONDS * 2**attempt)
        if content := ask.api.post(_PATH, data=form).content:
            return content
    raise ask.api.fault(
        _PATH,
        f"gave an empty answer {_ATTEMPTS} times, as it does when overloaded",
        "pull again later, when fewer exports run",
    )


def _numbered(name: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{name}[{place}]": value for place, value in enumerate(values)}


def _row_keys(ask: Ask, content: bytes) -> list[RowKey]:
    return _parsed(ask, _keys, content)


def _keys(content: bytes) -> list[RowKey]:
    """Record, event, instrument and instance of every row; the record's column is the first."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    header = next(rows, [])
    places = [header.index(part) if part in header else None for part in _PARTS]
    found = []
    for row in filter(None, rows):
        event, instrument, instance = ("" if place is None else row[place] for place in places)
        found.append((row[0], event, instrument, instance))
    return found


def _dictionary(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def _parsed(ask: Ask, parse: Callable[[bytes], T], content: bytes) -> T:
    try:
        return parse(content)
    except (ValueError, LookupError, csv.Error, RecursionError) as error:
        raise ask.api.fault(_PATH, "gave an answer that is cut off or damaged", "pull again") from error


def _living(ask: Ask, rows: Iterable[RowKey]) -> bytes:
    """The ids of all rows, and of the rows of events that the reader makes where only instances exist.

    It bears its time, since a list that was landed before would not be landed again.
    """
    ids = {"|".join(row) for row in rows} | {f"{row[0]}|{row[1]}||" for row in rows}
    return json.dumps({"as_of": ask.now.isoformat(), "living": sorted(ids)}, indent=1).encode()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
