"""HTTP for the platforms' APIs: one client that retries, waits as it is told, and never tells a secret.

In: a connection. Out: responses whose status is a success (or 304), whole bodies, and `ExportFault` with the
server, the path and a remedy otherwise. What a platform's addresses and bodies mean is its module's business.

Retried, with exponential back-off and jitter, or as `Retry-After` says: 429, 500, 502, 503, 504, timeouts,
broken connections, and bodies that end before their declared length. That holds for POST too: what is asked
here only reads, and the export job or session that a repeated POST may start twice is left to expire.

Secrets go to the connection's own scheme, host and port alone. A redirect of a GET to another server is
followed without any of them, as files in object stores need; any other redirect elsewhere is refused.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

import httpx
import tenacity

from ingestion.export_fault import ExportFault
from ingestion.platforms.http_address import is_loopback, is_same_server, link_on, server_address
from ingestion.platforms.http_bodies import in_memory, pieces, written
from ingestion.platforms.http_waiting import LONGEST_WAIT_SECONDS, Retry, SentAway, Wait, asked_wait
from ingestion.programme.model import Connection, Secret

TIMEOUT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 1.0
# One answer, from its first byte to its last.
TOTAL_SECONDS = 3600.0
# Answers that are taken apart in this process, and files.
MEMORY_BYTES = 128 * 1024**2
DISK_BYTES = 16 * 1024**3
_ATTEMPTS = 5
_REDIRECTS = 5
_RETRIED = frozenset({429, 500, 502, 503, 504})
_NOT_MODIFIED = 304
_SAID_BYTES = 4096
_SEE_OTHER = 303


def secret(connection: str, field: str, named: Secret | None) -> str:
    """A secret from the environment variable that a connection names, without line ends around it.

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
    if not (value := os.environ.get(named.env, "").strip("\r\n")):
        raise ExportFault(
            "connections.yml",
            f"the connection {connection} reads its {field} from {named.env}, which is not set",
            f"set the environment variable {named.env}",
        )
    return value


class Refused(ExportFault):
    """An answer that another attempt would not mend; a platform's module may know better what it means.

    Attributes:
        status: The HTTP status.
        said: How the body begins; it may repeat what was asked, so only known parts of it may be told.
    """

    def __init__(self, fault: ExportFault, status: int, said: str) -> None:
        super().__init__(fault.file, fault.message, fault.remedy)
        self.status, self.said = status, said

    def __reduce__(self) -> tuple[type[ExportFault], tuple[str, str, str]]:
        return ExportFault, (self.file, self.message, self.remedy)


