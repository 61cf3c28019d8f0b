"""Opens delivery: permits are those of approvals; lineage and feedback record deployments; BentoML stores bentos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.approvals import open_permit_verifier, permit_path, project_use
from handrail.clock import system_time
from handrail.delivery import (
    LEASE_S,
    BuiltFor,
    Carried,
    Challenger,
    Deployer,
    Keys,
    Move,
    PermittedVersion,
    Slot,
    Splitter,
    Swapper,
    TurnLimits,
    Turns,
    Verified,
    lend_verified,
)
from handrail.delivery.ports import Bentos, Deployments, Permits, Recipe
from handrail.errors import UnknownReference
from handrail.manifest import digest_of_bytes
from handrail.refs import ArtifactVersion, Deployment, Use
from handrail.settings import Settings
from handrail.storage import migrate

if TYPE_CHECKING:
    from handrail.approvals import Permit, PermitVerifier
    from handrail.bootstrap import Platform
    from handrail.delivery import BuiltBento, HealthRecords, Splits, Swaps

__all__ = [
    "lend_carried",
    "open_bentos",
    "open_deployer",
    "open_deployments",
    "open_health",
    "open_keys",
    "open_permits",
    "open_splits",
    "open_turns",
    "open_swapper",
    "read_splits",
    "read_swaps",
]


class GatePermits(Permits):
    """The permits that this project's gate signed. Needs no store, no server and no network."""

    def __init__(self, settings: Settings, pinned: str | None = None) -> None:
        """Trust the key of the project's gate, which must have the id `pinned` if one is given."""
        self._settings = settings
        self._verifier = open_permit_verifier(settings, pinned=pinned)

    def find(self, tree_digest: str, use: Use) -> Path:
        """Look in the folder where the gate puts permits."""
        file = permit_path(self._settings, use, tree_digest)
        if not file.is_file():
            remedy = "Open a promotion request and have it approved first."
            raise UnknownReference("permit", f"of {tree_digest} for {use}", remedy)
        # What lies under its name may be another one.
        statement = self._verifier.read(file)
        self._verifier.require_use(statement, use, tree_digest)
        if statement.tree_digest != tree_digest:
            problem = f"The permit for {statement.use} is for {statement.tree_digest}; wanted is {use}."
            raise UnverifiedBytes(tree_digest, problem)
        return file

    def read(self, permit: Path) -> PermittedVersion:
        """Read through the verifier."""
        return _described(self._verifier, self._verifier.read(permit), permit)

    def require(self, permit: Path, expect: Use) -> PermittedVersion:
        """Read through the verifier, which knows what was taken back."""
        statement = self._verifier.read(permit)
        self._verifier.require_use(statement, expect, str(permit))
        return _described(self._verifier, statement, permit)

    def verify(self, tree: Path, permit: Path, into: Path, expect: Use) -> PermittedVersion:
        """Verify with the verifier, and describe the very statement that it used."""
        return _described(self._verifier, self._verifier.verify(tree, permit, into, expect), permit)


