"""From a permitted tree to a recorded deployment."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from flows.steps.release.deploy import bentos_of, deploy, slot_of
from flows.steps.release.desk import Desk
from flows.steps.release.handrail_wheel import build_wheel
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import permit_path, tree_digest
from handrail.bootstrap.delivery import open_deployments, open_permits
from handrail.bootstrap.lineage_doctor import open_doctor
from handrail.delivery import Deployed
from handrail.entrypoints.bentoml.collect import find_bentos, record_bento
from handrail.errors import Unavailable, UnknownReference
from handrail.settings import Settings
from tests.bentos.test_loading import WRONG
from tests.fakes.bento_project import make_project
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree, write_tree


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    """A project with a permitted tree and no features; nothing is built."""
    settings = make_project(tmp_path)
    permit_tree(settings, write_tree(settings.project / "models" / "package"))
    return settings


@pytest.fixture
def platform(fresh: Settings) -> Iterator[Platform]:
    with open_platform(fresh) as platform:
        yield platform


@pytest.fixture
def digest(fresh: Settings) -> str:
    return tree_digest(fresh.project / "models" / "package")


def test_the_bento_carries_exactly_the_permitted_tree_and_handrail(
    project: Settings, deployed: Deployed, tmp_path: Path
) -> None:
    built = bentos_of(project).find(deployed.bento.version)
    assert built is not None

    assert tree_digest(built.folder / "src" / "model") == deployed.tree_digest
    (wheel,) = (built.folder / "env" / "python" / "wheels").glob("handrail-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "handrail/delivery/ports.py",
        "handrail/entrypoints/bentoml/service.py",
        "handrail/feedback/__init__.py",
    } <= set(names)
    assert any(name.startswith("handrail/feedback/adapters/migrations/") for name in names)
    assert "bentoml==" in (built.folder / "env" / "python" / "requirements.txt").read_text()


def test_deploying_again_reuses_the_bento_and_moves_nothing(project: Settings, deployed: Deployed) -> None:
    with open_platform(project) as platform:
        again = deploy(Desk(platform, "mlflow-admin"), deployed.tree_digest)
        history = platform.lineage.pointer_history(slot_of(project).pointer)

    assert again.reused
    assert (again.deployment, again.bento_digest) == (deployed.deployment, deployed.bento_digest)
    assert [move.target for move in history] == [deployed.deployment.uri]


def test_the_deployment_leads_back_to_the_permit(project: Settings, deployed: Deployed) -> None:
    with open_platform(project) as platform:
        trace = platform.lineage.trace(deployed.deployment.uri)
        records = [each for each in platform.feedback.deployments() if each.uri.startswith("deploy://local/flights/")]

    assert {"approval://test/pr-test", deployed.bento.uri} <= {node.uri for node in trace.nodes}
    assert [(record.uri, record.tree_digest, record.bento_uri) for record in records] == [
        (deployed.deployment.uri, deployed.tree_digest, deployed.bento.uri)
    ]


def test_what_the_store_itself_records_is_what_the_deployment_recorded(
    own_project: Settings, deployed: Deployed
) -> None:
    with open_platform(own_project) as platform:
        lineage = platform.lineage
        recorded = {edge for edge in lineage.trace(deployed.bento.uri).edges if edge.effect == deployed.bento.uri}
        (bento,) = find_bentos(own_project.home / "bentoml", deployed.bento.name)

        missing = record_bento(lineage, own_project, bento)

        found = {edge for edge in lineage.trace(deployed.bento.uri).edges if edge.effect == deployed.bento.uri}
        flaws = open_doctor(platform.store, platform.feedback).check(own_project.home)
        assert lineage.findings() == ()
    assert missing == ()
    assert found - recorded == {edge for edge in found if edge.cause.startswith("bento-build://")}
    assert {flaw.kind for flaw in flaws if "bento" in flaw.subject} == set()


def test_a_bento_that_was_lost_is_built_again_with_the_same_content(own_project: Settings, deployed: Deployed) -> None:
    shutil.rmtree(own_project.home / "bentoml")

    with open_platform(own_project) as platform:
        again = deploy(Desk(platform, "mlflow-admin"), deployed.tree_digest)

    assert not again.reused
    assert (again.deployment, again.bento_digest) == (deployed.deployment, deployed.bento_digest)


def test_the_rest_of_an_interrupted_build_is_replaced(own_project: Settings, deployed: Deployed) -> None:
    folder = own_project.home / "bentoml" / "bentos" / "flights" / deployed.bento.version
    (folder / "bento.yaml").unlink()
    (folder / "src" / "model" / "MLmodel").unlink()

    with open_platform(own_project) as platform:
        again = deploy(Desk(platform, "mlflow-admin"), deployed.tree_digest)

    assert not again.reused
    assert (folder / "src" / "model" / "MLmodel").exists()


def test_a_bento_that_was_altered_is_not_deployed_again(own_project: Settings, deployed: Deployed) -> None:
    folder = own_project.home / "bentoml" / "bentos" / "flights" / deployed.bento.version
    (folder / "src" / "model" / "MLmodel").write_text("altered")

    with open_platform(own_project) as platform, pytest.raises(UnverifiedBytes, match="MLmodel"):
        deploy(Desk(platform, "mlflow-admin"), deployed.tree_digest)


def test_without_a_permit_nothing_is_built(platform: Platform, fresh: Settings) -> None:
    with pytest.raises(UnknownReference, match="promotion request"):
        deploy(Desk(platform, "mlflow-admin"), "sha256:" + "5" * 64)

    assert not (fresh.home / "bentoml").exists()


@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_built_under_a_permit_for_a_wrong_use(platform: Platform, fresh: Settings, wrong: str) -> None:
    package = fresh.project / "models" / "package"
    right = open_permits(fresh).find(tree_digest(package), USE)
    if wrong == "tree":
        shutil.rmtree(package)
        write_tree(package, kind="regression")
        shutil.copy(right, permit_path(fresh, USE, tree_digest(package)))
    else:
        # As if somebody had put it in the place of the right one.
        permit_tree(fresh, package, **WRONG[wrong]).replace(right)

    with pytest.raises(UnverifiedBytes) as caught:
        deploy(Desk(platform, "mlflow-admin"), tree_digest(package))

    changes = {name: text for name, text in WRONG[wrong].items() if name == wrong}
    assert str(replace(USE, **changes)) in str(caught.value)
    assert str(USE) in str(caught.value)
    assert open_deployments(platform).target(slot_of(fresh).pointer) is None


def test_a_permit_of_another_alias_is_not_found_for_this_one(platform: Platform, fresh: Settings) -> None:
    package = fresh.project / "models" / "package"
    open_permits(fresh).find(tree_digest(package), USE).unlink()
    permit_tree(fresh, package, alias="shadow")

    with pytest.raises(UnknownReference, match="'flights' as 'champion'"):
        deploy(Desk(platform, "mlflow-admin"), tree_digest(package))


def test_a_tree_that_is_neither_here_nor_in_the_registry_is_missed(platform: Platform, digest: str) -> None:
    settings = platform.settings
    (settings.project / "models" / "package" / "MLmodel").write_text("altered")
    write_account(settings)
    registry = settings.model_copy(update={"mlflow_url": f"sqlite:///{settings.home / 'mlflow.db'}"})

    with open_platform(registry) as elsewhere, pytest.raises(Unavailable, match="models:/flights/1"):
        deploy(Desk(elsewhere, "mlflow-admin"), digest)


def test_the_registered_tree_is_fetched_when_the_project_moved_on(platform: Platform, digest: str) -> None:
    settings = platform.settings
    package = settings.project / "models" / "package"
    url = f"sqlite:///{settings.home / 'mlflow.db'}"
    register(url, package, settings.home / "artifacts")
    write_account(settings)
    shutil.rmtree(package)

    with open_platform(settings.model_copy(update={"mlflow_url": url})) as elsewhere:
        deployed = deploy(Desk(elsewhere, "mlflow-admin"), digest)

    assert deployed.tree_digest == digest


def test_equal_source_gives_one_wheel_and_other_source_another(fresh: Settings) -> None:
    first, again = build_wheel(fresh), build_wheel(fresh)
    (fresh.project / "plugins" / "handrail" / "py.typed").write_text("\n")

    assert first == again
    assert build_wheel(fresh) != first


def write_account(settings: Settings) -> None:
    settings.credentials.mkdir(parents=True, exist_ok=True)
    (settings.credentials / "mlflow-admin.json").write_text(json.dumps({"username": "admin", "password": "x"}))


def register(url: str, tree: Path, artifacts: Path) -> None:
    client = mlflow.MlflowClient(tracking_uri=url, registry_uri=url)
    run = client.create_run(client.create_experiment("test", artifact_location=artifacts.as_uri()))
    client.log_artifacts(run.info.run_id, str(tree), "package")
    client.create_registered_model("flights")
    client.create_model_version("flights", f"{run.info.artifact_uri}/package", run.info.run_id)
