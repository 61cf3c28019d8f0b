"""Reads the body of a request that carries OpenLineage events: limited, perhaps compressed, one or many."""

from __future__ import annotations

import json
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from handrail.entrypoints.http.bodies import arriving_within, check_length, too_large
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput, MissingTool

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

if TYPE_CHECKING:
    from starlette.requests import Request

BODY_TIMEOUT_S = 60.0
GZIP_WINDOW = 31
REMEDY = "Send one OpenLineage event as a JSON object, or several as an array; nothing was recorded."
TOO_LARGE = "Send fewer events at once, or let the server take more: the setting lineage_max_bytes."


async def read_documents(request: Request, max_bytes: int) -> list[object]:
    """Return the decoded documents of a request: one event, or an array of them, in up to `max_bytes` unpacked.

    Raises:
        Rejection: the body is too large, too slow, or compressed in an unknown way.
        InvalidInput: it is not JSON, or broke off.
    """
    check_length(request.headers.get("content-length"), max_bytes, TOO_LARGE)
    try:
        async with arriving_within(BODY_TIMEOUT_S):
            body = await _collect(request, max_bytes)
    except ClientDisconnect as err:
        raise InvalidInput("body", "it broke off before its end", REMEDY) from err
    document = await run_in_threadpool(_decode, body)
    return document if isinstance(document, list) else [document]


async def _collect(request: Request, max_bytes: int) -> bytes:
    unpack = _unpacker(request.headers.get("content-encoding"))
    body = bytearray()
    async for chunk in request.stream():
        body += _unpacked(unpack, chunk, max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            raise too_large(max_bytes, TOO_LARGE)
    if unpack is not None and not unpack.eof:
        raise InvalidInput("body", "its gzip stream is cut off", REMEDY)
    return bytes(body)


def _unpacker(encoding: str | None) -> zlib._Decompress | None:
    if encoding in (None, "", "identity"):
        return None
    if encoding != "gzip":
        raise Rejection(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Encoding {encoding!r} is not known. Use gzip or none."
        )
    return zlib.decompressobj(GZIP_WINDOW)


def _unpacked(unpack: zlib._Decompress | None, chunk: bytes, most: int) -> bytes:
    if unpack is None:
        return chunk
    try:
        unpacked = unpack.decompress(chunk, most)
    except zlib.error as err:
        raise InvalidInput("body", "it is not a gzip stream", REMEDY) from err
    # zlib would keep whatever follows the end, however much it is.
    if unpack.unused_data:
        raise InvalidInput("body", "it goes on after the end of its gzip stream", REMEDY)
    return unpacked


def _decode(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("body", "it is not JSON in UTF-8", REMEDY) from err


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
