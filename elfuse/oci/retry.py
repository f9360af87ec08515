"""Trying again: what may pass, how long to wait, and when to give up."""

import time
from collections.abc import Callable
from typing import TypeVar

from elfuse.errors import ElfuseError
from elfuse.oci.http import Cancellation, Options, TransferError

# 408 and 425 ask for it; the others say that the server, not the request, is at fault.
STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

T = TypeVar("T")


class Retry(Exception):
    """An attempt that failed in a way that may pass. `after` is what the server asked us to wait."""

    def __init__(self, cause: ElfuseError, after: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.after = after


class Retries:
    """The attempts of one request: exponential back-off with jitter, Retry-After, an end."""

    def __init__(self, options: Options, cancellation: Cancellation) -> None:
        self._options = options
        self._cancellation = cancellation
        self._failed = 0

    def succeeded(self) -> None:
        """Something arrived: a transfer that gets on is worth any number of attempts."""
        self._failed = 0

    def pause(self, failure: Retry) -> None:
        """Wait for the next attempt; raises the failure's cause when there have been enough."""
        self._failed += 1
        options = self._options
        if self._failed >= options.attempts:
            raise failure.cause from None
        import random  # with email.utils a fifth of what a pull of something current costs

        delay = options.backoff * 2 ** (self._failed - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        if failure.after is not None:
            delay = max(delay, failure.after)
        self._cancellation.wait(min(delay, options.retry_after_limit))

    def run(self, call: Callable[[], T]) -> T:
        """The result of the first attempt that gives one."""
        while True:
            try:
                return attempt(call)
            except Retry as failure:
                self.pause(failure)


def attempt(call: Callable[[], T]) -> T:
    """`call`, a broken transfer turned into Retry where trying again may help."""
    try:
        return call()
    except TransferError as error:
        if not error.retryable:
            raise
        raise Retry(error) from None


def seconds_of(value: str) -> float | None:
    """Seconds to wait by Retry-After (RFC 9110 10.2.3), a number or a date."""
    if value.isdigit():
        return float(value[:9])
    if not value:
        return None
    import email.utils

    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
