import logging

import pytest

from handrail.approvals.domain.events import MoveIntended
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.standing import Pointed, Promoted, disagreements
from handrail.approvals.service.standing import StandingWatch
from handrail.errors import Unavailable
from tests.fakes.approvals_world import World


def _champion(row):
    return folded(row.alias) == "champion"


PROMOTED = Promoted("flights", 1, "champion", 3, "pr-1")


@pytest.mark.parametrize(
    ("pointed", "words"),
    [
        (Pointed("flights", 1, "champion", 4), "points at version 4, but pr-1 promoted version 3"),
        (Pointed("flights", 2, "champion", 3), "was deleted and made again since pr-1"),
        (Pointed("flights", 1, "Champion", 3), "beside 'champion', which the gate moves"),
        (Pointed("other", 1, "champion", 1), "of 'other' points at version 1, which no promotion allowed"),
        (Pointed("other", 1, "ＣHAMPION", 1), "which no promotion allowed"),
    ],
)
def test_what_was_moved_around_the_gate_is_named(pointed, words):
    found = disagreements([Pointed("flights", 1, "champion", 3), pointed], [PROMOTED], _champion)

    assert [words in row.sentence for row in found if row.version == pointed.version] == [True]


def test_an_alias_that_is_gone_is_named():
    (row,) = disagreements([Pointed("flights", 1, "shadow", 3)], [PROMOTED], _champion)

    assert row.version is None
    assert "is gone, but pr-1 promoted version 3" in row.sentence


@pytest.mark.parametrize("protected", [_champion, lambda *_: False], ids=["protected", "its policy was removed"])
def test_what_was_promoted_is_compared_whether_or_not_its_policy_is_there(protected):
    assert disagreements([Pointed("flights", 1, "champion", 3)], [PROMOTED], protected) == ()
    assert len(disagreements([Pointed("flights", 1, "champion", 4)], [PROMOTED], protected)) == 1


def test_other_aliases_are_nobodys_business():
    assert disagreements([Pointed("flights", 1, "latest", 9)], [], _champion) == ()


class TestWatch:
    @pytest.fixture
    def world(self):
        return World()

    @pytest.fixture
    def watch(self, world):
        return StandingWatch(world.holding)

    def test_an_honest_promotion_is_in_order(self, world, watch):
        world.promote()

        assert list(watch.report()) == []

    def test_a_move_past_the_gate_is_reported_once_and_held(self, world, watch, caplog):
        world.promote()
        world.register(2)
        world.registry.aliases["flights", "champion"] = 2

        assert [row.version for row in watch.report()] == [2]
        assert list(watch.report()) == []
        assert world.holds.holder("version", "flights/2") == "version 2 of 'flights'"
        assert [record.levelno for record in caplog.records] == [logging.ERROR]

        world.registry.aliases["flights", "champion"] = 1
        watch.report()
        assert "again as the gate has set it" in caplog.text

    def test_a_champion_from_before_the_gate_is_held_as_it_is(self, world, watch):
        world.registry.aliases["flights", "champion"] = 1

        assert [row.version for row in watch.report()] == [1]
        assert world.holds.holder_of_path("/artifacts/1/1/model/MLmodel")

    def test_a_move_under_way_is_not_reported(self, world, watch):
        history = world.ledger.load(world.ask())
        world.ledger.append(history, MoveIntended(world.clock(), {}))
        world.registry.aliases["flights", "champion"] = 1

        assert list(watch.report()) == []

    def test_a_registry_that_does_not_answer_is_said_and_changes_nothing(self, world, watch, caplog):
        world.registry.aliases["flights", "champion"] = 1
        watch.report()
        world.registry.fail_reading = Unavailable("MLflow's store", "it is locked", "Wait.")

        assert list(watch.report()) == []
        assert "cannot be seen" in caplog.text
        world.registry.fail_reading = None
        assert list(watch.report()) == []

    def test_a_version_whose_files_cannot_be_held_is_reported_all_the_same(self, world, watch, caplog):
        world.registry.aliases["flights", "champion"] = 7

        assert [row.version for row in watch.report()] == [7]
        assert "cannot be held" in caplog.text
