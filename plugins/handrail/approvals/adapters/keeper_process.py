"""The keeper as a child of the process that starts the server too: each ends when the other does."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from handrail.approvals.adapters.confinement import die_with_the_parent
from handrail.approvals.adapters.keeper_frames import error_from, said_of_error
from handrail.approvals.adapters.keeper_server import KeeperServer
from handrail.approvals.adapters.system_users import SystemUser, become
from handrail.errors import HandrailError, Misconfigured, Unavailable

READY = b"ready\n"
START_WITHIN_S = 60.0
GRACE_S = 10.0
POLL_S = 0.1


class KeeperProcess:
    """A fork of this process that became another user and serves; a context that ends it."""

    def __init__(self, pid: int) -> None:
        """Wrap a child that `start` made."""
        self.pid = pid
        self._ended: int | None = None

    @classmethod
    def start(cls, user: SystemUser, open_server: Callable[[], KeeperServer]) -> Self:
        """Fork, become the user, open the server there, and return once it listens.

        Raises:
            HandrailError: what opening it raised.
        """
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _serve(user, open_server, writing)
        os.close(writing)
        started, is_ready = cls(pid), False
        try:
            _wait_until_ready(reading)
            is_ready = True
        finally:
            os.close(reading)
            if not is_ready:
                started.end()
        return started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def has_ended(self) -> bool:
        """Say whether it has ended."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._ended = status if pid else None
        return self._ended is not None

    def wait(self) -> int:
        """Return its exit code as soon as it has ended."""
        while not self.has_ended():
            time.sleep(POLL_S)
        return os.waitstatus_to_exitcode(self._ended or 0)

    def end(self) -> None:
        """Ask it to end, and end it if it does not."""
        deadline = time.monotonic() + GRACE_S
        while not self.has_ended():
            os.kill(self.pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(POLL_S)


def run_beside(keeper: KeeperProcess, command: Sequence[str], user: SystemUser, environment: Mapping[str, str]) -> int:
    """Run a command as a user until it or the keeper ends, then end the other; return the command's exit code.

    Raises:
        Unavailable: the command cannot be started, or the keeper ended by itself.
    """
    own = user.uid == os.geteuid()
    identity = {} if own else {"user": user.uid, "group": user.gid, "extra_groups": list(user.groups)}
    try:
        server = subprocess.Popen(command, env=dict(environment), **identity)  # type: ignore[call-overload]
    except OSError as err:
        raise Unavailable(
            command[0], f"it cannot be started: {err.strerror}", "Correct the command after '--'."
        ) from err
    try:
        while server.poll() is None and not keeper.has_ended():
            time.sleep(POLL_S)
    finally:
        _end(server)
    if keeper.has_ended():
        raise Unavailable("The keeper", "it ended by itself, so the server was ended too", "See its messages above.")
    return int(server.returncode)


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            server.kill()
    server.wait()


def _serve(user: SystemUser, open_server: Callable[[], KeeperServer], writing: int) -> None:
    """Never return: serve, and end the process."""
    code = 1
    try:
        become(user)
        _require_python(user)
        die_with_the_parent()
        os.umask(0o022)
        # Ctrl-C reaches the whole group of a terminal; the server ends first, and what it still asks is answered.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
        with open_server() as server:
            os.write(writing, READY)
            os.close(writing)
            server.serve_forever()
    except HandrailError as err:
        os.write(writing, json.dumps(said_of_error(err)).encode())
    except SystemExit:
        code = 0
    finally:
        if code and sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def _require_python(user: SystemUser) -> None:
    """Refuse a user who cannot read what this process still has to import."""
    for file in (os.__file__, __file__):
        if not os.access(file, os.R_OK):
            problem = f"user {user.uid} cannot read {file}, so it cannot run Handrail"
            raise Misconfigured("approvals_user", problem, "Install Python and Handrail where that user can read them.")


def _wait_until_ready(reading: int) -> None:
    deadline, said = time.monotonic() + START_WITHIN_S, b""
    while time.monotonic() < deadline:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(reading, 1 << 16)
        said += chunk
        if said == READY:
            return
        if not chunk:
            break
    if said:
        raise error_from(json.loads(said), "The keeper")
    raise Unavailable("The keeper", "it did not start", "See its messages above.")
