"""What a policy cannot do with the persons that there are."""

from dataclasses import replace

import pytest

from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.review import weak_points
from handrail.approvals.domain.rights import Rights
from tests.fakes.approvals import PEOPLE, QUORUM, RULES

DEVOPS = frozenset({"devops-engineer"})
DORA = Person("Dora", frozenset({"dora"}), DEVOPS)
BREAKING = Policy("champion", QUORUM, RULES, rights=Rights(break_glass=DEVOPS))


def _said(policy, *persons):
    return [point.sentence for point in weak_points(policy, Directory(persons)) if "emergency" in point.sentence]


def _approving(count):
    roles = frozenset(QUORUM)
    return [Person(f"P{number}", frozenset({f"p{number}"}), roles) for number in range(count)]


@pytest.mark.parametrize(("count", "named"), [(0, True), (1, True), (2, False), (3, False)])
def test_an_emergency_needs_two_others_to_confirm_it(count, named):
    found = _said(BREAKING, DORA, *_approving(count))

    assert bool(found) is named
    assert all(f"there are {count}" in sentence and "an emergency of Dora" in sentence for sentence in found)


def test_who_breaks_the_glass_is_none_of_the_two():
    both = replace(DORA, roles=DORA.roles | frozenset(QUORUM))

    assert len(_said(BREAKING, both, *_approving(1))) == 1
    assert _said(BREAKING, both, *_approving(2)) == []


def test_where_nobody_may_break_the_glass_nothing_is_said():
    assert _said(Policy("champion", QUORUM, RULES), DORA, PEOPLE[0]) == []
