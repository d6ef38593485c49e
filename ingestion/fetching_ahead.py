"""APIs are asked while other sources are read: a few at a time, and never two at once of one server.

In: the sources of a pull in their order. Out: what each has brought in, in whatever order the pull wants it.
Sources without an API are fetched when it is their turn. Reading and the lake have one writer, elsewhere.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from ingestion.fetching import Fetched, asks_api
from ingestion.programme.model import Programme, Source

_SERVERS_AT_ONCE = 4

Fetch = Callable[[Source, threading.Event], Fetched]


@contextmanager
def fetching_ahead(
    programme: Programme, sources: Sequence[Source], fetch: Fetch
) -> Iterator[Callable[[Source], Fetched]]:
    """Starts asking the APIs.

    Args:
        programme: The programme.
        sources: The sources to pull, in the order in which they will be wanted.
        fetch: Fetches one source; it keeps its faults in what it returns.

    Yields:
        A function that waits for a source and returns what it has brought in.
    """
    stopped = threading.Event()
    coming: dict[str, Future[Fetched]] = {}
    by_server: dict[str, list[Source]] = {}
    for source in filter(asks_api, sources):
        connection = programme.connections[source.pull.connection or ""]
        by_server.setdefault(str(connection.server).lower().rstrip("/"), []).append(source)
        coming[source.source] = Future()

    def ask_one_server(theirs: Sequence[Source]) -> None:
        for source in theirs:
            if stopped.is_set():
                return
            try:
                coming[source.source].set_result(fetch(source, stopped))
            except BaseException as error:
                coming[source.source].set_exception(error)

    def wanted(source: Source) -> Fetched:
        return coming[source.source].result() if source.source in coming else fetch(source, stopped)

    pool = ThreadPoolExecutor(_SERVERS_AT_ONCE, thread_name_prefix="asking")
    try:
        for theirs in by_server.values():
            pool.submit(ask_one_server, theirs)
        yield wanted
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
