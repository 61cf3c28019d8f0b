"""Unpacks a body as its Content-Encoding says, gzip or zstd, and stops where it grows beyond what may be meant."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from http import HTTPStatus

from handrail.entrypoints.http.bodies import too_large
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput

CODINGS = "gzip, zstd"
STEP = 262_144
"""Bytes that are unpacked at once: no more than this is ever held beyond the limits."""
MOST_RATIO = 200
FREE = 1_000_000
"""Bytes that a body may always unpack to: short ones may well consist of one repeated row."""
WHOLE = "Send it whole and packed as its header says; nothing was recorded."
_GZIP_WINDOW = 31


def unpack(body: bytes, coding: str | None, limit: int, remedy: str) -> bytes:
    """Return a body as it was before it was packed; `limit` and MOST_RATIO bound it while it is unpacked.

    Raises:
        Rejection: it is packed in an unknown way (415), or grows beyond the limits (413).
        InvalidInput: it is not what its header says, or breaks off.
    """
    names = [each.strip().lower() for each in (coding or "").split(",")]
    names = [each for each in names if each not in ("", "identity")]
    if not names:
        return body
    unpacker = _UNPACKERS.get(names[0]) if len(names) == 1 else None
    if unpacker is None:
        detail = f"Content-Encoding {coding!r} is not known. Use one of: {CODINGS}; or none."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [("accept-encoding", CODINGS)])
    most = min(limit, max(FREE, MOST_RATIO * len(body)))
    unpacked = bytearray()
    for part in unpacker(body):
        unpacked += part
        if len(unpacked) > most:
            raise too_large(limit, remedy) if most == limit else _too_dense(remedy)
    return bytes(unpacked)


def _too_dense(remedy: str) -> Rejection:
    detail = f"The body unpacks to more than {MOST_RATIO} times its size. {remedy}"
    return Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _cut_off(coding: str) -> InvalidInput:
    return InvalidInput("body", f"its {coding} stream is cut off", WHOLE)


def _gunzipped(body: bytes) -> Iterator[bytes]:
    packed = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # In slices: zlib copies what it has not read yet at every step.
        for start in range(0, len(body), STEP):
            rest = body[start : start + STEP]
            while rest and not packed.eof:
                yield packed.decompress(rest, STEP)
                rest = packed.unconsumed_tail
            if packed.eof and (packed.unused_data or start + STEP < len(body)):
                raise InvalidInput("body", "it goes on after the end of its gzip stream", WHOLE)
        while not packed.eof and (part := packed.decompress(b"", STEP)):
            yield part
    except zlib.error as err:
        raise InvalidInput("body", "it is not a gzip stream", WHOLE) from err
    if not packed.eof:
        raise _cut_off("gzip")


def _unzstd(body: bytes) -> Iterator[bytes]:
    try:
        import pyarrow as pa
    except ImportError as err:
        detail = "This server cannot unpack zstd. Use gzip; or install Handrail with the extra 'parquet'."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [("accept-encoding", "gzip")]) from err
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            while part := stream.read(STEP):
                yield part
    except OSError as err:
        if "Truncated" in str(err):
            raise _cut_off("zstd") from err
        raise InvalidInput("body", "it is not a zstd stream", WHOLE) from err


_UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "zstd": _unzstd,
}
