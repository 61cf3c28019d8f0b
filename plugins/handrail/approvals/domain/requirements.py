"""What a policy can require by one word, as the rules that the word means."""

from __future__ import annotations

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.policy import Policy, Rule

REPRODUCTION = "reproduction"
"""The name of the evidence that `handrail reproduce --report` writes."""

LINEAGE_GAPS = "lineage.gaps"
"""How much is missing in the trace of a candidate, as the gate itself finds it."""


def lineage_rules() -> tuple[Rule, ...]:
    """Return the rule of `lineage: complete`: the gate looked into lineage, and nothing is missing."""
    return (Rule(LINEAGE_GAPS, equals=0, because="require: lineage is complete", level=Level.RECOMPUTED),)


def requires_lineage(policy: Policy) -> bool:
    """Say whether a rule needs the gate to look into lineage."""
    return any(rule.measure == LINEAGE_GAPS and rule.level is Level.RECOMPUTED for rule in policy.rules)


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
