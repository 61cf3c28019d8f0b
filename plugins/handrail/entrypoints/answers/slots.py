"""The slot that a moving name of a deployment means, and whether people get what it answers."""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import unquote

from handrail.delivery import Slot


def slot_of(pointer: str) -> Slot:
    """Return the slot of a moving name as `deploy://<environment>/<service>`."""
    return Slot(unquote(pointer.split("/")[2]), unquote(pointer.rpartition("/")[2]))


def is_shadow(pointer: str, known: Set[str]) -> bool:
    """Say whether a slot holds what only answers in shadow of another one of those that are known."""
    behind = slot_of(pointer).behind
    return behind is not None and behind.pointer in known
