"""What passes over the keeper's socket: frames of JSON, of version 1, and open files beside them.

A frame is its length in bytes, as 4 bytes with the highest first, and UTF-8 JSON. A question is
`{"v", "call", "said"}`. It is answered by any number of `{"part"}` and one `{"said"}` or `{"error", "facts"}`.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

from handrail.errors import HandrailError, Unavailable

VERSION = 1
LARGEST_FRAME = 256 << 20
_LENGTH = struct.Struct("!I")


class FrameError(ValueError):
    """The other side does not speak this."""


def write_frame(connection: socket.socket, values: Any, files: Sequence[int] = ()) -> None:
    """Send one frame, and with it the descriptors of open files.

    Raises:
        OSError: the other side is gone.
    """
    content = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    head = _LENGTH.pack(len(content))
    if files:
        socket.send_fds(connection, [head], list(files))
        connection.sendall(content)
    else:
        connection.sendall(head + content)


def read_frame(connection: socket.socket, *, most_files: int = 0) -> tuple[Any, list[int]] | None:
    """Receive one frame and the descriptors that came with it; None if the other side ended the conversation.

    Raises:
        FrameError: it is no frame, or too long.
        OSError: the other side is gone.
    """
    files: list[int] = []
    try:
        if most_files:
            head, files, _, _ = socket.recv_fds(connection, _LENGTH.size, most_files)
        else:
            head = connection.recv(_LENGTH.size)
        if not head:
            return None
        head += _exactly(connection, _LENGTH.size - len(head))
        (length,) = _LENGTH.unpack(head)
        if length > LARGEST_FRAME:
            raise FrameError(f"a frame of {length:,} bytes")
        return json.loads(_exactly(connection, length)), files
    except (ValueError, RecursionError) as err:
        close_files(files)
        raise FrameError(str(err)) from err
    except OSError:
        close_files(files)
        raise


def close_files(files: Sequence[int]) -> None:
    """Close descriptors that came with a frame."""
    for descriptor in files:
        os.close(descriptor)


def _exactly(connection: socket.socket, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        chunk = connection.recv(min(count - len(content), 1 << 20))
        if not chunk:
            raise FrameError("the other side ended within a frame")
        content += chunk
    return bytes(content)


def said_of_error(error: HandrailError) -> dict[str, Any]:
    """Return what the other side makes the same error from."""
    return {"error": type(error).__name__, "facts": error.facts()}


def error_from(said: Any, where: str) -> HandrailError:
    """Make the error that the other side raised; one of an unknown kind is its sentence."""
    kinds = _kinds(HandrailError)
    try:
        facts = dict(said["facts"])
        return kinds[said["error"]](**facts)
    except (KeyError, TypeError, ValueError):
        problem = f"it answered with an error that this release does not know: {said!r:.200}"
        return Unavailable(where, problem, "Run keeper and server from the same release.")


def _kinds(root: type[HandrailError]) -> dict[str, type[HandrailError]]:
    found = {root.__name__: root}
    for kind in root.__subclasses__():
        found |= _kinds(kind)
    return found
