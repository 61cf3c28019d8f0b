"""Whose word counts: about an approval only the gate's, about other things everybody's."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handrail.lineage.domain.authority import as_asserted, counts
from handrail.lineage.domain.events import describe_event
from handrail.lineage.domain.facts import Facts, NodeFact
from handrail.lineage.domain.vocabulary import Role
from tests.fakes.lineage_events import a_dataset, a_run_event, read

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVIL = "actor://service/evil"
PERMIT, DECISION = "approval://registry/1", "approval://registry/1/decision"


@pytest.mark.parametrize(
    ("effect", "asserted_by", "expected"),
    [
        (PERMIT, ("approvals",), True),
        (DECISION, ("actor://service/evil", "approvals"), True),
        (PERMIT, (EVIL,), False),
        (DECISION, (EVIL,), False),
        (DECISION, ("mlflow",), False),
        (DECISION, (), False),
        ("mlflow://registry/registered/flights/17/1", (EVIL,), True),
        ("s3://lake/approval", (EVIL,), True),
    ],
)
def test_one_table_says_whose_word_counts(effect, asserted_by, expected):
    assert counts(effect, asserted_by) is expected


def test_attributes_and_times_of_an_approval_that_another_sends_bear_its_name():
    decision = NodeFact(DECISION, Role.ACTIVITY, "promotion-decision", frozenset({("approver", "eve")}), NOON, NOON)
    other = NodeFact("s3://lake/a", Role.ARTIFACT, "s3", frozenset({("owner", "eve")}))
    facts = Facts(frozenset({decision, other}))

    heard = as_asserted(facts, EVIL)

    claim = frozenset({(f"asserted by {EVIL}", "approver: eve")})
    assert heard.nodes == {other, replace(decision, attributes=claim, started=None, ended=None)}
    assert as_asserted(facts, "approvals") == facts


def test_the_rule_holds_for_everything_that_is_sent():
    facet = {"_producer": "https://x", "_schemaURL": "https://x", "uri": PERMIT, "attributes": {"approver": "eve"}}
    sent = a_run_event(1, outputs=[a_dataset("a") | {"facets": {"handrail_artifact": facet}}])

    (permit,) = [node for node in describe_event(read(sent), EVIL).nodes if node.uri == PERMIT]

    assert permit.attributes >= {(f"asserted by {EVIL}", "approver: eve")}
    assert not any(name == "approver" for name, _ in permit.attributes)
