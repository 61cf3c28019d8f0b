"""What the server does by itself, at its start and again and again."""

import threading
import time
from dataclasses import fields
from datetime import timedelta

import pytest

from handrail.approvals.service.standing import StandingWatch
from handrail.bootstrap.approvals import OpenGate
from handrail.entrypoints.mlflow.app.watching import Looks, keep_watch
from tests.fakes.approvals_emergency import break_glass, emergency_world
from tests.fakes.approvals_world import World

DEADLINE_S = 20


class NoProposals:
    """Files that say what is in force."""

    def look(self):
        return ()


class NoNotices:
    """Nothing is written."""

    def retry(self):
        return None


class Outside:
    """Nobody tried anything."""

    def __init__(self):
        self.attempts = self

    def flush(self):
        return None


def _opened(world):
    # By name, and None for what no watch looks at: another part of the gate is no matter of this test.
    looked_at = {
        "gate": world.gate,
        "watch": StandingWatch(world.holding),
        "rules": NoProposals(),
        "outside": Outside(),
        "notices": NoNotices(),
    }
    return OpenGate(**dict.fromkeys(each.name for each in fields(OpenGate)) | looked_at)


@pytest.fixture
def kept():
    """Keep watch over a world, and end it with the test."""
    ends = []

    def keep(world, every_s=60.0):
        ends.append(keep_watch(_opened(world), Looks(), every_s))

    yield keep
    for end in ends:
        end.set()


def _until(condition):
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def test_the_start_records_what_has_expired(kept):
    world = World()
    request_id = world.ask()
    world.clock.now += timedelta(days=31)

    kept(world)

    assert "longer than the 30 days" in world.ledger.load(request_id).voided.reasons[0]


def test_so_does_each_later_look(kept):
    world = World()
    request_id = world.ask()
    kept(world, every_s=0.005)
    assert not world.ledger.load(request_id).voided

    world.clock.now += timedelta(days=31)

    assert _until(lambda: world.ledger.load(request_id).voided)


def test_an_emergency_that_nobody_confirmed_is_reverted_by_the_watch(kept):
    world = emergency_world()
    break_glass(world)
    before = world.champion()
    world.clock.now += timedelta(hours=25)

    kept(world)

    assert world.champion() != before


def test_what_was_moved_around_the_gate_is_held_by_the_watch(kept):
    world = World()
    world.registry.aliases["flights", "champion"] = 1

    kept(world)

    assert any(holder.startswith("watch") for holder in world.holds.holders())
