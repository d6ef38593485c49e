"""HTTP for the platforms' APIs: one client that retries, waits as it is told, and never tells a secret.

In: a connection. Out: responses whose status is a success (or 304), whole bodies, and `ExportFault` with the
server, the path and a remedy otherwise. What a platform's addresses and bodies mean is its module's business.

Retried, with exponential back-off and jitter, or as `Retry-After` says: 429, 500, 502, 503, 504, timeouts,
broken connections, and bodies that end before their declared length.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self

import httpx
import tenacity

from ingestion.export_fault import ExportFault
from ingestion.programme.model import Connection, Secret

TIMEOUT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 1.0
_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 300.0
_RETRIED = frozenset({429, 500, 502, 503, 504})
_CHUNK_BYTES = 1 << 20
_NOT_MODIFIED = 304


def secret(connection: str, field: str, named: Secret | None) -> str:
    """A secret from the environment variable that a connection names.

    Args:
        connection: The connection's name, for messages.
        field: Field of connections.yml that names the variable.
        named: The field's value.

    Raises:
        ExportFault: The field is absent, or the variable is not set.
    """
    if named is None:
        raise ExportFault(
            "connections.yml",
            f"the connection {connection} has no '{field}'",
            f"add {field}: {{env: NAME_OF_THE_VARIABLE}}",
        )
    if not (value := os.environ.get(named.env, "")):
        raise ExportFault(
            "connections.yml",
            f"the connection {connection} reads its {field} from {named.env}, which is not set",
            f"set the environment variable {named.env}",
        )
    return value


class _Retry(Exception):
    """A response that is worth another attempt."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response


class Api:
    """A client of one server.

    Args:
        name: The connection's name, for messages.
        connection: The connection; `server` is the base of every relative address.
        headers: Sent with every request.
        auth: User and password of basic authentication.

    Raises:
        ExportFault: The connection names no server.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        if not connection.server:
            raise ExportFault(
                "connections.yml", f"the connection {name} names no server", "add server: https://..."
            )
        self.name, self.connection = name, connection
        # Set by a platform whose refusals carry a code of their own; it must give no cell of an answer away.
        self.explain: Callable[[httpx.Response], str] = lambda _: ""
        self.client = httpx.Client(
            base_url=connection.server.rstrip("/"),
            headers=dict(headers or {}),
            auth=auth,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=True,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((_Retry, httpx.TransportError)),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_Wait(FIRST_WAIT_SECONDS),
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A whole response; `options` are those of httpx.

        Raises:
            ExportFault: The server refuses, or does not answer after the last attempt.
        """
        return self._attempted(method, path, options, None)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """`request` by GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """`request` by POST."""
        return self.request("POST", path, **options)

    def download(self, path: str, target: Path, method: str = "GET", **options: Any) -> httpx.Response:
        """Streams a body into a file, which is whole or absent; nothing is written on 304.

        Returns:
            The response, whose headers may be read but not its body.

        Raises:
            ExportFault: As `request`.
        """
        return self._attempted(method, path, options, target)

    def _attempted(
        self, method: str, path: str, options: Mapping[str, Any], target: Path | None
    ) -> httpx.Response:
        try:
            return self._retrying(self._once, method, path, options, target)
        except _Retry as retry:
            response = retry.response
        except httpx.TransportError as error:
            raise self.fault(
                path,
                f"did not give a whole answer ({type(error).__name__}) in {_ATTEMPTS} attempts",
                "check the address and the network, then pull again",
            ) from error
        raise self.fault(
            path,
            f"answered {response.status_code} in {_ATTEMPTS} attempts",
            "the server is overloaded or out of order: pull again later",
        )

    def _once(
        self, method: str, path: str, options: Mapping[str, Any], target: Path | None
    ) -> httpx.Response:
        with ExitStack() as stack:
            response = stack.enter_context(self.client.stream(method, path, **options))
            if response.status_code in _RETRIED:
                raise _Retry(response)
            if response.status_code != _NOT_MODIFIED and not response.is_success:
                response.read()
                raise self.refused(path, response)
            if target is None:
                response.read()
            elif response.status_code != _NOT_MODIFIED:
                _write(response, target)
            return response

    def refused(self, path: str, response: httpx.Response) -> ExportFault:
        """The fault of an answer that another attempt would not mend."""
        status = response.status_code
        told = ", ".join(filter(None, [str(status), self.explain(response)]))
        if status in (401, 403):
            names = [
                named.env
                for named in (self.connection.token, self.connection.username, self.connection.password)
                if named
            ]
            return self.fault(
                path,
                f"refused the account ({told})",
                f"check {' and '.join(names) or 'its secrets'}: expired, mistyped, or no access to the form",
            )
        if status == 404:
            return self.fault(
                path, f"has nothing there ({told})", "correct server, or pull.asset in sources.yml"
            )
        return self.fault(path, f"answered {told}", "check the connection and pull.asset")

    def fault(self, path: str, message: str, remedy: str) -> ExportFault:
        """A fault of this server; paths are told without their query, which may hold a secret."""
        place = httpx.URL(path).path if path else ""
        return ExportFault(f"connection {self.name}", f"{self.client.base_url.host}{place} {message}", remedy)


def _write(response: httpx.Response, target: Path) -> None:
    arriving = target.with_name(f"{target.name}.arriving")
    try:
        with arriving.open("wb") as file:
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                file.write(chunk)
        arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)


class _Wait(tenacity.wait.wait_base):
    """What `Retry-After` says, else exponentially longer with jitter."""

    def __init__(self, first: float) -> None:
        self.usual = tenacity.wait_exponential_jitter(initial=first, max=_LONGEST_WAIT_SECONDS, jitter=first)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        told = _retry_after(error.response) if isinstance(error, _Retry) else None
        return self.usual(retry_state) if told is None else min(told, _LONGEST_WAIT_SECONDS)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that a server asks to be left alone, or None."""
    told = str(response.headers.get("Retry-After", "")).strip()
    if told.isdecimal():
        return float(told)
    try:
        asked: datetime = parsedate_to_datetime(told)
        return max(0.0, (asked - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
