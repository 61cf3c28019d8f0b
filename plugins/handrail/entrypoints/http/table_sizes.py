"""How large a packed table would become, read from its own framing before anything of it is unpacked.

Arrow IPC and Parquet pack inside: a few kilobytes may hold gigabytes. Both say beside each packed part how large it
becomes, and nothing unpacks it to more than that. See Arrow's Message.fbs and Schema.fbs, and Parquet's parquet.thrift.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

DICTIONARY, RECORDS = 2, 3
DELTA_BYTE_ARRAY = 7
MOST_NESTED = 8


class Unreadable(ValueError):
    """The framing is not what the format says."""


def arrow_size(body: bytes) -> int:
    """Return how many bytes the buffers of an Arrow IPC stream become.

    Raises:
        Unreadable: a message is not one of Arrow.
    """
    import pyarrow as pa

    size = 0
    for message in pa.ipc.MessageReader.open_stream(body):
        buffers = message.body
        size += _message_size(bytes(message.metadata), memoryview(buffers) if buffers is not None else memoryview(b""))
    return size


def _message_size(metadata: bytes, body: memoryview) -> int:
    try:
        root = _table_at(metadata, 0)
        kind = metadata[_field(metadata, root, 1)]
        if kind not in (DICTIONARY, RECORDS):
            return len(metadata)
        batch = _table_at(metadata, _field(metadata, root, 2))
        if kind == DICTIONARY:
            batch = _table_at(metadata, _field(metadata, batch, 1))
        if not _field(metadata, batch, 3):
            return len(body)
        return sum(_buffer_sizes(metadata, _field(metadata, batch, 2), body))
    except (struct.error, IndexError) as err:
        raise Unreadable("a message is damaged") from err


def _buffer_sizes(metadata: bytes, place: int, body: memoryview) -> Iterator[int]:
    vector = _table_at(metadata, place)
    (count,) = struct.unpack_from("<I", metadata, vector)
    for number in range(count):
        offset, length = struct.unpack_from("<qq", metadata, vector + 4 + 16 * number)
        if length:
            # -1: this one buffer is not packed.
            (becomes,) = struct.unpack_from("<q", body, offset)
            yield length if becomes < 0 else becomes


def _table_at(metadata: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", metadata, place)[0])


def _field(metadata: bytes, table: int, number: int) -> int:
    """Return where a field of a flatbuffers table lies, 0 if it is left out."""
    (back,) = struct.unpack_from("<i", metadata, table)
    entries = table - back
    (size,) = struct.unpack_from("<H", metadata, entries)
    place = 4 + 2 * number
    if entries < 0 or place + 2 > size:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, entries + place)
    return table + int(offset) if offset else 0


def parquet_size(body: bytes, described: Any) -> int:
    """Return how many bytes the pages of a Parquet file become; `described` is its metadata.

    Raises:
        Unreadable: a page is not one of Parquet, or packed in a way whose size nothing states.
    """
    size = 0
    for group in range(described.num_row_groups):
        chunks = described.row_group(group)
        for number in range(chunks.num_columns):
            size += sum(_page_sizes(body, chunks.column(number)))
    return size


def _page_sizes(body: bytes, column: Any) -> Iterator[int]:
    place = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        place = min(place, column.dictionary_page_offset)
    end = place + column.total_compressed_size
    while place < end:
        try:
            page, place = _thrift(body, place)
            becomes, packed = page[2], page[3]
        except (IndexError, KeyError, struct.error) as err:
            raise Unreadable("the header of a page is damaged") from err
        if becomes < 0 or packed < 0:
            raise Unreadable("a page has no size")
        if DELTA_BYTE_ARRAY in (page.get(5, {}).get(2), page.get(8, {}).get(4)):
            raise Unreadable("texts are written as DELTA_BYTE_ARRAY; write them plain or in a dictionary")
        place += packed
        yield becomes


def _thrift(body: bytes, place: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Read a struct in Thrift's compact protocol: its fields by number, and where it ends."""
    if depth > MOST_NESTED:
        raise Unreadable("the header of a page is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while head := body[place]:
        place += 1
        if head >> 4:
            number += head >> 4
        else:
            number, place = _zigzag(body, place)
        fields[number], place = _thrift_value(body, place, head & 15, depth)
    return fields, place + 1


def _thrift_value(body: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):
        return kind == 1, place
    if kind == 3:  # noqa: PLR2004 - a byte
        return body[place], place + 1
    if kind in (4, 5, 6):
        return _zigzag(body, place)
    if kind == 8:  # noqa: PLR2004 - a text, which nobody reads
        length, place = _varint(body, place)
        return None, place + length
    if kind == 12:  # noqa: PLR2004 - a struct
        return _thrift(body, place, depth + 1)
    raise Unreadable("the header of a page has a field of another type")


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:  # noqa: PLR2004 - bits
        byte = body[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:  # noqa: PLR2004 - the last one
            return value, place
    raise Unreadable("a number of a page is too long")


def _zigzag(body: bytes, place: int) -> tuple[int, int]:
    value, place = _varint(body, place)
    return (value >> 1) ^ -(value & 1), place
