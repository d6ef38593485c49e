"""Whole bodies from a server that may cut them off, never end them, or pack a great deal into a little.

In: a response that is being streamed. Out: its decoded bytes, piece by piece, or a fault. Whether another
attempt is worth making, and what the bytes mean, is decided elsewhere.

Only gzip is asked for and only gzip is undone, here rather than by the client, which takes a compressed body
that stops half-way for a whole one and unpacks each piece to whatever size it claims.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

_CHUNK_BYTES = 1 << 20
_GZIP = 31

Refuse = Callable[[str, str], Exception]


def pieces(
    response: httpx.Response,
    most_bytes: int,
    deadline: float,
    refuse: Refuse,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[bytes]:
    """The decoded body of a streamed response.

    Args:
        response: The response.
        most_bytes: Most bytes it may decode to.
        deadline: Time by `time.monotonic` at which it must have ended.
        refuse: Makes the fault to raise from what is wrong and a remedy.
        is_stopped: Whether the pull is being abandoned.

    Raises:
        httpx.RemoteProtocolError: The body ends before its end.
        Exception: What `refuse` makes.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise refuse(
            "packs its answer in a way that was not asked for", "correct server, or the proxy before it"
        )
    raw = response.iter_raw()
    count = 0
    for piece in _unzipped(raw) if encoding == "gzip" else raw:
        count += len(piece)
        if count > most_bytes:
            raise refuse(
                f"answers with more than {most_bytes // 1024**2} MiB",
                "check the address; a form this large is exported to a file and dropped",
            )
        if time.monotonic() > deadline:
            raise refuse("took too long to finish one answer", "check the network, then pull again")
        if is_stopped():
            raise refuse("was not heard out, since the pull was stopped", "pull again")
        yield piece


def written(response: httpx.Response, target: Path, body: Iterator[bytes]) -> httpx.Response:
    """Streams a body into a file, which is whole or absent; the response's headers may be read afterwards."""
    arriving = target.with_name(f"{target.name}.arriving")
    try:
        with arriving.open("wb") as file:
            for piece in body:
                file.write(piece)
        arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)
    return response


def in_memory(response: httpx.Response, body: Iterator[bytes]) -> httpx.Response:
    """The response with its decoded body."""
    transport = {"content-encoding", "content-length", "transfer-encoding"}
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in transport]
    return httpx.Response(
        response.status_code, headers=headers, content=b"".join(body), request=response.request
    )


def _unzipped(raw: Iterator[bytes]) -> Iterator[bytes]:
    """Unpacks a piece at a time, however far it would unpack."""
    decoder = zlib.decompressobj(_GZIP)
    is_blank = True
    for packed in raw:
        while packed:
            is_blank = False
            if decoder.eof:
                decoder = zlib.decompressobj(_GZIP)
            try:
                yield decoder.decompress(packed, _CHUNK_BYTES)
            except zlib.error as error:
                raise httpx.RemoteProtocolError("the compressed body is damaged") from error
            packed = decoder.unconsumed_tail or decoder.unused_data
    # The last pieces of a full window wait inside the decoder.
    while not decoder.eof and (rest := decoder.decompress(b"", _CHUNK_BYTES)):
        yield rest
    if not is_blank and not decoder.eof:
        raise httpx.RemoteProtocolError("the compressed body was cut off")
