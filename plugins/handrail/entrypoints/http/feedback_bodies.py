"""Reads the body of a request with predictions or feedback: limited in size, time and density, perhaps packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.entrypoints.http.bodies import arriving_within, check_length, too_large
from handrail.entrypoints.http.content_coding import unpack
from handrail.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.requests import Request

BODY_TIMEOUT_S = 60.0
SMALLER = "Send fewer rows at once, or let the server take more: the setting feedback_max_bytes."


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request as it was before it was packed, in up to `limit` bytes before and after.

    Raises:
        Rejection: it is too large, too slow, or packed in an unknown way.
        InvalidInput: it broke off, or is not packed as it says.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    check_length(request.headers.get("content-length"), limit, SMALLER)
    body = bytearray()
    try:
        async with arriving_within(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large(limit, SMALLER)
    except ClientDisconnect as err:
        raise InvalidInput("body", "it broke off before its end", "Send it again; nothing was recorded.") from err
    coding = request.headers.get("content-encoding")
    return await run_in_threadpool(unpack, bytes(body), coding, limit, SMALLER) if coding else bytes(body)
