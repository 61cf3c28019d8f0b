"""How rules in force, proposed changes and decisions about them look as text: one reader and one writer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.rule_changes import RuleChange, RuleSet, RulesInForce, Way
from handrail.approvals.domain.signatures import signature_from
from handrail.manifest import canonical_json


def rules_body(rules: RulesInForce) -> str:
    """Write rules in force."""
    return _written(asdict(rules) | {"at": rules.at.isoformat(), "way": str(rules.way)})


def rules_from(body: str) -> RulesInForce:
    """Read what `rules_body` wrote."""
    values = json.loads(body)
    kept = {"rules": _rule_set(values["rules"]), "way": Way(values["way"]), "at": datetime.fromisoformat(values["at"])}
    return RulesInForce(**{**values, **kept})


def change_body(change: RuleChange) -> str:
    """Write a proposed change."""
    return _written(asdict(change) | {"opened_at": change.opened_at.isoformat()})


def change_from(body: str) -> RuleChange:
    """Read what `change_body` wrote."""
    values = json.loads(body)
    opened_at = datetime.fromisoformat(values["opened_at"])
    return RuleChange(**{**values, "rules": _rule_set(values["rules"]), "opened_at": opened_at})


def decision_body(decision: Decided) -> str:
    """Write a decision."""
    # Only where there is one: what was written before stays what it was.
    fields = {name: value for name, value in asdict(decision).items() if name != "signature" or value is not None}
    return _written(fields | {"at": decision.at.isoformat()})


def decision_from(body: str) -> Decided:
    """Read what `decision_body` wrote."""
    values = json.loads(body)
    kept = {"at": datetime.fromisoformat(values["at"]), "choice": Choice(values["choice"])}
    return Decided(**{**values, **kept, "signature": signature_from(values.get("signature"))})


def _rule_set(values: Mapping[str, Any]) -> RuleSet:
    return RuleSet(dict(values["texts"]), dict(values["meanings"]))


def _written(values: Mapping[str, Any]) -> str:
    return canonical_json(values).decode("utf-8")