def _described(verifier: PermitVerifier, statement: Permit, file: Path) -> PermittedVersion:
    return PermittedVersion(
        permit=statement.uri,
        permit_digest=digest_of_bytes(file.read_bytes()),
        version=statement.model_version,
        run_id=statement.run_id,
        tree_digest=statement.tree_digest,
        approvers=statement.approvers,
        files=frozenset(entry.path for entry in statement.manifest.files),
        key_id=verifier.key_id,
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

    def moves(self, pointer: str) -> Sequence[Move]:
        """Read the name's history in lineage."""
        return [Move(each.target, each.at, each.by) for each in self._platform.lineage.pointer_history(pointer)]

    def point(self, pointer: str, deployment: Deployment) -> None:
        """Move the name in lineage."""
        if self.target(pointer) != deployment.uri:
            self._platform.lineage.point(pointer, deployment, system_time(), by=self._by)


def open_permits(settings: Settings, pinned: str | None = None) -> Permits:
    """Open the permits of this project's gate, whose key must have the id `pinned` if one is given."""
    return GatePermits(settings, pinned)


@contextmanager
def lend_carried(settings: Settings, carried: Carried) -> Iterator[Verified]:
    """Lend a verified copy of what a bento carries, for the use that it was built for, in this environment.

    Raises:
        Refused: the permit is for another use or other bytes, or its key is not the one of the build.
    """
    built_for = BuiltFor.read(carried.use)
    expect = replace(built_for.use, environment=settings.environment)
    with lend_verified(open_permits(settings, built_for.key_id), carried, expect) as verified:
        yield verified


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
    return Deployer(project_use(settings), open_permits(settings), recipe, bentos, open_deployments(platform))


def read_splits(platform: Platform) -> Splits:
    """Open the records of who answers beside the champion of each slot."""
    from handrail.delivery.adapters.sql_splits import MIGRATIONS, SqlSplits

    migrate(platform.store, "delivery", MIGRATIONS)
    return SqlSplits(platform.store)


def open_health(platform: Platform) -> HealthRecords:
    """Open the record of how services did, minute by minute."""
    from handrail.delivery.adapters.sql_health import MIGRATIONS, SqlHealth

    migrate(platform.store, "delivery_health", MIGRATIONS)
    return SqlHealth(platform.store)


def open_keys(platform: Platform, name: str) -> Keys:
    """Open the keys of callers of the bento of that name, in this environment."""
    from handrail.delivery.adapters.sql_keys import MIGRATIONS, SqlKeys

    migrate(platform.store, "delivery_keys", MIGRATIONS)
    return Keys(SqlKeys(platform.store), Slot(platform.settings.environment, name), system_time)


def open_splits(platform: Platform, name: str) -> Splitter:
    """Open what changes who answers beside the champion of the bento of that name, in this environment."""
    settings = platform.settings
    return Splitter(
        slot=Slot(settings.environment, name),
        use=project_use(settings),
        folder=settings.home / "challengers" / name,
        permits=open_permits(settings),
        splits=read_splits(platform),
        clock=system_time,
        known=partial(_record_challenger, platform),
    )


def open_turns(platform: Platform, limits: TurnLimits, lease_s: float = LEASE_S) -> Turns:
    """Open what hands out turns to train a challenger, in the platform's store."""
    from handrail.delivery.adapters.sql_turns import MIGRATIONS, SqlTurns

    migrate(platform.store, "delivery_turns", MIGRATIONS)
    return Turns(SqlTurns(platform.store), limits, platform.event_clock, lease_s)


def read_swaps(platform: Platform) -> Swaps:
    """Open the records of what became of each slot's deployments in the running service."""
    from handrail.delivery.adapters.sql_splits import MIGRATIONS
    from handrail.delivery.adapters.sql_swaps import SqlSwaps

    migrate(platform.store, "delivery", MIGRATIONS)
    return SqlSwaps(platform.store)


def open_swapper(platform: Platform, name: str) -> Swapper:
    """Open what follows, and moves back, the slot of the bento of that name in this environment."""
    settings = platform.settings
    return Swapper(
        slot=Slot(settings.environment, name),
        use=project_use(settings),
        permits=partial(open_permits, settings),
        bentos=open_bentos(settings, name),
        pointing=partial(open_deployments, platform),
        swaps=read_swaps(platform),
        clock=system_time,
    )


def _record_challenger(platform: Platform, challenger: Challenger) -> None:
    """Record in lineage and feedback which version and which bytes a challenger's deployment serves."""
    environment, service, version = challenger.deployment.removeprefix("deploy://").split("/")
    uri, tree = challenger.model_version, challenger.tree_digest
    platform.lineage.record_serving(Deployment(environment, service, version), uri, tree_digest=tree)
    known = {each.uri: each.started_at for each in platform.feedback.deployments()}
    started = known.get(challenger.deployment) or system_time()
    platform.feedback.register_deployment(challenger.deployment, tree, uri, started_at=started)
