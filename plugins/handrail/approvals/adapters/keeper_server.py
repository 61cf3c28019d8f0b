"""Answers on a Unix socket, for the users that the system itself says are at the other end."""

from __future__ import annotations

import logging
import os
import socket
import socketserver
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from handrail.approvals.adapters.keeper_calls import Call
from handrail.approvals.adapters.keeper_frames import (
    VERSION,
    FrameError,
    close_files,
    read_frame,
    said_of_error,
    write_frame,
)
from handrail.errors import HandrailError, InvalidInput, Unavailable

LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes."""
_CREDENTIALS = struct.Struct("3i")
_log = logging.getLogger("handrail.approvals")


class KeeperServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread a connection; a connection of another user is closed before a byte of it is read."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, calls: Mapping[str, Call], users: Collection[int]) -> None:
        """Listen at the path, in the place of a socket that nobody listens on; `users` are the ids of who may ask.

        Raises:
            Unavailable: the path is too long, cannot be made, or another process listens there.
        """
        self._calls = calls
        self._users = frozenset(users)
        _make_room(path)
        try:
            super().__init__(str(path), _Conversation)
            path.chmod(0o666)  # who connects is judged by what the system says of them
        except OSError as err:
            raise _cannot_listen(path, (err.strerror or str(err)).lower()) from err

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - socketserver's
        """Let the process at the other end ask only if its user may."""
        user = user_of(request)
        if user not in self._users:
            _log.warning("The user %d tried to reach the keeper's socket, and may not.", user)
        return user in self._users

    def answer(self, connection: socket.socket, question: Any, files: Collection[int]) -> None:
        """Answer one question."""
        try:
            result = self._answer_to(question, list(files))
            if isinstance(result, Iterator):
                for part in result:
                    write_frame(connection, {"part": part})
                result = None
            write_frame(connection, {"said": result})
        except HandrailError as err:
            write_frame(connection, said_of_error(err))

    def _answer_to(self, question: Any, files: list[int]) -> Any:
        try:
            if question["v"] != VERSION:
                raise InvalidInput(
                    "v", f"{question['v']!r} is not version {VERSION}", "Install one release on both sides."
                )
            call = self._calls[question["call"]]
            return call(question["said"], files)
        except (KeyError, TypeError, ValueError) as err:
            _log.warning("A question on the keeper's socket could not be answered.", exc_info=True)
            problem = f"it cannot be understood: {type(err).__name__}: {err}"
            raise InvalidInput("question", problem, "Run keeper and server from the same release.") from err


class _Conversation(socketserver.BaseRequestHandler):
    server: KeeperServer

    def handle(self) -> None:
        """Answer questions until the other side ends or does not speak this."""
        connection: socket.socket = self.request
        try:
            while frame := read_frame(connection, most_files=1):
                question, files = frame
                try:
                    self.server.answer(connection, question, files)
                finally:
                    close_files(files)
        except FrameError as err:
            _log.warning("A conversation on the keeper's socket was ended: %s", err)
        except OSError:
            pass  # the other side is gone, and with it whoever waited for the answer


def user_of(connection: socket.socket) -> int:
    """Return the id of the user whose process is at the other end, as the kernel knows it."""
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(said)[1])


def _make_room(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise _cannot_listen(path, f"its path is longer than {LONGEST_PATH} bytes")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise _cannot_listen(path, "another keeper listens there")


def _cannot_listen(path: Path, problem: str) -> Unavailable:
    return Unavailable(str(path), problem, "End the other one, or name another place in approvals_socket.")
