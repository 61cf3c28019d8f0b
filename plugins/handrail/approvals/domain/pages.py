"""What a list of requests comes in, and what is kept for one account."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.events import History


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, and the number to go on after; None at the end."""

    histories: tuple[History, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The requests of one account: ids of those that are neither void nor promoted, and the characters of all."""

    unended: tuple[str, ...]
    size: int
