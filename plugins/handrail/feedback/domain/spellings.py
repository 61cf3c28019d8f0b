"""How a text may be written in a file: what a search by bytes has to look for."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote

LEAST = 4
"""A shorter text is found everywhere: a search by bytes proves nothing about it."""

LEAST_WRITTEN = 6
"""In another writing it has to be longer: in base64 four letters are found by chance."""


def spellings(text: str) -> Mapping[str, bytes]:
    """Return the ways to write a text, each with its bytes; equal bytes once."""
    found: dict[bytes, str] = {}
    for name, data in _written(text):
        if name == "plain" or len(data) >= LEAST_WRITTEN:
            found.setdefault(data, name)
    return {name: data for data, name in found.items()}


def _written(text: str) -> Iterator[tuple[str, bytes]]:
    plain = text.encode()
    yield "plain", plain
    for order in ("utf-16-le", "utf-16-be", "utf-32-le"):
        yield order, text.encode(order)
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON, not only ASCII", json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield "JSON with escaped slashes", json.dumps(text)[1:-1].replace("/", "\\/").encode()
    yield "Python", text.encode("unicode_escape")
    yield "URL", quote(text, safe="").encode()
    yield "URL with slashes", quote(text).encode()
    yield "HTML", html.escape(text).encode()
    yield "hex", plain.hex().encode()
    yield "HEX", plain.hex().upper().encode()
    for alphabet, other in ((None, "base64"), (b"-_", "base64 of URLs")):
        for shift in range(3):
            yield f"{other}, shifted by {shift}", _core(plain, shift, alphabet)


def _core(plain: bytes, shift: int, alphabet: bytes | None) -> bytes:
    """Return the characters of base64 that depend on the text alone, if it begins at that place of three."""
    whole = b64encode(b"\0" * shift + plain, altchars=alphabet)
    bits = 8 * (shift + len(plain))
    return whole[-(-8 * shift // 6) : bits // 6]
