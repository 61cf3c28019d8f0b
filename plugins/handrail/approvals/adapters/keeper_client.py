"""Asks a keeper on its Unix socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handrail.approvals.adapters.keeper_frames import VERSION, FrameError, error_from, read_frame, write_frame
from handrail.errors import Unavailable

TIMEOUT_S = 60.0
START = "Start it with 'handrail approvals keeper', or name the right socket in approvals_socket."


class _Idle:
    """Connections on which nothing is asked at the moment."""

    def __init__(self) -> None:
        self._connections: list[socket.socket] = []
        self._process = os.getpid()
        self._lock = threading.Lock()

    def take(self) -> socket.socket | None:
        """Return one of them, None if there is none."""
        with self._lock:
            if self._process != os.getpid():
                # Another process goes on with the connections that it had when this one was forked from it.
                self._connections, self._process = [], os.getpid()
            return self._connections.pop() if self._connections else None

    def give_back(self, connection: socket.socket) -> None:
        """Keep a connection for the next question."""
        with self._lock:
            self._connections.append(connection)


class KeeperClient:
    """Connections to one keeper, for any number of threads. A question that a restart cut off is asked once more."""

    def __init__(self, path: Path, timeout_s: float | None = TIMEOUT_S) -> None:
        """Connect to the socket at the first question; an answer may take so long, or any time if None."""
        self._path = path
        self._timeout_s = timeout_s
        self._idle = _Idle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def patient(self, timeout_s: float | None) -> KeeperClient:
        """Return this client with another patience; its connections are the same."""
        other = copy(self)
        other._timeout_s = timeout_s
        return other

    def ask(self, call: str, files: Sequence[int] = (), **said: Any) -> Any:
        """Return the answer to one call.

        Raises:
            HandrailError: what the keeper raised.
            Unavailable: it is not there, or did not answer.
        """
        return self._conversation(call, files, said)[0]

    def ask_for_all(self, call: str, **said: Any) -> list[Any]:
        """Return what comes bit by bit."""
        return self._conversation(call, (), said)[1]

    def close(self) -> None:
        """End what is idle."""
        while (connection := self._idle.take()) is not None:
            connection.close()

    def _conversation(self, call: str, files: Sequence[int], said: dict[str, Any]) -> tuple[Any, list[Any]]:
        question = {"v": VERSION, "call": call, "said": said}
        connection = self._idle.take()
        if connection is not None:
            connection.settimeout(self._timeout_s)
            with suppress(OSError, FrameError, EOFError):
                return self._asked(connection, question, files)
            for descriptor in files:
                os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            return self._asked(self._connected(), question, files)
        except (OSError, FrameError, EOFError) as err:
            raise self._unavailable(str(err) or type(err).__name__) from err

    def _asked(self, connection: socket.socket, question: Any, files: Sequence[int]) -> tuple[Any, list[Any]]:
        parts: list[Any] = []
        answer: Any = None
        try:
            write_frame(connection, question, files)
            while True:
                frame = read_frame(connection)
                if frame is None:
                    raise EOFError("it ended the conversation")
                if "part" not in frame[0]:
                    answer = frame[0]
                    break
                parts.append(frame[0]["part"])
        finally:
            # What was not read to its end would be taken for the answer to the next question.
            if answer is None:
                connection.close()
        self._idle.give_back(connection)
        if "error" in answer:
            raise error_from(answer, self._name)
        return answer["said"], parts

    @property
    def _name(self) -> str:
        return f"The keeper at {self._path}"

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._timeout_s)
        try:
            connection.connect(str(self._path))
        except OSError as err:
            connection.close()
            raise self._unavailable((err.strerror or str(err)).lower()) from err
        return connection

    def _unavailable(self, problem: str) -> Unavailable:
        return Unavailable(self._name, f"it does not answer: {problem}", START)
