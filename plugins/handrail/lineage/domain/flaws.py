"""What the doctor finds: links that are missing, dangle or contradict one another, and bytes that changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that is wrong; `kind` is stable and short, `detail` says what was found instead."""

    kind: str
    subject: str
    detail: str
