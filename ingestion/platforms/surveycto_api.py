"""SurveyCTO's API: the submissions of a form as one wide JSON array, and its deployed form as XML.

Facts this rests on: `date` compares with the CompletionDate, inclusively, and asks for approved submissions
only; `r`, which asks for other review states, is only known to work with `date=0`. So a full pull asks for
every review state, and the pulls between ask for what was completed since `OVERLAP` before the newest
completion seen: what was approved later than that after its completion, what is still pending and what was
rejected meanwhile is told by the weekly full pull. The server answers full pulls that follow each other too
soon with 417 and a reason [M: one in 300 seconds]: that is told and never tried again at once.

A form that is encrypted (its XML carries a public key) is asked with the private key that the connection
names; without the key the server would leave the encrypted answers out in silence, so nothing is pulled.

The form's XML is served at `/forms/<form>/xml` to OpenRosa clients [M]; where it is not, the pull goes on,
its note says so, and whether the form is encrypted is left to what the server answers.

In: one `Ask`. Out: the definition, then at most one body. What its cells mean is `surveycto`'s business.
"""

import hashlib
import json
import mmap
import re
import shutil
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from ingestion.export_fault import Encrypted, ExportFault
from ingestion.formats.text import EXPORT_AGAIN
from ingestion.platforms.http import Refused, secret
from ingestion.platforms.protocol import Ask, Body, Outcome, in_memory

OVERLAP = timedelta(days=7)
_STATES = "approved|pending|rejected"
_TIME = "%b %d, %Y %I:%M:%S %p"
_COMPLETED = re.compile(rb'(?<!\\)"CompletionDate"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"')
_TOO_SOON = 417
_KEY_MARK = b"base64RsaPublicKey"


def ask(ask: Ask) -> Generator[Body, None, Outcome]:
    """Asks for every submission, or for those completed lately; see the module for what that leaves open."""
    connection = ask.connection
    name = ask.source.pull.connection or ""
    account = (
        secret(name, "username", connection.username),
        secret(name, "password", connection.password),
    )
    definition = _definition(ask, account)
    if definition is not None:
        yield in_memory("form.xml", definition, "definition")
    key = _private_key(ask, name)
    if key is None and definition is not None and _KEY_MARK in definition:
        raise _without_key(ask)
    with TemporaryDirectory(prefix="sitewise-") as folder:
        answers = Path(folder, "submissions.json")
        _download(ask, account, key, answers)
        newest, is_empty = _newest(ask, answers)
        newest = max(newest, ask.cursor.get("completed", ""))
        digest = _digest(answers)
        if ask.is_full or not (is_empty or digest == ask.cursor.get("body")):
            yield Body(answers.name, partial(_copy, answers))
    note = "" if definition is not None else "the server does not serve the form's definition to this account"
    # Without a time of completion there is nothing to ask from: everything is asked again.
    cursor = {"completed": newest, "body": digest} if newest else {}
    return Outcome("snapshot" if ask.is_full else "delta", cursor, note)


def _download(ask: Ask, account: tuple[str, str], key: bytes | None, target: Path) -> None:
    path = f"/api/v2/forms/data/wide/json/{quote(ask.asset, safe='')}"
    if ask.is_full:
        params = {"date": "0", "r": _STATES}
    else:
        since = datetime.fromisoformat(ask.cursor["completed"]) - OVERLAP
        params = {"date": str(max(0, int(since.timestamp())))}
    try:
        if key is None:
            ask.api.download(path, target, params=params, auth=account)
        else:
            files = {"private_key": ("private_key.pem", key)}
            ask.api.download(path, target, "POST", params=params, auth=account, files=files)
    except Refused as refused:
        said = _said(refused.said)
        if refused.status == _TOO_SOON:
            remedy = "wait five minutes at least, then pull this source again"
            raise ask.api.fault(path, f"refuses to be asked so soon again (417){said}", remedy) from refused
        if "encrypt" in said.lower() or "private key" in said.lower():
            raise _without_key(ask) from refused
        if said:
            raise ExportFault(refused.file, refused.message + said, refused.remedy) from refused
        raise


def _definition(ask: Ask, account: tuple[str, str]) -> bytes | None:
    """The deployed form as XML, or None where the server does not give it to this account."""
    path = f"/forms/{quote(ask.asset, safe='')}/xml"
    try:
        content = ask.api.get(path, auth=account, headers={"X-OpenRosa-Version": "1.0"}).content
    except Refused:
        return None
    return content if b"<h:html" in content[:2000] or b"/xforms" in content[:2000] else None


def _private_key(ask: Ask, name: str) -> bytes | None:
    """The key named by the connection: the text of a PEM, or the path of one."""
    if ask.connection.private_key is None:
        return None
    text = secret(name, "private_key", ask.connection.private_key)
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return Path(text).expanduser().read_bytes()
    except OSError as error:
        variable = ask.connection.private_key.env
        raise Encrypted(
            "connections.yml",
            f"the private key of connection {name} cannot be read from the path in {variable}",
            f"set {variable} to the path of the form's .pem file, or to its text",
        ) from error


def _without_key(ask: Ask) -> Encrypted:
    env = ask.connection.private_key.env if ask.connection.private_key else None
    return Encrypted(
        f"connection {ask.source.pull.connection}",
        f"the form {ask.asset} is encrypted, and "
        + (f"the key in {env} does not open it" if env else "the connection names no private key"),
        f"set {env} to the key made for this form"
        if env
        else "add private_key: {env: NAME} to it, that variable holding the path or the text of the .pem",
    )


def _newest(ask: Ask, answers: Path) -> tuple[str, bool]:
    """The newest time of completion in UTC, ISO 8601 or blank, and whether the answer lists nothing.

    The answer may be larger than memory and is taken apart elsewhere, so it is searched, not parsed.
    """
    with answers.open("rb") as file:
        size = answers.stat().st_size
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        head, tail = bytes(content[:4096]).strip(), bytes(content[-64:]).strip()
        if not head.startswith(b"[") or not tail.endswith(b"]"):
            said = _said(head.decode(errors="replace"))
            raise ask.api.fault("", f"did not answer with a whole list of submissions{said}", EXPORT_AGAIN)
        times = {match[1] for match in _COMPLETED.finditer(content)}
        return max(map(_utc, times), default=""), size <= 64 and not tail.strip(b"[] \r\n\t")


def _utc(told: bytes) -> str:
    try:
        text = json.loads(b'"' + told + b'"').replace("\u202f", " ")
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return ""


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _copy(origin: Path, target: Path) -> None:
    shutil.copyfile(origin, target)


def _said(body: str) -> str:
    """What a server says in its `error.message`, ready to follow a sentence; or nothing."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f": {' '.join(str(message).split())[:200].rstrip('.')}"