class Api:
    """A client of one server.

    Args:
        name: The connection's name, for messages.
        connection: The connection; `server` is the base of every relative address.
        headers: Sent with every request.
        auth: User and password of basic authentication.
        stopped: Once set, no request is begun and none is waited for.

    Raises:
        ExportFault: The connection names no server, or would send a secret to it in clear.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self.name, self.connection = name, connection
        self.server = server_address(name, connection)
        self.stopped = stopped or threading.Event()
        # Set by a platform whose refusals carry a code of their own; it must give no cell of an answer away.
        self.explain: Callable[[httpx.Response], str] = lambda _: ""
        # The library tells whole addresses, in which some platforms want their secrets.
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self.client = httpx.Client(
            base_url=self.server,
            headers={"Accept-Encoding": "gzip", **(headers or {})},
            auth=auth,
            timeout=TIMEOUT_SECONDS,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((Retry, httpx.TransportError))
            & tenacity.retry_if_not_exception_type(httpx.LocalProtocolError),
            stop=tenacity.stop_after_attempt(_ATTEMPTS) | SentAway(),
            wait=Wait(FIRST_WAIT_SECONDS),
            sleep=tenacity.sleep_using_event(self.stopped),
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A whole response of at most `MEMORY_BYTES`; `options` are those of httpx.

        Args:
            method: GET, POST ...
            path: Below the server's address, or a whole address on that server.
            options: `params`, `headers`, `data`, `json`, `auth` ...

        Raises:
            ExportFault: The server refuses, does not answer after the last attempt, or sends too much.
        """
        return self._attempted(method, path, options, None)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """`request` by GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """`request` by POST."""
        return self.request("POST", path, **options)

    def download(self, path: str, target: Path, method: str = "GET", **options: Any) -> httpx.Response:
        """Streams a body of at most `DISK_BYTES` into a file, which is whole or absent; not written on 304.

        Returns:
            The response, whose headers may be read but not its body.

        Raises:
            ExportFault: As `request`.
        """
        return self._attempted(method, path, options, target)

    def same_host(self, url: str, page: str = "") -> str:
        """A link that the server handed out, such as its next page, as an address to `get`.

        Args:
            url: The link: absolute, or relative to the page.
            page: The path of the page that held it, as it was asked for.

        Raises:
            ExportFault: It leads to another server, which must not be given this one's secrets.
        """
        if (found := link_on(self.server, url, page)) is None:
            raise self.fault(
                page,
                "hands out a link to another server",
                "correct server in connections.yml, or have the server's own address mended",
            )
        return str(found)

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
        return ExportFault(f"connection {self.name}", f"{self.server.host}{place} {message}", remedy)

    def _attempted(
        self, method: str, path: str, options: Mapping[str, Any], target: Path | None
    ) -> httpx.Response:
        address = self.same_host(path) if "://" in path.partition("?")[0] else path
        try:
            return self._retrying(self._once, method, address, options, target)
        except Retry as retry:
            response = retry.response
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeEncodeError):
            # Its own message would quote the header, and so the secret.
            raise self.fault(
                path,
                "cannot be asked: an address or a secret holds characters that HTTP does not allow",
                "check pull.asset, and the connection's secrets for stray characters",
            ) from None
        except httpx.TransportError as error:
            raise self.fault(
                path,
                f"did not give a whole answer ({type(error).__name__}) in {_ATTEMPTS} attempts",
                "check the address and the network, then pull again",
            ) from error
        wait = asked_wait(response)
        if wait is not None and wait > LONGEST_WAIT_SECONDS:
            raise self.fault(
                path, f"asks to be left alone for {wait:.0f} seconds", "pull again after that time"
            )
        raise self.fault(
            path,
            f"answered {response.status_code} in {_ATTEMPTS} attempts",
            "the server is overloaded or out of order: pull again later",
        )

    def _once(
        self, method: str, path: str, options: Mapping[str, Any], target: Path | None
    ) -> httpx.Response:
        def refuse(message: str, remedy: str) -> ExportFault:
            return self.fault(path, message, remedy)

        if self.stopped.is_set():
            raise refuse("was not asked, since the pull was stopped", "pull again")
        deadline = time.monotonic() + TOTAL_SECONDS
        with ExitStack() as stack:
            response = stack.enter_context(self.client.stream(method, path, **options))
            response = self._followed(path, response, stack)
            if response.status_code in _RETRIED:
                raise Retry(response)
            if response.status_code != _NOT_MODIFIED and not response.is_success:
                said = next(pieces(response, MEMORY_BYTES, deadline, refuse), b"")[:_SAID_BYTES]
                fault = self.refused(path, in_memory(response, iter([said])))
                raise Refused(fault, response.status_code, said.decode(errors="replace"))
            most = MEMORY_BYTES if target is None else DISK_BYTES
            body = pieces(response, most, deadline, refuse, self.stopped.is_set)
            if target is None:
                return in_memory(response, body)
            if response.status_code != _NOT_MODIFIED:
                written(response, target, body)
            return response

    def _followed(self, path: str, response: httpx.Response, stack: ExitStack) -> httpx.Response:
        """The response at the end of all redirects; away from the own server nothing secret is sent along."""
        client = self.client
        for _ in range(_REDIRECTS):
            following = response.next_request
            if following is None:
                return response
            is_own = is_same_server(following.url, self.server)
            is_read = response.request.method == "GET" or response.status_code == _SEE_OTHER
            is_safe = following.url.scheme == "https" or is_loopback(self.server)
            if not is_read and (not is_own or following.method != response.request.method):
                raise self.fault(path, "has moved", "write in server the address to which it redirects")
            if not is_own and not is_safe:
                raise self.fault(path, "redirects to an address without https", "correct server")
            if client is not self.client or not is_own:
                client = stack.enter_context(httpx.Client(timeout=TIMEOUT_SECONDS))
                following = client.build_request("GET", following.url, headers={"Accept-Encoding": "gzip"})
            response = stack.enter_context(closing(client.send(following, stream=True)))
        raise self.fault(path, "redirects without end", "correct server")
