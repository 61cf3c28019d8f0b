"""A slot goes back only to what may be served, never over somebody else's deployment, and says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from handrail.delivery import BuiltFor, Move, Outcome, Slot, Swapper, code_digest, earlier
from handrail.delivery.domain.swaps import ROLLBACK
from handrail.errors import InvalidInput, Refused, Unavailable
from tests.fakes.delivery import BUILT, USE, BentosInFolder, DeploymentsInMemory, PermitsInFolder, SwapsInMemory

SLOT = Slot("local", "plain")


class World:
    """A slot whose bentos v1 and v2 are permitted and deployed, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.permits = PermitsInFolder(folder / "permits")
        self.bentos = BentosInFolder(folder / "bentos", "plain")
        self.deployments, self.swaps = DeploymentsInMemory(), SwapsInMemory()
        pointing = self.deployments.pointing
        self.swapper = Swapper(SLOT, USE, lambda _key: self.permits, self.bentos, pointing, self.swaps, lambda: BUILT)
        self.digests = {version: self._build(folder, version) for version in ("v1", "v2")}
        for version in ("v1", "v2"):
            self.point(version)

    def _build(self, folder: Path, version: str) -> str:
        context = folder / version
        (context / "model").mkdir(parents=True)
        (context / "model" / "MLmodel").write_text(version)
        digest = self.permits.allow(context / "model")
        shutil.copy(self.permits.find(digest, USE), context / "permit.json")
        (context / "use.json").write_bytes(BuiltFor(USE, "key").to_bytes())
        (context / "service.py").write_text("the same")
        self.bentos.build(context, version)
        return digest

    def point(self, version: str, by: str = "handrail deploy") -> Move:
        self.deployments.pointing(by).point(SLOT.pointer, SLOT.deployment(version))
        return self.deployments.moves(SLOT.pointer)[-1]

    @property
    def target(self) -> str | None:
        return self.deployments.target(SLOT.pointer)


def uri(version: str) -> str:
    return SLOT.deployment(version).uri


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], []),
        (["a"], []),
        (["a", "b"], ["a"]),
        (["a", "b", "c"], ["b", "a"]),
        (["a", "b", "c", "-b"], ["a"]),
        (["a", "b", "c", "-b", "-a"], []),
        (["a", "b", "c", "-b", "d"], ["b", "a"]),
        (["a", "b", "-a", "b", "c"], ["b", "a"]),
        (["a", "b", "a"], ["b"]),
        (["a", "b", "a", "b"], ["a"]),
    ],
)
def test_the_deployments_before_are_those_before_the_present_one_was_deployed(
    moves: list[str], expected: list[str]
) -> None:
    made = [Move(each.lstrip("-"), BUILT, f"{ROLLBACK}ada" if each.startswith("-") else "ada") for each in moves]

    assert earlier(made) == expected


def test_a_rollback_moves_the_pointer_and_says_who_and_why(world: World) -> None:
    swap = world.swapper.roll_back("ada", " it is worse ")

    assert (swap.outcome, swap.deployment, swap.other) == (Outcome.ROLLED_BACK, uri("v2"), uri("v1"))
    assert (swap.by, swap.reason) == ("ada", "it is worse")
    assert world.swaps.kept == [swap]
    assert world.target == uri("v1")
    assert world.deployments.moves(SLOT.pointer)[-1].is_rollback


@pytest.mark.parametrize("why", ["altered", "taken back", "gone"])
def test_what_may_not_be_served_is_not_gone_back_to(world: World, why: str) -> None:
    if why == "altered":
        (world.bentos.home / "v1" / "src" / "model" / "MLmodel").write_text("altered")
    elif why == "taken back":
        world.permits.taken_back.add(world.digests["v1"])
    else:
        shutil.rmtree(world.bentos.home / "v1")

    with pytest.raises(Refused, match="plain/v1"):
        world.swapper.roll_back("ada", "it is worse")

    assert world.target == uri("v2")
    assert world.swaps.kept == []


@pytest.mark.parametrize("reason", ["", " ", "x" * 501])
def test_a_rollback_needs_a_reason(world: World, reason: str) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        world.swapper.roll_back("ada", reason)

    assert world.target == uri("v2")


def test_a_broken_deployment_is_taken_back_once_though_several_processes_saw_it(world: World) -> None:
    broken = world.deployments.moves(SLOT.pointer)[-1]

    first = world.swapper.take_back(broken, uri("v1"), "it raised")
    again = world.swapper.take_back(broken, uri("v1"), "it hung")

    assert first is not None
    assert again is None
    assert [each.reason for each in world.swaps.kept] == ["it raised"]
    assert world.target == uri("v1")


def test_what_somebody_deployed_meanwhile_stays(world: World) -> None:
    broken = world.deployments.moves(SLOT.pointer)[-1]
    world.point("v3")

    assert world.swapper.take_back(broken, uri("v1"), "it raised") is None
    assert world.target == uri("v3")


def test_what_somebody_deploys_at_that_very_moment_stays_too(world: World) -> None:
    broken = world.deployments.moves(SLOT.pointer)[-1]
    require = world.swapper.require_permit

    class Late(Swapper):
        def require_permit(self, deployment: str) -> None:
            require(deployment)
            world.point("v3")

    late = Late(SLOT, USE, world.swapper.permits, world.bentos, world.swapper.pointing, world.swaps, lambda: BUILT)

    assert late.take_back(broken, uri("v1"), "it raised") is None
    assert world.target == uri("v3")
    assert world.swaps.kept == []


def test_nothing_is_taken_back_to_a_version_whose_permit_was_taken_back(world: World) -> None:
    broken = world.deployments.moves(SLOT.pointer)[-1]
    world.permits.taken_back.add(world.digests["v1"])

    with pytest.raises(Refused, match="taken back"):
        world.swapper.take_back(broken, uri("v1"), "it raised")

    assert world.target == uri("v2")


def test_only_verified_bytes_are_lent(world: World) -> None:
    built = world.swapper.find(uri("v2"))
    with world.swapper.lend(built) as verified:
        assert (verified.tree / "MLmodel").read_text() == "v2"

    (built.root / "model" / "MLmodel").write_text("altered")

    with pytest.raises(Refused), world.swapper.lend(built):
        pass


def test_a_bento_that_is_not_here_is_missed(world: World) -> None:
    with pytest.raises(Unavailable, match="plain:v9.*Deploy it again"):
        world.swapper.find(uri("v9"))


def test_two_versions_of_one_code_have_one_digest_and_other_code_has_another(world: World) -> None:
    first, second = (world.bentos.home / version for version in ("v1", "v2"))
    same = code_digest(first), code_digest(second)
    (first / "src" / "__pycache__").mkdir()
    (first / "src" / "__pycache__" / "service.pyc").write_text("compiled")
    compiled = code_digest(first)
    (second / "src" / "service.py").write_text("another")

    assert same[0] == same[1] == compiled != code_digest(second)


def test_a_refusal_is_recorded_once_while_it_lasts(world: World) -> None:
    for reason in ("it differs", "it differs", "it differs \ud800\0"):
        world.swapper.record(Outcome.REFUSED, uri("v2"), uri("v1"), reason)

    assert [each.reason for each in world.swaps.kept] == ["it differs", "it differs \\ud800"]
