"""The rules of one look: each thing is read once, whatever changes meanwhile; what is missing is asked again."""

import pytest

from handrail.approvals.service.rules_once import RulesOnce
from handrail.errors import UnknownReference
from tests.fakes.approvals_world import World, opening


class Counted:
    """Rules that count how often they are asked for what."""

    def __init__(self, rules):
        self.rules, self.asked = rules, []

    def __getattr__(self, name):
        def ask(*arguments, **named):
            self.asked.append((name, *arguments[:2]))
            return getattr(self.rules, name)(*arguments, **named)

        return ask


def test_each_policy_and_the_persons_are_read_once():
    world = World()
    counted = Counted(world.rules)
    rules = RulesOnce(counted)

    for _ in range(3):
        assert rules.policy("flights", "champion") == world.rules.policy("flights", "champion")
        assert rules.directory() == world.rules.directory()
        assert rules.protected("flights", "champion")

    assert [name for name, *_ in counted.asked].count("policy") == 1
    assert [name for name, *_ in counted.asked].count("directory") == 1


def test_a_policy_that_is_missing_is_asked_for_again():
    counted = Counted(World().rules)
    rules = RulesOnce(counted)

    for _ in range(2):
        with pytest.raises(UnknownReference):
            rules.policy("flights", "staging")

    assert len(counted.asked) == 2


def test_a_page_of_requests_asks_for_the_rules_once_and_says_the_same_as_each_request():
    world = World()
    for reason in ("one", "two", "three"):
        world.gate.open_request(opening(reason=reason, evidence={"evaluation": {"roc_auc": 0.8}, "n": reason}), "ada")
    counted = Counted(world.rules)
    world.gate.records._rules = counted

    views, _ = world.gate.page(0, 50)

    assert len(views) == 3
    assert len([name for name, *_ in counted.asked if name in ("policy", "directory")]) == 2
    assert [view.to_json() for view in views] == [
        world.gate.request(view.history.request.request_id).to_json() for view in views
    ]
