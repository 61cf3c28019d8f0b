"""An emergency: a gate whose policy lets Dora and Gina break the glass, with version 1 promoted and version 2 there."""

from __future__ import annotations

from datetime import timedelta

from handrail.approvals.domain.people import Person
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.rights import Rights
from handrail.approvals.domain.subject import Purpose
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World, opening

DORA = Person("Dora", frozenset({"dora"}), frozenset({"devops-engineer"}))
GINA = Person("Gina", frozenset({"gina"}), frozenset({"devops-engineer", "ml-engineer", "business-stakeholder"}))
ZED = Person("Zed", frozenset({"zed"}), frozenset({"ml-engineer"}))


def emergency_world():
    world = World()
    world.rules.persons = (*PEOPLE, DORA, GINA, ZED)
    world.change_rules(rights=Rights(break_glass=frozenset({"devops-engineer"})))
    world.promote(1)
    world.register(2)
    return world


def break_glass(world, version=2, account="dora"):
    """Break the glass; return the request and the one that confirms it."""
    return world.gate.glass.break_glass(opening(version, evidence={}, purpose=Purpose.BREAK_GLASS), account)


def permit_of(world, view):
    """Return the permit of a promoted request."""
    done = world.ledger.load(view.history.request.request_id).done
    return Permit.from_payload(Envelope.from_json(done.envelope).payload)


def confirm(world, view, *accounts):
    """Approve as each account; return the verdict after each."""
    return [world.say(view.history.request.request_id, account) for account in accounts]


def expire(world):
    """Let a day and an hour pass, and the watch look."""
    world.clock.now += timedelta(hours=25)
    world.gate.glass.watch()
