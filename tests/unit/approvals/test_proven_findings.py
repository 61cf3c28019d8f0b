"""Findings behind a keeper: they shut the gate there too, and are opened and closed by those who may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.findings import FindingClosed, FindingOpened, Severity
from handrail.errors import Refused
from tests.fakes.kept_world import KeptWorld

HOUR = timedelta(hours=1)


@pytest.fixture
def world():
    return KeptWorld()


def _found(world, account="ben", by="Ben", model="flights"):
    return FindingOpened(world.clock(), "fi-1", model, "drift in July", Severity.HIGH, account, by)


def test_while_a_finding_is_open_no_move_is_intended(world):
    history = world.approved()
    world.gate_findings.append("flights", 0, _found(world))

    with pytest.raises(Refused, match="drift in July"):
        world.gate_ledger.append(history, world.intent(history))
    world.gate_findings.append("flights", 1, FindingClosed(world.clock(), "fi-1", "cleo", "Cleo", "a holiday"))
    world.gate_ledger.append(history, world.intent(history))


@pytest.mark.parametrize(
    "event",
    [
        lambda world: FindingClosed(world.clock(), "fi-1", "ada", "Ada", "mine"),
        lambda world: FindingClosed(world.clock(), "fi-1", "ben", "Cleo", "as another"),
        lambda world: FindingClosed(world.clock(), "fi-2", "ben", "Ben", "another one"),
        lambda world: FindingClosed(world.clock(), "fi-1", "ben", "Ben", "two\nlines"),
        lambda world: replace(FindingClosed(world.clock(), "fi-1", "ben", "Ben", "late"), at=world.clock.now - HOUR),
        lambda world: _found(world),
        lambda world: replace(_found(world, by="Cleo"), finding_id="fi-3"),
        lambda world: replace(_found(world, "nobody"), finding_id="fi-3"),
        lambda world: replace(_found(world, model="orders"), finding_id="fi-3"),
    ],
    ids=["author", "person", "unknown", "lines", "time", "again", "by", "nobody", "model"],
)
def test_a_finding_is_opened_and_closed_by_those_who_may(world, event):
    world.asked()
    world.gate_findings.append("flights", 0, _found(world))

    with pytest.raises(Refused):
        world.gate_findings.append("flights", 1, event(world))

    assert len(world.gate_findings.events("flights")) == 1
    assert list(world.gate_findings.models()) == ["flights"]
