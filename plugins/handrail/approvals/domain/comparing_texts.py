"""The texts of a prompt beside those of the version before it, as lines that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from handrail.approvals.domain.prompts import TEMPLATES

MOST_CHARACTERS = 200_000
"""The most that is shown of a text, and of its difference; MLflow's own limit for a template is lower."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """One file of a prompt before and after; None where that version has none, or there is no version before."""

    path: str
    before: str | None
    after: str | None

    @property
    def diff(self) -> tuple[str, ...]:
        """The lines of a unified difference; none if nothing differs, or there is nothing before."""
        if self.before is None:
            return ()
        # By line feeds alone: whatever else breaks a line on a screen stays visible within its line.
        old, new = self.before.split("\n"), [] if self.after is None else self.after.split("\n")
        return tuple(unified_diff(old, new, self.path, self.path, "before", "after", lineterm=""))

    def to_json(self) -> dict[str, Any]:
        """Return the text as it would become, and the difference line by line, cut where they are too long."""
        text, lines = self.after or "", "\n".join(self.diff)
        return {
            "path": self.path,
            "is_there": self.after is not None,
            "was_there": self.before is not None,
            "text": text[:MOST_CHARACTERS],
            "diff": lines[:MOST_CHARACTERS].split("\n") if lines else [],
            "left_out": max(0, len(text) - MOST_CHARACTERS) + max(0, len(lines) - MOST_CHARACTERS),
        }


def compare_texts(before: Mapping[str, str] | None, after: Mapping[str, str]) -> tuple[TextChange, ...]:
    """Return each file that a prompt has or had, by name, the template first."""
    old = before or {}
    paths = sorted(old.keys() | after.keys(), key=lambda path: (path not in TEMPLATES, path))
    return tuple(TextChange(path, old.get(path), after.get(path)) for path in paths)
