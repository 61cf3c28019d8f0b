"""A version goes from shadow over canary to champion by what is recorded, and any call may be killed and repeated."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from flows.steps.release.promote import Registered
from flows.steps.release.rollout import Candidate, Place, Rolling, standing_of
from flows.steps.release.rollout_judging import Seen
from flows.steps.release.rollout_rules import CanaryStage, RolloutRules, read_rollout
from handrail.delivery import CHAMPION, End, Judged, Role, Slot, Splitter
from handrail.errors import Conflict, InvalidInput, Misconfigured
from tests.fakes.delivery import USE, SplitsInMemory
from tests.fakes.rollout_desk import PermitsByAlias, RolloutDesk

AT = datetime(2026, 11, 30, tzinfo=UTC)
RULES = RolloutRules(canary=CanaryStage(steps=(0.05, 0.5, 1.0)))
COMPARED = {"answer": "no_difference", "metric": "brier", "pairs": 900, "gain": {"low": -0.001, "high": 0.002}}


class World:
    """A gate, a split and a service, and what the next comparison says; `crash` names the act that is killed."""

    def __init__(self, tmp_path):
        tree = tmp_path / "models" / "package"
        tree.mkdir(parents=True)
        (tree / "MLmodel").write_text("flavors: {}")
        permits = PermitsByAlias(tmp_path / "permits")
        permits.allow(tree)
        self.desk = RolloutDesk(permits, tree)
        self.splits = SplitsInMemory()
        self.answer = "no_difference"
        self.deployed = []
        splitter = Splitter(
            Slot("local", "flights"), USE, tmp_path / "challengers", permits, self.splits, lambda: AT, lambda _: None
        )
        self.rolling = Rolling(
            desk=self.desk,
            splitter=splitter,
            candidate=Candidate(Registered("flights", 3, "run", self.desk.digest), tmp_path),
            rules=RULES,
            judge=lambda _: Seen(Judged(self.answer, f"It is {self.answer}."), COMPARED),
            ask=self.desk.open,
            deploy=self.deployed.append,
            served=lambda: self.deployed[-1] if self.deployed else None,
        )

    def go(self):
        """Advance until something is waited for, as the flow does."""
        found = self.rolling.advance()
        while found.did:
            found = self.rolling.advance()
        return found

    def split(self):
        change = self.rolling.splitter.current()
        return {each.name: (each.role.value, each.share) for each in change.split.challengers} if change else {}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def lead(world, until):
    """Let people permit each step up to a role."""
    for alias in ("shadow", "canary", "champion"):
        world.go()
        if alias == until:
            return
        world.desk.decide(alias)


def test_nothing_is_recorded_or_loaded_before_a_permit_as_shadow(world):
    found = world.go()

    assert (found.at, found.waits_for, found.ended) == ("shadow", "pr-1", "")
    assert found.sentence == "It waits for the gate's permit as shadow. ml-engineer: 0 of 1."
    assert world.splits.kept == []
    assert world.go() == found
    assert len(world.desk.asked) == 1


def test_a_permit_as_shadow_lets_it_answer_in_shadow(world):
    world.answer = "inconclusive"
    world.go()
    world.desk.decide("shadow")

    found = world.go()

    assert (found.at, found.sentence, found.waits_for) == ("shadow", "It is inconclusive.", "")
    assert world.split() == {"v3": ("shadow", 1.0)}


def test_good_in_shadow_asks_for_the_canary_with_what_was_seen(world):
    lead(world, "canary")

    assert world.desk.evidence["canary"]["shadow"] == {
        "answer": "no_difference",
        "metric": "brier",
        "pairs": 900,
        "low": -0.001,
        "high": 0.002,
    }
    assert world.split() == {"v3": ("shadow", 1.0)}


def test_the_canary_begins_small_grows_by_verdicts_and_then_asks_for_the_champion(world):
    world.go()
    world.desk.decide("shadow")
    world.go()
    world.desk.decide("canary")

    found = world.go()

    shares = [change.split.challengers[0].share for change in world.splits.kept if change.split.challengers][1:]
    assert shares == [0.05, 0.5, 1.0]
    assert all(one < other for one, other in pairwise(shares))
    assert (found.at, found.waits_for) == ("canary", "pr-3")
    assert world.deployed == []


def test_what_the_gate_promotes_is_deployed_and_its_time_beside_the_champion_ends(world):
    lead(world, "nothing")

    found = world.go()

    assert (found.at, found.ended) == ("champion", "promoted")
    assert world.deployed == [world.desk.digest]
    assert world.splits.kept[-1].end is End.PROMOTED
    assert world.split() == {}
    assert world.go() == found
    assert world.deployed == [world.desk.digest]


def test_a_worse_shadow_loses_its_place_at_once_and_for_good(world):
    lead(world, "canary")
    world.answer = "worse"

    found = world.go()
    world.answer = "better"

    assert (found.at, found.ended, found.sentence) == ("shadow", "rolled back", "It is worse.")
    assert world.split() == {}
    assert world.go().ended == "rolled back"
    assert len(world.desk.asked) == 2


def test_a_canary_that_gets_worse_on_its_way_is_rolled_back(world):
    world.go()
    world.desk.decide("shadow")
    world.go()
    world.desk.decide("canary")
    for _ in range(2):
        world.rolling.advance()
    assert world.split() == {"v3": ("canary", 0.05)}
    world.answer = "worse"

    found = world.go()

    assert (found.at, found.ended) == ("canary", "rolled back")
    assert world.rolling.splitter.current().split.shares() == {CHAMPION: 1.0}


@pytest.mark.parametrize("alias", ["shadow", "canary", "champion"])
def test_what_people_reject_goes_no_further_and_says_why(world, alias):
    lead(world, alias)
    world.desk.decide(alias, "rejected", "Ben Engineer: not on a Friday.")

    found = world.go()

    assert (found.ended, "not on a Friday" in found.sentence) == ("rejected", True)
    assert world.split() == {}
    assert world.deployed == []


def test_a_void_request_is_asked_again(world):
    world.go()
    world.desk.decide("shadow", "void")

    found = world.go()

    assert (found.waits_for, len(world.desk.asked)) == ("pr-2", 2)


def test_what_a_person_ended_by_hand_stays_ended(world):
    lead(world, "canary")
    world.rolling.splitter.end("v3", End.INCONCLUSIVE, "ada", "enough of it")

    found = world.go()

    assert (found.ended, found.sentence) == ("inconclusive", "enough of it")


def test_a_champion_that_people_promoted_early_is_deployed(world):
    lead(world, "canary")
    world.desk.open("champion", {})
    world.desk.decide("champion")

    found = world.go()

    assert (found.ended, world.deployed, world.split()) == ("promoted", [world.desk.digest], {})


class Killed(BaseException):
    """Represents the end of the process."""


@pytest.mark.parametrize("after", range(1, 9))
def test_a_kill_after_any_act_loses_nothing_and_repeats_nothing(tmp_path, after):
    world, acts = World(tmp_path), 0

    def counted(act):
        def done(*arguments):
            nonlocal acts
            result = act(*arguments)
            acts += 1
            if acts == after:
                raise Killed
            return result

        return done

    world.splits.append = counted(world.splits.append)
    kept = world.rolling
    world.rolling = Rolling(
        **{name: getattr(kept, name) for name in ("desk", "splitter", "candidate", "rules", "judge", "served")},
        ask=counted(kept.ask),
        deploy=counted(kept.deploy),
    )

    found = None
    for _ in range(12):
        try:
            found = world.go()
        except Killed:
            continue
        if found.ended:
            break
        world.desk.decide(world.desk.asked[-1]["alias"])

    assert found.ended == "promoted"
    assert world.deployed == [world.desk.digest]
    assert [each["alias"] for each in world.desk.asked] == ["shadow", "canary", "champion"]
    assert [change.number for change in world.splits.kept] == list(range(1, len(world.splits.kept) + 1))
    assert [change.end for change in world.splits.kept if change.end] == [End.PROMOTED, End.PROMOTED]


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten(world):
    lead(world, "canary")
    world.desk.decide("canary")
    append = world.splits.append

    def late(change):
        world.splits.append = append
        world.rolling.splitter.end("v3", End.ROLLED_BACK, "ben", "a phone call")
        append(change)

    world.splits.append = late

    with pytest.raises(Conflict):
        world.go()

    assert world.go().ended == "rolled back"


def test_nothing_is_known_of_a_version_that_was_never_beside_the_champion(world):
    assert standing_of([], "v9") == Place(None)
    lead(world, "canary")
    assert standing_of(world.splits.changes(world.rolling.splitter.slot, 9), "v3") == Place(Role.SHADOW, 1.0)


def test_the_rules_are_read_and_a_wrong_one_is_named(tmp_path):
    assert read_rollout(tmp_path) == RolloutRules()
    (tmp_path / "rollout.yaml").write_text("version: 1\ncanary: {stepz: [0.1]}\n")

    with pytest.raises(Misconfigured, match="stepz"):
        read_rollout(tmp_path)
    (tmp_path / "rollout.yaml").write_text("version: 1\ncanary: {steps: [0.5, 0.1]}\n")
    with pytest.raises(InvalidInput, match="do not grow"):
        read_rollout(tmp_path).canary_steps()


def test_the_rules_of_this_project_begin_with_a_twentieth(pytestconfig):
    rules = read_rollout(pytestconfig.rootpath / "config")

    assert rules.canary_steps().steps[0] == 0.05
    assert rules.canary_steps().steps[-1] == 1.0
