"""Asks a keeper on its Unix socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handrail.approvals.adapters.keeper_frames import VERSION, FrameError, error_from, read_frame, write_frame
from handrail.errors import Unavailable

TIMEOUT_S = 60.0
START = "Start it with 'handrail approvals keeper', or name the right socket in approvals_socket."


class KeeperClient:
    """Connections to one keeper, for any number of threads. A question that a restart cut off is asked once more."""

    def __init__(self, path: Path, timeout_s: float | None = TIMEOUT_S) -> None:
        """Connect to the socket at the first question; an answer may take so long, for ever if None."""
        self._path = path
        self._timeout_s = timeout_s
        self._idle: list[socket.socket] = []
        self._process = os.getpid()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def patient(self, timeout_s: float | None) -> KeeperClient:
        """Return a client of the same keeper with another patience."""
        return KeeperClient(self._path, timeout_s)

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
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _conversation(self, call: str, files: Sequence[int], said: dict[str, Any]) -> tuple[Any, list[Any]]:
        question = {"v": VERSION, "call": call, "said": said}
        connection = self._taken()
        if connection is not None:
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
        self._give_back(connection)
        if "error" in answer:
            raise error_from(answer, self._name)
        return answer["said"], parts

    @property
    def _name(self) -> str:
        return f"The keeper at {self._path}"

    def _taken(self) -> socket.socket | None:
        with self._lock:
            if self._process != os.getpid():
                # Another process goes on with the connections that it had when this one was forked from it.
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: socket.socket) -> None:
        with self._lock:
            self._idle.append(connection)

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
