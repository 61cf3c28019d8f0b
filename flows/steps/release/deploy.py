"""From a permitted tree to a recorded deployment: build the bento, register it, point the environment at it.

Nothing here starts or stops a server: `infra.servers.bento` serves what the environment points at.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.steps.release.bento_build import NAME, BuiltBento, build, find_bento, stage, version_of
from flows.steps.release.desk import Desk
from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.errors import UnknownReference
from handrail.refs import ArtifactVersion, BentoTag, Deployment
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.approvals import Permit


@dataclass(frozen=True, slots=True)
class Deployed:
    """What an environment serves from now on; `reused` if the bento was there before."""

    deployment: Deployment
    bento: BentoTag
    bento_digest: str
    model_version: str
    tree_digest: str
    reused: bool


def deploy(desk: Desk, tree_digest: str) -> Deployed:
    """Build the bento for a permitted tree and point the environment at it. Safe to repeat and to interrupt.

    Args:
        desk: fetches the tree from the registry if the project does not hold it (any more); its platform records
            the deployment.
        tree_digest: `sha256:<hex>` of the artifact tree; a permit for it has to exist.

    Raises:
        UnknownReference: there is no permit for the tree.
        Refused: permit and bytes do not agree.
        Unavailable: the build failed, or the registry cannot be reached.
    """
    platform, settings = desk.platform, desk.settings
    built, permit, reused = build_permitted(desk, find_permit(settings, tree_digest))
    deployment = Deployment(settings.environment, NAME, built.tag.version)
    record(platform, deployment, built, permit)
    point(platform, deployment)
    return Deployed(deployment, built.tag, built.digest, permit.model_version.uri, permit.tree_digest, reused)


def find_permit(settings: Settings, tree_digest: str) -> Path:
    """Return the file of the permit for a tree.

    Raises:
        UnknownReference: there is none.
    """
    from handrail.bootstrap.approvals import permit_path

    file = permit_path(settings, tree_digest)
    if not file.is_file():
        raise UnknownReference("permit", tree_digest, "Open a promotion request and have it approved first.")
    return file


def build_permitted(desk: Desk, permit_file: Path) -> tuple[BuiltBento, Permit, bool]:
    """Return the bento for a permit, and whether it was there before.

    Raises:
        Refused: permit and bytes do not agree, before the build or after it.
    """
    from handrail.bootstrap.approvals import open_permit_verifier

    settings = desk.settings
    verifier = open_permit_verifier(settings)
    permit = verifier.read(permit_file)
    bento_version = version_of(settings, permit_file, permit.version, permit.tree_digest)
    built = find_bento(settings, bento_version)
    reused = built is not None
    with tempfile.TemporaryDirectory(prefix="handrail-bento-") as folder:
        context = Path(folder) / "context"
        context.mkdir()
        if built is None:
            with desk.lend_tree(permit) as tree:
                verifier.verify(tree, permit_file, context / "model")
            shutil.copyfile(permit_file, context / "permit.json")
            stage(settings, context, _labels(permit))
            built = build(settings, context, bento_version)
        carried = built.folder / "src"
        verifier.verify(carried / "model", carried / "permit.json", Path(folder) / "check")
    return built, permit, reused


def record(platform: Platform, deployment: Deployment, built: BuiltBento, permit: Permit) -> None:
    """Tell lineage and feedback which permit, tree and bento a deployment stands for. Safe to repeat."""
    content = (built.folder / "src" / "permit.json").read_bytes()
    allowed = ArtifactVersion(permit.uri, "permit", "sha256:" + hashlib.sha256(content).hexdigest())
    platform.lineage.record_bento(built.tag, allowed, tree_digest=permit.tree_digest, digest=built.digest)
    platform.lineage.record_deployment(deployment, built.tag, bento_digest=built.digest, tree_digest=permit.tree_digest)
    known = {one.uri: one.started_at for one in platform.feedback.deployments()}
    platform.feedback.register_deployment(
        uri=deployment.uri,
        tree_digest=permit.tree_digest,
        model_version_uri=permit.model_version.uri,
        bento_uri=built.tag.uri,
        # A bento that was deleted and built again is the same deployment; its first start stands.
        started_at=known.get(deployment.uri) or built.built_at,
    )


def point(platform: Platform, deployment: Deployment) -> None:
    """Make the environment's pointer name the deployment from now on, unless it does already."""
    name = pointer_of(platform.settings)
    now = system_time()
    current = platform.lineage.pointer_at(name, now)
    if current is None or current.target != deployment.uri:
        platform.lineage.point(name, deployment, now, by="handrail deploy")


def pointer_of(settings: Settings) -> str:
    """Return the moving name of what this environment serves: `deploy://<environment>/flights`."""
    return f"deploy://{settings.environment}/{NAME}"


def _labels(permit: Permit) -> dict[str, str]:
    return {
        "mlflow_model": permit.model,
        "mlflow_model_version": str(permit.version),
        "mlflow_run_id": permit.run_id or "",
        "handrail_tree_digest": permit.tree_digest,
        "handrail_permit": permit.uri,
        "handrail_approvers": ",".join(permit.approvers),
    }
