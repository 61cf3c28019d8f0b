"""Opens what the gate says to others than those who decide: alarms, answers to other systems, and figures."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.service import Gate
from handrail.approvals.service.attempts import Attempts
from handrail.approvals.service.confirming import Confirmations
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.gate_figures import GateFigures
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.clock import system_time


@dataclass(frozen=True, slots=True)
class Outside:
    """What notes refused attempts, what says whether a deployment is allowed, and the gate in numbers."""

    attempts: Attempts
    confirmations: Confirmations
    figures: GateFigures


def open_outside(custody: Custody, gate: Gate, rules: RuleChanges) -> Outside:
    """Open it over what the gate holds."""
    return Outside(
        Attempts(custody.attempts, system_time),
        Confirmations(custody.ledger, gate.records, system_time),
        GateFigures(gate, custody.index, rules, system_time),
    )
