"""Opens delivery: permits are those of approvals; lineage and feedback record deployments; BentoML stores bentos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.bootstrap.approvals import open_permit_verifier, permit_path
from handrail.clock import system_time
from handrail.delivery import Deployer, PermittedVersion
from handrail.delivery.ports import Bentos, Deployments, Permits, Recipe
from handrail.errors import UnknownReference
from handrail.manifest import digest_of_bytes
from handrail.refs import ArtifactVersion
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.approvals import Permit
    from handrail.bootstrap import Platform
    from handrail.delivery import BuiltBento
    from handrail.refs import Deployment

__all__ = ["open_bentos", "open_deployer", "open_deployments", "open_permits"]


class GatePermits(Permits):
    """The permits that this project's gate signed. Needs no store, no server and no network."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._verifier = open_permit_verifier(settings)

    def find(self, tree_digest: str) -> Path:
        """Look in the folder where the gate puts permits."""
        file = permit_path(self._settings, tree_digest)
        if not file.is_file():
            raise UnknownReference("permit", tree_digest, "Open a promotion request and have it approved first.")
        return file

    def read(self, permit: Path) -> PermittedVersion:
        """Read through the verifier."""
        return _described(self._verifier.read(permit), permit)

    def verify(self, tree: Path, permit: Path, into: Path) -> PermittedVersion:
        """Verify with the verifier, and describe the very statement that it used."""
        return _described(self._verifier.verify(tree, permit, into), permit)


def _described(statement: Permit, file: Path) -> PermittedVersion:
    return PermittedVersion(
        permit=statement.uri,
        permit_digest=digest_of_bytes(file.read_bytes()),
        version=statement.model_version,
        run_id=statement.run_id,
        tree_digest=statement.tree_digest,
        approvers=statement.approvers,
        files=frozenset(entry.path for entry in statement.manifest.files),
    )


class RecordedDeployments(Deployments):
    """Deployments as lineage and feedback hold them."""

    def __init__(self, platform: Platform, by: str) -> None:
        """Record into a platform; it stays the caller's. `by` is who moves pointers."""
        self._platform = platform
        self._by = by

    def record(self, deployment: Deployment, bento: BuiltBento, permitted: PermittedVersion) -> None:
        """Record both in lineage, and the deployment in feedback."""
        lineage, feedback = self._platform.lineage, self._platform.feedback
        allowed = ArtifactVersion(permitted.permit, "permit", permitted.permit_digest)
        tree = permitted.tree_digest
        lineage.record_bento(bento.tag, allowed, tree_digest=tree, digest=bento.digest)
        lineage.record_deployment(deployment, bento.tag, bento_digest=bento.digest, tree_digest=tree)
        known = {one.uri: one.started_at for one in feedback.deployments()}
        feedback.register_deployment(
            uri=deployment.uri,
            tree_digest=tree,
            model_version_uri=permitted.version.uri,
            bento_uri=bento.tag.uri,
            # A bento that was deleted and built again is the same deployment.
            started_at=known.get(deployment.uri) or bento.built_at,
        )

    def target(self, pointer: str) -> str | None:
        """Ask lineage where the name points."""
        current = self._platform.lineage.pointer_at(pointer, system_time())
        return current.target if current else None

    def point(self, pointer: str, deployment: Deployment) -> None:
        """Move the name in lineage."""
        if self.target(pointer) != deployment.uri:
            self._platform.lineage.point(pointer, deployment, system_time(), by=self._by)


def open_permits(settings: Settings) -> Permits:
    """Open the permits of this project's gate."""
    return GatePermits(settings)


def open_deployments(platform: Platform, by: str = "handrail deploy") -> Deployments:
    """Open the records of deployments; `by` is who moves the pointers of slots."""
    return RecordedDeployments(platform, by)


def open_bentos(settings: Settings, name: str, environment: Mapping[str, str] | None = None) -> Bentos:
    """Open the project's store of bentos of that name; `environment` is added to this process's own for a build."""
    from handrail.delivery.adapters.bentoml_bentos import BentomlBentos
    from handrail.lineage.adapters.bento_store import bento_digest

    return BentomlBentos(settings.home / "bentoml", name, bento_digest, environment or {})


def open_deployer(platform: Platform, recipe: Recipe, environment: Mapping[str, str]) -> Deployer:
    """Open what deploys the recipe's bento into this environment; `environment` is what `bentoml build` needs."""
    settings = platform.settings
    bentos = open_bentos(settings, recipe.name, environment)
    return Deployer(settings.environment, open_permits(settings), recipe, bentos, open_deployments(platform))
