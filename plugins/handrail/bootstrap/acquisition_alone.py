"""Lets one process of this machine at a time read a stream, as a message that one has taken comes to no other."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from handrail.errors import Refused
from handrail.settings import Settings, make_home

__all__ = ["alone"]


@contextmanager
def alone(settings: Settings, name: str, action: str, remedy: str) -> Iterator[None]:
    """Keep other readers of a table out; the system lets go of a lock whose process ends.

    Raises:
        Refused: another process has it; the sentence names what was to be done, and the remedy.
    """
    folder = make_home(settings) / "following"
    folder.mkdir(exist_ok=True)
    # Not emptied: another process may hold it.
    with (folder / name).open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Refused(f"{action} {name}", [f"Another process follows it: {remedy}."]) from err
        yield
