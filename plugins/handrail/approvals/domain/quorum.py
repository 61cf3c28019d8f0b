"""How far the approvals of a request have come: persons fill the places of one step after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.approvals.domain.people import Person

Quorum = Mapping[str, int]
"""How many persons of each role have to approve."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The step that is open, from 0, what it lacks, and whose approvals count; it lacks nothing at the end."""

    step: int
    missing: Quorum
    counted: tuple[Person, ...]


def advance(steps: Sequence[Quorum], approvers: Sequence[Person]) -> Progress:
    """Walk through the approvals in their order. Each counts for the step that is open at its turn, or for none.

    An approval counts if its person holds a role of that step, and for no later step. A step without places is never
    complete: it lacks one "anyone".
    """
    step, last = 0, len(steps) - 1
    counted: list[Person] = []
    here: list[Person] = []
    missing: Quorum = missing_roles(steps[step], here)
    for person in approvers:
        if not person.roles & set(steps[step]):
            continue
        counted.append(person)
        here.append(person)
        missing = missing_roles(steps[step], here)
        if not missing and step < last:
            step, here = step + 1, []
            missing = missing_roles(steps[step], here)
    return Progress(step, missing, tuple(counted))


def missing_roles(quorum: Quorum, approvers: Sequence[Person]) -> dict[str, int]:
    """Return how many approvals of each role are still missing; empty if the quorum is met.

    An empty quorum is never met: it is reported as one missing "anyone".
    """
    if not _places(quorum):
        return {"anyone": 1}
    seated = seats(quorum, approvers)
    missing = {role: needed - len(seated.get(role, ())) for role, needed in sorted(quorum.items())}
    return {role: count for role, count in missing.items() if count > 0}


def seats(quorum: Quorum, approvers: Sequence[Person]) -> dict[str, tuple[str, ...]]:
    """Return whose approval fills a place of which role, as many places as can be.

    A person fills one place, however many roles they hold: a maximum matching of persons to places
    (augmenting paths, Kuhn 1955).
    """
    places = _places(quorum)
    persons = {person.name: person for person in sorted(approvers, key=lambda person: person.name)}
    holder: dict[int, str] = {}
    for name in persons:
        _seat(name, persons, places, holder, set())
    filled = {role: tuple(holder[index] for index in holder if places[index] == role) for role in quorum}
    return {role: names for role, names in filled.items() if names}


def _places(quorum: Quorum) -> list[str]:
    return [role for role in sorted(quorum) for _ in range(quorum[role])]


def _seat(
    name: str, persons: Mapping[str, Person], places: Sequence[str], holder: dict[int, str], tried: set[int]
) -> bool:
    for index, role in enumerate(places):
        if role not in persons[name].roles or index in tried:
            continue
        tried.add(index)
        if index not in holder or _seat(holder[index], persons, places, holder, tried):
            holder[index] = name
            return True
    return False
