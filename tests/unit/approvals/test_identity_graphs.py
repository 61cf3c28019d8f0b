"""Whatever the ties of accounts, persons, services, runs and files: nobody decides about what they had a hand in."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person, Service
from tests.fakes.approvals_world import World, opening

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Eve")
ROLES = ("ml-engineer", "business-stakeholder", "data-engineer")
RUNS = ("run-1", "parent", "grandparent", "sibling", "cousin")
TREE = "/artifacts/1/1/model"
WEIGHTS = hashlib.sha256(b"weights 1").hexdigest()
PARTS = [("version", "flights/1/1/101"), *(("run", run) for run in RUNS), ("path", f"{TREE}/onnx"), ("bytes", WEIGHTS)]
FAMILY = [("run-1", "parent"), ("parent", "grandparent"), ("sibling", "parent"), ("cousin", "grandparent")]


@st.composite
def identities(draw):
    """Persons with one or two accounts each and some roles, and services that some of them own."""
    persons = tuple(
        Person(
            name,
            frozenset({name.lower(), *draw(st.sampled_from([[], [f"{name.lower()}-2"]]))}),
            frozenset(draw(st.sets(st.sampled_from(ROLES)))),
        )
        for name in NAMES
    )
    owners = draw(st.lists(st.sampled_from(NAMES), max_size=3))
    services = tuple(Service(f"s{n}", frozenset({f"robot-{n}"}), owner) for n, owner in enumerate(owners))
    return persons, services


@given(identities=identities(), family=st.sets(st.sampled_from(FAMILY)), data=st.data())
def test_nobody_decides_about_what_they_had_a_hand_in(identities, family, data):
    persons, services = identities
    owner = {account: person.name for person in persons for account in person.accounts}
    owner |= {account: service.owner for service in services for account in service.accounts}
    accounts = sorted(owner)
    world = World()
    world.rules.persons, world.rules.services = persons, services
    world.provenance.rows = {row for row in world.provenance.rows if row[0] == "path"}
    made = data.draw(st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(accounts)), max_size=6))
    made += [(PARTS[0], "ada"), (PARTS[1], "ada")]
    first_upload = None
    for (kind, thing), account in made:
        if kind == "bytes":
            first_upload = first_upload or account
            world.provenance.record_upload(thing, account)
        else:
            world.provenance.record(kind, thing, account)
    for run, parent in family:
        world.provenance.record_parent(run, parent)
    requester = data.draw(st.sampled_from(accounts))
    related = _related("run-1", family)
    hands = {owner[requester], "Ada"} | {owner[account] for account in [first_upload] if account}
    hands |= {
        owner[account]
        for (kind, thing), account in made
        if kind in ("version", "path") or (kind == "run" and thing in related)
    }

    request_id = world.gate.open_request(opening(), requester).history.request.request_id
    took = set()
    for account in data.draw(st.permutations([*accounts, "stranger", "ADA", "BEN"])):
        try:
            world.say(request_id, account)
            took.add(account)
        except (NotEligible, Closed):
            continue

    assert not {owner.get(account, account) for account in took} & hands
    assert took.isdisjoint(account for service in services for account in service.accounts)
    assert took.isdisjoint({"stranger", "ADA", "BEN"})
    free = [person for person in persons if person.name not in hands]
    enough = any(
        "ml-engineer" in one.roles and "business-stakeholder" in other.roles
        for one in free
        for other in free
        if one != other
    )
    assert (world.gate.request(request_id).judgement.verdict is Verdict.PROMOTED) is enough


@pytest.mark.parametrize(("run", "related"), [("run-1", set(RUNS)), ("cousin", set(RUNS))])
def test_the_oracle_knows_a_whole_family(run, related):
    assert _related(run, set(FAMILY)) == related


def _related(run: str, family: set[tuple[str, str]]) -> set[str]:
    """Everything below the ancestors, found by looking at each run on its own."""

    def ancestors(of: str) -> set[str]:
        return {of}.union(*(ancestors(parent) for child, parent in family if child == of))

    mine = ancestors(run)
    return {other for other in RUNS if ancestors(other) & mine}
