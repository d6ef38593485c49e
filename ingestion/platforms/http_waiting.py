"""How long to wait before a server is asked again.

In: the response of a failed attempt. Out: seconds, as `Retry-After` says (seconds or a date), else growing
exponentially with jitter. Whether to ask again is decided by whoever asks.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import tenacity

LONGEST_WAIT_SECONDS = 300.0


class Retry(Exception):
    """A response that is worth another attempt."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response


class Wait(tenacity.wait.wait_base):
    """What `Retry-After` says, else exponentially longer with jitter.

    Args:
        first: Seconds before the second attempt.
    """

    def __init__(self, first: float) -> None:
        self.usual = tenacity.wait_exponential_jitter(initial=first, max=LONGEST_WAIT_SECONDS, jitter=first)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        """Seconds to wait after a failed attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        told = asked_wait(error.response) if isinstance(error, Retry) else None
        return self.usual(retry_state) if told is None else min(told, LONGEST_WAIT_SECONDS)


class SentAway(tenacity.stop.stop_base):
    """Stops where the server asks to be left alone for longer than a pull may wait."""

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        """Whether to stop after a failed attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        told = asked_wait(error.response) if isinstance(error, Retry) else None
        return told is not None and told > LONGEST_WAIT_SECONDS


def asked_wait(response: httpx.Response) -> float | None:
    """Seconds for which a server asks to be left alone, or None."""
    told = str(response.headers.get("Retry-After", "")).strip()
    if told.isascii() and told.isdecimal():
        return float(told)
    try:
        asked = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
    return max(0.0, (asked - datetime.now(UTC)).total_seconds())
