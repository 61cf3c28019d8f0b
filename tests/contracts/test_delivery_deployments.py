"""Records of deployments keep their promise: repeated as often as you like, and the pointer names one deployment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_deployments
from handrail.delivery import BuiltBento, Deployments, PermittedVersion, Slot
from handrail.refs import BentoTag, ModelVersion
from handrail.settings import Settings
from tests.fakes.delivery import BUILT, DeploymentsInMemory

SLOT = Slot("test", "plain")
DIGEST = "sha256:" + "a" * 64
PERMITTED = PermittedVersion(
    "approval://test/pr-1", DIGEST, ModelVersion("test", "flights", 1, 1), None, DIGEST, ("bea",), frozenset()
)


@pytest.fixture(params=["fake", "recorded"])
def deployments(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployments]:
    if request.param == "fake":
        yield DeploymentsInMemory()
        return
    config = tmp_path / "config"
    config.mkdir()
    with open_platform(Settings(project=tmp_path, home=tmp_path / "home")) as platform:
        yield open_deployments(platform)


def built(version: str) -> BuiltBento:
    return BuiltBento(BentoTag(SLOT.bento, version), Path("nowhere"), BUILT, DIGEST)


def test_a_slot_points_nowhere_before_its_first_deployment(deployments: Deployments) -> None:
    assert deployments.target(SLOT.pointer) is None


def test_a_pointer_names_the_last_deployment(deployments: Deployments) -> None:
    for version in ("v1", "v2", "v2"):
        deployments.record(SLOT.deployment(version), built(version), PERMITTED)
        deployments.point(SLOT.pointer, SLOT.deployment(version))

    assert deployments.target(SLOT.pointer) == SLOT.deployment("v2").uri


def test_going_back_to_an_earlier_deployment_is_a_move_like_any_other(deployments: Deployments) -> None:
    for version in ("v1", "v2", "v1"):
        deployments.record(SLOT.deployment(version), built(version), PERMITTED)
        deployments.point(SLOT.pointer, SLOT.deployment(version))

    assert deployments.target(SLOT.pointer) == SLOT.deployment("v1").uri


def test_slots_do_not_share_a_pointer(deployments: Deployments) -> None:
    deployments.point(SLOT.pointer, SLOT.deployment("v1"))

    assert deployments.target(Slot("other", "plain").pointer) is None


def test_every_move_is_kept_the_oldest_first(deployments: Deployments) -> None:
    for version in ("v1", "v2", "v2", "v1"):
        deployments.point(SLOT.pointer, SLOT.deployment(version))

    moves = deployments.moves(SLOT.pointer)

    assert [move.target for move in moves] == [SLOT.deployment(version).uri for version in ("v1", "v2", "v1")]
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert {move.by for move in moves} == {"handrail deploy"}
    assert deployments.moves(Slot("other", "plain").pointer) in ([], ())
