"""The fake of where the texts of policies and roles come from."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.approvals.rule_ports import RuleText, RuleTexts
from handrail.errors import Misconfigured


class MemoryTexts(RuleTexts):
    """`RuleTexts` that a test sets."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.persons: str | None = None
        self.others: set[str] = set()

    def names(self) -> Sequence[str]:
        return sorted(self.policies)

    def policy(self, name: str) -> RuleText:
        return _text(f"policies/{name}.yaml", self.policies.get(name))

    def roles(self) -> RuleText:
        return _text("roles.yaml", self.persons)

    def place(self) -> str:
        return "policies"

    def strays(self) -> Sequence[str]:
        return sorted(self.others)


def _text(place: str, content: str | None) -> RuleText:
    if content is None:
        raise Misconfigured(place, "it is missing", "Restore it.")
    return RuleText(place, content)
