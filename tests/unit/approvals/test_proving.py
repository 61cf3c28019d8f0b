"""What a keeper refuses to store and to sign: whatever does not follow from its own ledger, policies and roles."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import MovedMeanwhile, NotEligible
from handrail.approvals.domain.events import (
    Answered,
    Choice,
    Evaluated,
    MoveAbandoned,
    MoveDone,
    Published,
    Revoked,
    Voided,
)
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import RevocationList
from handrail.errors import Refused
from handrail.manifest import canonical_json
from tests.fakes.approvals_world import World, opening
from tests.fakes.kept_world import KeptWorld


@pytest.fixture
def world():
    return KeptWorld()


def test_an_honest_promotion_passes_step_by_step(world):
    history = world.approved()

    intent = world.intent(history)
    history = world.gate_ledger.append(history, intent)
    envelope = world.gate_signer.sign(canonical_json(intent.statement)).to_json()
    history = world.gate_ledger.append(history, MoveDone(world.clock(), envelope))
    permit = Permit.from_payload(Envelope.from_json(envelope).payload)
    world.gate_shelf.put(permit, envelope)
    history = world.gate_ledger.append(history, Published(world.clock()))

    assert world.kept.load(history.request.request_id).done.envelope == envelope
    assert world.shelf.permits


@pytest.mark.parametrize("missing", ["ben", "cleo"])
def test_no_move_is_intended_and_nothing_signed_before_the_quorum(world, missing):
    history = world.asked()
    for account, person in (("ben", "Ben"), ("cleo", "Cleo")):
        if account != missing:
            history = world.gate_ledger.append(history, world.yes(account, person))
    intent = world.intent(history)

    with pytest.raises(Refused, match="pending"):
        world.gate_ledger.append(history, intent)
    with pytest.raises(Refused, match="does not prove"):
        world.gate_signer.sign(canonical_json(intent.statement))


@pytest.mark.parametrize(
    "changed",
    [
        {"alias": "shadow"},
        {"environment": "production"},
        {"expires": "2099-01-01T00:00:00+00:00"},
        {"counter": 7},
        {"formats": ["pickle"]},
        {"approvers": []},
        {"authors": ["zoe"]},
        {"measures": [{"measure": "evaluation.roc_auc", "value": 0.99}]},
        {"issued": "2020-01-01T00:00:00+00:00"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_permit_that_states_anything_else_is_neither_intended_nor_signed(world, changed):
    history = world.approved()
    forged = world.intent(history, **changed)

    with pytest.raises(Refused, match="something else"):
        world.gate_ledger.append(history, forged)
    world.gate_ledger.append(history, world.intent(history))
    with pytest.raises(Refused, match="does not prove"):
        world.gate_signer.sign(canonical_json(forged.statement))


@pytest.mark.parametrize(
    ("account", "person", "expected"),
    [
        ("ada", "Ada", NotEligible),
        ("nobody", "Ben", NotEligible),
        ("ben", "Cleo", Refused),
    ],
)
def test_a_decision_of_somebody_who_may_not_decide_is_not_stored(world, account, person, expected):
    history = world.asked()

    with pytest.raises(expected):
        world.gate_ledger.append(history, world.yes(account, person))

    assert world.kept.load(history.request.request_id).events == ()


@pytest.mark.parametrize(
    "event",
    [
        lambda world, history: MoveDone(world.clock(), world.signed(world.intent(history))),
        lambda world, _: MoveAbandoned(world.clock(), ("because",)),
        lambda world, _: Published(world.clock()),
        lambda world, _: Revoked(world.clock(), "ben", "Ben", "leaks"),
        lambda world, _: Evaluated(world.clock(), "sha256:1", measures={"evaluation": {"roc_auc": 0.99}}),
        lambda world, _: world.yes(),
        lambda world, _: replace(world.yes("dora", "Dora"), at=world.clock.now - timedelta(days=1)),
        lambda world, _: replace(world.yes("dora", "Dora"), at=world.clock.now + timedelta(days=1)),
    ],
    ids=["done", "abandoned", "published", "revoked", "evaluated", "again", "earlier", "later"],
)
def test_what_cannot_have_happened_is_not_stored(world, event):
    history = world.approved()

    with pytest.raises(Refused):
        world.gate_ledger.append(history, event(world, history))

    assert world.kept.load(history.request.request_id) == history


def test_a_move_is_done_once_with_the_permit_that_was_intended(world):
    history = world.approved()
    intent = world.intent(history)
    history = world.gate_ledger.append(history, intent)
    other = world.signed(replace(intent, statement=dict(intent.statement) | {"more": 1}))

    with pytest.raises(Refused, match="not the one"):
        world.gate_ledger.append(history, MoveDone(world.clock(), other))
    done = MoveDone(world.clock(), world.signed(intent))
    history = world.gate_ledger.append(history, done)
    for again in (replace(done, at=world.clock()), intent, Voided(world.clock(), ("x",)), world.yes("dora", "Dora")):
        with pytest.raises(Refused):
            world.gate_ledger.append(history, again)


def test_nothing_follows_a_rejection_or_an_end(world):
    history = world.gate_ledger.append(world.asked(), world.yes(choice=Choice.REJECT))

    with pytest.raises(Refused, match="final"):
        world.gate_ledger.append(history, world.yes("ben", "Ben"))
    history = world.gate_ledger.append(history, Voided(world.clock(), ("x",)))
    with pytest.raises(Refused, match="void"):
        world.gate_ledger.append(history, Voided(world.clock(), ("y",)))


def test_a_question_holds_the_move_back_until_those_it_is_put_to_have_answered(world):
    history = world.gate_ledger.append(world.approved(), world.yes(choice=Choice.ASK))
    history = world.gate_ledger.append(history, world.yes(choice=Choice.ASK))

    with pytest.raises(Refused, match="pending"):
        world.gate_ledger.append(history, world.intent(history))
    with pytest.raises(NotEligible):
        world.gate_ledger.append(history, Answered(world.clock(), "ben", "Ben", 1, "because"))
    with pytest.raises(Refused, match="No question 3"):
        world.gate_ledger.append(history, Answered(world.clock(), "ada", "Ada", 3, "because"))
    for number in (1, 2):
        history = world.gate_ledger.append(history, Answered(world.clock(), "ada", "Ada", number, "because"))
    history = world.gate_ledger.append(history, world.yes())
    world.gate_ledger.append(history, world.intent(history))


def test_nothing_is_decided_or_moved_after_the_request_has_expired(world):
    history = world.approved()
    world.clock.now += timedelta(days=400)

    with pytest.raises(Refused, match="expired|waited"):
        world.gate_ledger.append(history, world.intent(history))
    with pytest.raises(Refused, match="expired|waited"):
        world.gate_ledger.append(history, world.yes("ben", "Ben", Choice.REJECT))


def test_an_event_after_others_than_the_stored_ones_is_a_race(world):
    history = world.asked()
    world.gate_ledger.append(history, world.yes())

    with pytest.raises(MovedMeanwhile):
        world.gate_ledger.append(history, world.yes("cleo", "Cleo"))


def test_what_was_given_is_not_believed_after_others_have_written(world):
    request_id = world.asked().request.request_id
    given = world.gate_ledger.load(request_id)
    world.gate_ledger.append(world.kept.load(request_id), world.yes())

    with pytest.raises(MovedMeanwhile):
        world.gate_ledger.append(given, world.yes("cleo", "Cleo"))
    given = world.gate_ledger.load(request_id)
    world.kept.append(given, world.yes("cleo", "Cleo"))
    with pytest.raises(MovedMeanwhile):
        world.gate_ledger.append(given, world.yes("cleo", "Cleo"))


@pytest.mark.parametrize(
    "changed",
    [
        lambda request: replace(request, turn=3),
        lambda request: replace(request, request_id="pr-" + "0" * 20),
        lambda request: replace(request, authors=("zoe",)),
        lambda request: replace(request, evidence={"evaluation": {"roc_auc": 0.99}}),
        lambda request: replace(request, reason="two\nlines"),
        lambda request: replace(request, opened_at=request.opened_at - timedelta(days=1)),
        lambda request: _about(request, server="other-1"),
        lambda request: _about(request, policy_digest="sha256:" + "0" * 64),
        lambda request: _about(request, people_digest="sha256:" + "0" * 64),
        lambda request: _about(request, tree_digest="sha256:" + "0" * 64),
    ],
    ids=["turn", "id", "authors", "evidence", "reason", "time", "server", "policy", "people", "tree"],
)
def test_a_request_that_contradicts_itself_or_the_rules_is_not_stored(world, changed):
    other = World()
    other.clock.now = world.clock.now
    request = other.gate.open_request(opening(), "ada").history.request

    with pytest.raises(Refused):
        world.gate_ledger.open(changed(request))

    assert world.kept.find() == []
    assert world.gate_ledger.open(request).request == request


def _about(request, **changes):
    subject = replace(request.subject, **changes)
    return replace(request, subject=subject, request_id=subject.request_id(request.turn))


def test_only_the_list_as_the_ledger_has_it_is_signed_and_published(world):
    request_id = world.promote()
    short = RevocationList.of("local-1", (), world.clock())
    world.gate.revoker.revoke(request_id, "ben", "leaks the label")
    full = RevocationList.of("local-1", world.kept.find(), world.clock())

    with pytest.raises(Refused):
        world.gate_signer.sign(short.payload, REVOCATIONS)
    with pytest.raises(Refused):
        world.gate_shelf.put_revoked(world.signer.sign(short.payload, REVOCATIONS).to_json())
    with pytest.raises(Refused):
        world.gate_signer.sign(replace(full, server="other-1").payload, REVOCATIONS)
    world.gate_shelf.put_revoked(world.gate_signer.sign(full.payload, REVOCATIONS).to_json())


@pytest.mark.parametrize("payload_type", ["text/plain", "application/vnd.in-toto+json", REVOCATIONS])
@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff"])
def test_nothing_else_is_signed(world, payload, payload_type):
    with pytest.raises(Refused, match="does not prove"):
        world.gate_signer.sign(payload, payload_type)


def test_a_permit_that_the_ledger_does_not_hold_is_not_published(world):
    history = world.approved()
    envelope = world.signed(world.intent(history))

    with pytest.raises(Refused, match="no such permit"):
        world.gate_shelf.put(Permit.from_payload(Envelope.from_json(envelope).payload), envelope)
