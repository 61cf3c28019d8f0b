"""From a permitted tree to a slot that points at it, without a tool."""

import shutil
from pathlib import Path

import pytest

from handrail.delivery import Deployer, Deployments, Slot, find_serving
from handrail.errors import Refused, Unavailable, UnknownReference
from tests.fakes.delivery import USE, BentosInFolder, DeploymentsInMemory, PermitsInFolder, PlainRecipe, TreesInMemory


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "MLmodel").write_text("flavors: {}")
    return tree


@pytest.fixture
def deployer(tmp_path: Path) -> Deployer:
    permits = PermitsInFolder(tmp_path / "permits")
    bentos = BentosInFolder(tmp_path / "bentos", "plain")
    return Deployer(USE, permits, PlainRecipe(), bentos, DeploymentsInMemory())


def allow(deployer: Deployer, tree: Path) -> str:
    assert isinstance(deployer.permits, PermitsInFolder)
    return deployer.permits.allow(tree)


def moves(deployments: Deployments) -> list[tuple[str, str]]:
    assert isinstance(deployments, DeploymentsInMemory)
    return [(name, str(move.target)) for name, move in deployments.pointed]


def test_a_permitted_tree_is_built_recorded_and_pointed_at(deployer: Deployer, tree: Path) -> None:
    digest = allow(deployer, tree)

    deployed = deployer.deploy(digest, TreesInMemory(tree))

    assert not deployed.reused
    assert deployed.tree_digest == digest
    assert deployed.model_version == "mlflow://test/registered/flights/1/1"
    assert moves(deployer.deployments) == [("deploy://local/plain", deployed.deployment.uri)]
    served = find_serving(deployer.slot, deployer.bentos, deployer.deployments)
    assert served is not None
    assert (served.tag, served.digest) == (deployed.bento, deployed.bento_digest)
    assert (served.root / "model" / "MLmodel").read_bytes() == (tree / "MLmodel").read_bytes()


def test_deploying_again_builds_nothing_and_moves_nothing(deployer: Deployer, tree: Path) -> None:
    trees, digest = TreesInMemory(tree), allow(deployer, tree)

    first = deployer.deploy(digest, trees)
    again = deployer.deploy(digest, trees)

    assert again.reused
    assert again.deployment == first.deployment
    assert trees.lent == 1
    assert len(moves(deployer.deployments)) == 1


def test_another_source_gives_another_bento_and_moves_the_pointer(deployer: Deployer, tree: Path) -> None:
    digest = allow(deployer, tree)
    first = deployer.deploy(digest, TreesInMemory(tree))

    deployer.recipe.source = "two"  # type: ignore[attr-defined]
    second = deployer.deploy(digest, TreesInMemory(tree))

    assert first.bento.version.rpartition("-")[0] == second.bento.version.rpartition("-")[0]
    assert [target for _, target in moves(deployer.deployments)] == [first.deployment.uri, second.deployment.uri]


def test_without_a_permit_nothing_is_lent(deployer: Deployer, tree: Path) -> None:
    trees = TreesInMemory(tree)

    with pytest.raises(UnknownReference):
        deployer.deploy("sha256:" + "5" * 64, trees)

    assert trees.lent == 0


def test_other_bytes_than_the_permitted_ones_are_never_pointed_at(deployer: Deployer, tree: Path) -> None:
    digest = allow(deployer, tree)
    (tree / "MLmodel").write_text("altered")

    with pytest.raises(Refused, match="MLmodel"):
        deployer.deploy(digest, TreesInMemory(tree))

    assert moves(deployer.deployments) == []


def test_a_bento_that_changed_in_the_store_is_not_pointed_at_again(deployer: Deployer, tree: Path) -> None:
    digest = allow(deployer, tree)
    first = deployer.deploy(digest, TreesInMemory(tree))
    built = deployer.bentos.find(first.bento.version)
    assert built is not None
    (built.root / "model" / "MLmodel").write_text("altered")

    with pytest.raises(Refused, match="MLmodel"):
        deployer.deploy(digest, TreesInMemory(tree))


def test_a_bento_with_another_valid_pair_of_tree_and_permit_is_not_pointed_at(deployer: Deployer, tree: Path) -> None:
    other = tree.parent / "other"
    other.mkdir()
    (other / "MLmodel").write_text("flavors: {other: {}}")
    first = deployer.deploy(allow(deployer, tree), TreesInMemory(tree))
    second = deployer.deploy(allow(deployer, other), TreesInMemory(other))
    built, exchanged = (deployer.bentos.find(each.bento.version) for each in (first, second))
    assert built is not None
    assert exchanged is not None
    shutil.copytree(exchanged.root / "model", built.root / "model", dirs_exist_ok=True)
    shutil.copyfile(exchanged.root / "permit.json", built.root / "permit.json")

    with pytest.raises(Refused, match="Delete this bento"):
        deployer.deploy(first.tree_digest, TreesInMemory(tree))

    assert moves(deployer.deployments)[-1] == ("deploy://local/plain", second.deployment.uri)


def test_the_pointer_moves_last(deployer: Deployer, tree: Path) -> None:
    class Failing(DeploymentsInMemory):
        def record(self, deployment: object, bento: object, permitted: object) -> None:
            raise Unavailable("The store", "it is full", "Free the disk.")

    digest, failing = allow(deployer, tree), Failing()
    broken = Deployer(USE, deployer.permits, deployer.recipe, deployer.bentos, failing)

    with pytest.raises(Unavailable):
        broken.deploy(digest, TreesInMemory(tree))

    assert failing.pointed == []


def test_a_slot_that_points_nowhere_serves_nothing(deployer: Deployer) -> None:
    assert find_serving(deployer.slot, deployer.bentos, deployer.deployments) is None


def test_a_bento_that_is_gone_is_missed(deployer: Deployer) -> None:
    deployer.deployments.point(deployer.slot.pointer, deployer.slot.deployment("v9"))

    with pytest.raises(Unavailable, match="plain:v9.*Deploy it again"):
        find_serving(deployer.slot, deployer.bentos, deployer.deployments)


def test_a_slot_names_its_pointer_and_its_deployments() -> None:
    slot = Slot("production", "flights")

    assert slot.pointer == "deploy://production/flights"
    assert slot.tag_of(slot.deployment("v1-ab").uri).version == "v1-ab"
