"""What another user of this machine can do, tried by a process that became that user."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any

from handrail.approvals.adapters.system_users import SystemUser, become
from handrail.errors import HandrailError

OTHER = SystemUser(12345, 12345)
IS_ROOT = os.geteuid() == 0


def as_user(user: SystemUser, function: Callable[[], Any]) -> Any:
    """Run a function in a fork that became this user; return its answer, or the name of its error."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(user)
            answer = function()
        except (HandrailError, OSError) as err:
            answer = type(err).__name__
        os.write(writing, pickle.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        answer = pickle.loads(said.read())
    os.waitpid(pid, 0)
    return answer
