"""From a permitted tree to a recorded deployment: build the bento, record it, point the slot at it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from handrail.delivery.domain import BuiltBento, BuiltFor, Carried, Deployed, PermittedVersion, Slot
from handrail.delivery.ports import Bentos, Deployments, Permits, Recipe, Trees
from handrail.errors import Refused
from handrail.refs import Use


@dataclass(frozen=True, slots=True)
class Deployer:
    """Deploys into the slot that the recipe's bento has in the environment of `use`. Starts and stops no server."""

    use: Use
    permits: Permits
    recipe: Recipe
    bentos: Bentos
    deployments: Deployments

    @property
    def slot(self) -> Slot:
        """Where it deploys to."""
        return Slot(self.use.environment, self.recipe.name)

    def deploy(self, tree_digest: str, trees: Trees) -> Deployed:
        """Build the bento for a permitted tree and point the slot at it. Safe to repeat and to interrupt.

        Args:
            tree_digest: `sha256:<hex>` of the artifact tree; a permit for it and for this use has to exist.
            trees: lends the tree's files, if the bento has to be built.

        Raises:
            UnknownReference: there is no permit for the tree.
            Refused: permit and bytes do not agree, before the build or after it.
            Unavailable: the build failed, or the files of the tree are not to be found.
        """
        permit = self.permits.find(tree_digest, self.use)
        permitted = self.permits.read(permit)
        version = permitted.bento_version(self._source_digest(permit, permitted))
        known = self.bentos.find(version)
        built = known or self._build(permit, permitted, version, trees)
        self._check(built, permitted)
        deployment = self.slot.deployment(version)
        self.deployments.record(deployment, built, permitted)
        # Last: what the pointer names is complete and recorded, wherever an interrupt comes.
        self.deployments.point(self.slot.pointer, deployment)
        return Deployed(
            deployment=deployment,
            bento=built.tag,
            bento_digest=built.digest,
            model_version=permitted.version.uri,
            tree_digest=permitted.tree_digest,
            reused=known is not None,
        )

    def _build(self, permit: Path, permitted: PermittedVersion, version: str, trees: Trees) -> BuiltBento:
        with tempfile.TemporaryDirectory(prefix="handrail-bento-") as folder:
            context = Path(folder) / "context"
            context.mkdir()
            carried = Carried.below(context)
            with trees.lend(permitted) as tree:
                self.permits.verify(tree, permit, carried.tree, self.use)
            shutil.copyfile(permit, carried.permit)
            carried.use.write_bytes(self._built_for(permitted).to_bytes())
            self.recipe.lay_out(context, permitted.labels)
            return self.bentos.build(context, version)

    def _check(self, built: BuiltBento, permitted: PermittedVersion) -> None:
        """Verify what the bento carries, also one that was there before: its files may have changed since."""
        carried = Carried.below(built.root)
        with tempfile.TemporaryDirectory(prefix="handrail-check-") as folder:
            found = self.permits.verify(carried.tree, carried.permit, Path(folder) / "check", self.use)
        if BuiltFor.read(carried.use) != self._built_for(permitted):
            reason = f"It says that it was built for {BuiltFor.read(carried.use).use}, not for {self.use}. "
            raise Refused(f"Deploying {built.tag.uri}", (f"{reason}Delete this bento and deploy again.",))
        # Tree and permit may both have been exchanged, for a pair that is valid by itself.
        if (found.tree_digest, found.permit_digest) != (permitted.tree_digest, permitted.permit_digest):
            reason = f"It carries {found.tree_digest} under {found.permit}, not {permitted.tree_digest} under "
            remedy = f"{permitted.permit}. Delete this bento and deploy again."
            raise Refused(f"Deploying {built.tag.uri}", (reason + remedy,))

    def _built_for(self, permitted: PermittedVersion) -> BuiltFor:
        return BuiltFor(self.use, permitted.key_id)

    def _source_digest(self, permit: Path, permitted: PermittedVersion) -> str:
        """Hash everything that goes into the bento beside the tree."""
        said = self.recipe.digest(permit).encode("ascii") + self._built_for(permitted).to_bytes()
        return hashlib.sha256(said).hexdigest()
