"""Reads all that the gate has kept beside requests, to take it along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from handrail.approvals.domain.findings import findings_in
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import server_name
from handrail.bootstrap.approvals_custody import held_by_keeper
from handrail.bootstrap.approvals_rules import open_rule_changes
from handrail.bootstrap.approvals_tables import migrated

if TYPE_CHECKING:
    from handrail.approvals.custody_ports import SnapshotBook
    from handrail.approvals.finding_ports import FindingBook
    from handrail.approvals.rule_ports import RuleRecords

__all__ = ["beside_requests"]


def beside_requests(platform: Platform) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the name and rows of each kind: findings, who handed in and confirmed labelled rows, and rules.

    Rules are those that were in force, with their texts, and the changes of them.

    What is stored otherwise than it was logged is taken along too: `handrail approvals check` names it.
    """
    findings, rules, book = _opened(platform)
    found = (finding for model in findings.models() for finding in findings_in(findings.events(model)))
    yield "findings", [finding.to_json() for finding in found]
    handed_in = book.handed_in()
    yield "snapshots", [asdict(row) | row.to_json() for row in handed_in]
    said = (each for digest in dict.fromkeys(row.digest for row in handed_in) for each in book.confirmations(digest))
    yield "confirmations", [asdict(row) | row.to_json() for row in said]
    yield "rules", [once.to_json() | {"texts": dict(once.rules.texts)} for once in rules.all_in_force()]
    changes = open_rule_changes(platform.settings, rules, server_name(platform.settings))
    proposed = changes.views.changes() if rules.in_force() else ()
    yield "rule-changes", [view.to_json() | {"texts": dict(view.history.change.rules.texts)} for view in proposed]


def _opened(platform: Platform) -> tuple[FindingBook, RuleRecords, SnapshotBook]:
    if platform.settings.approvals_socket is not None:
        held = held_by_keeper(platform.settings)
        return held.findings, held.rules, held.snapshot_book
    from handrail.approvals.adapters.sql_findings import SqlFindings
    from handrail.approvals.adapters.sql_rules import SqlRules
    from handrail.approvals.adapters.sql_snapshot_book import SqlSnapshotBook

    store = migrated(platform.approvals_store)
    return SqlFindings(store, None), SqlRules(store, None), SqlSnapshotBook(store, None, None)
