"""What a policy can require by one word, as the rules that the word means."""

from __future__ import annotations

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.policy import Rule

REPRODUCTION = "reproduction"
"""The name of the evidence that `handrail reproduce --report` writes."""


def reproduction_rules(level: Level) -> tuple[Rule, ...]:
    """Return the rules of `reproduction: equal`: a report about exactly these files, in which nothing was unequal.

    At least one thing was compared: a report of nothing proves nothing.
    """
    because = "require: reproduction is equal"
    return (
        Rule(f"{REPRODUCTION}.tree_digest", is_candidate=True, because=because, level=level),
        Rule(f"{REPRODUCTION}.equal", at_least=1, because=because, level=level),
        Rule(f"{REPRODUCTION}.unequal", equals=0, because=because, level=level),
    )
