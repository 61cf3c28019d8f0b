"""The limits on every request body: how large it may be, and how long it may take to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from handrail.entrypoints.http.problems import Rejection

MAX_DIGITS = 12
# The rest of the body is still on its way; it must not be taken for the next request.
CLOSE = (("connection", "close"),)


def too_large(limit: int, remedy: str) -> Rejection:
    """Return the answer to a body of more than `limit` bytes."""
    return Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {limit:,} bytes. {remedy}", CLOSE)


def check_length(declared: str | None, limit: int, remedy: str) -> None:
    """Refuse a body by its Content-Length, before any of it is read.

    Raises:
        Rejection: it is larger than `limit` bytes, or the header is not a number.
    """
    if declared is None:
        return
    is_number = declared.isascii() and declared.isdigit() and len(declared) < MAX_DIGITS
    if not is_number or int(declared) > limit:
        raise too_large(limit, remedy)


@asynccontextmanager
async def arriving_within(seconds: float) -> AsyncIterator[None]:
    """Limit the time in which a body is read.

    Raises:
        Rejection: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as err:
        detail = f"The body did not arrive within {seconds:g} s. Send it again."
        raise Rejection(HTTPStatus.REQUEST_TIMEOUT, detail, CLOSE) from err
