"""What stands on paper: the text of a PDF as Chromium writes it, so that a test reads digits and not pixels.

It reads what Skia's PDF backend writes and no more: streams with their length, fonts with a table from glyphs to text.
"""

from __future__ import annotations

import re
import zlib

OBJECT = re.compile(rb"(\d+) 0 obj\s")
SHOWN = re.compile(rb"/(\w+) [\d.]+ Tf|\[([^\]]*)\] ?TJ|<([0-9A-Fa-f]+)> ?Tj|\bET\b")


def printed_text(pdf: bytes) -> str:
    """Return the text of all pages in the order in which it is drawn; each run of text ends with a space."""
    objects = _objects(pdf)
    pages = [body for body, _ in objects.values() if re.search(rb"/Type\s*/Page\b(?!s)", body)]
    assert pages, "a PDF has pages"
    return "".join(_page_text(body, objects) for body in pages)


def _objects(pdf: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Return each object by its number: what stands before its stream, and the stream."""
    found, at = {}, 0
    while head := OBJECT.search(pdf, at):
        end = pdf.index(b"endobj", head.end())
        begin = pdf.find(b"stream", head.end(), end)
        body, stream = pdf[head.end() : end], b""
        if begin > 0:
            body = pdf[head.end() : begin]
            length = re.search(rb"/Length (\d+)", body)
            assert length, "a stream has a length"
            start = begin + len(b"stream") + (2 if pdf[begin + 6 : begin + 8] == b"\r\n" else 1)
            stream = pdf[start : start + int(length[1])]
            end = pdf.index(b"endobj", start + int(length[1]))
        found[int(head[1])] = (body, zlib.decompress(stream) if b"FlateDecode" in body else stream)
        at = end
    return found


def _page_text(page: bytes, objects: dict[int, tuple[bytes, bytes]]) -> str:
    fonts = {
        name.decode(): _glyphs(objects, int(number))
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", _resources(page, objects))
    }
    contents = re.search(rb"/Contents (\d+) 0 R", page)
    assert contents, "a page has a content"
    text, font = [], {}
    for named, several, one in SHOWN.findall(objects[int(contents[1])][1]):
        if named:
            font = fonts[named.decode()]
        for run in re.findall(rb"<([0-9A-Fa-f]+)>", several) or ([one] if one else []):
            text += [font[run[place : place + 4].upper()] for place in range(0, len(run), 4)]
        if not (named or several or one):
            text.append(" ")
    return "".join(text)


def _resources(page: bytes, objects: dict[int, tuple[bytes, bytes]]) -> bytes:
    elsewhere = re.search(rb"/Resources (\d+) 0 R", page)
    return objects[int(elsewhere[1])][0] if elsewhere else page


def _glyphs(objects: dict[int, tuple[bytes, bytes]], font: int) -> dict[bytes, str]:
    """Return the text of each glyph of a font, by its number of four hexadecimal digits."""
    table = re.search(rb"/ToUnicode (\d+) 0 R", objects[font][0])
    assert table, "a font says what its glyphs are"
    said, found = objects[int(table[1])][1], {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", said, re.DOTALL):
        for glyph, text in re.findall(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>", part):
            found[glyph.upper()] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", said, re.DOTALL):
        for low, high, text in re.findall(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>", part):
            for step in range(int(high, 16) - int(low, 16) + 1):
                found[b"%04X" % (int(low, 16) + step)] = chr(int(text, 16) + step)
    return found
