"""What the doctor finds: missing, dangling or contradicting links, changed bytes; and how many predictions trace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that is wrong; `kind` is stable and short, `detail` says what was found instead."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many predictions there are, and how many of them lead back to a commit and to data with a sha256."""

    predictions: int
    traced: int


@dataclass(frozen=True, slots=True)
class RunHeld:
    """What is held of one run: how many artifacts it read or made, and what its record says is missing from it."""

    touched: int
    incomplete: str = ""
