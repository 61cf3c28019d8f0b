"""Opens packaging: what a target gets is read from a deployed bento or a permitted tree, and verified on the way."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.bootstrap.approvals import find_permit, project_use
from handrail.bootstrap.delivery import lend_carried, open_bentos, open_deployments, open_permits
from handrail.clock import system_time
from handrail.delivery import (
    NEEDS,
    BuiltBento,
    BuiltFor,
    Carried,
    Slot,
    Target,
    Trusted,
    Verified,
    find_serving,
    parcel,
)
from handrail.errors import UnknownReference
from handrail.refs import Deployment, Use

if TYPE_CHECKING:
    from handrail.bootstrap import Platform
    from handrail.settings import Settings

__all__ = ["Packed", "bento_to_package", "pack_bento", "pack_tree"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A package that was written: where it is, what it may be used for, and the key that it trusts.

    `deployment` is the URI that its answers name; it is recorded.
    """

    file: Path
    use: Use
    key_id: str
    model_version: str
    deployment: str

    @property
    def use_text(self) -> str:
        """The use as the package's programs are given it: server/model/alias/environment."""
        return "/".join((self.use.server, self.use.model, self.use.alias, self.use.environment))


def bento_to_package(platform: Platform, name: str, version: str | None) -> BuiltBento:
    """Return a bento of the local store: that version, or the one that the environment points at.

    Raises:
        UnknownReference: there is none.
        Unavailable: the one that is deployed is not in the local store (any more).
    """
    settings = platform.settings
    bentos = open_bentos(settings, name)
    if version is not None:
        built = bentos.find(version)
    else:
        built = find_serving(Slot(settings.environment, name), bentos, open_deployments(platform))
    if built is None:
        what = f"{name}:{version}" if version else f"of {name} in {settings.environment!r}"
        raise UnknownReference("bento", what, "Deploy a permitted model first, or package a permitted tree by --tree.")
    return built


def pack_bento(platform: Platform, target: Target, built: BuiltBento, to: Path, lock: Path | None) -> Packed:
    """Write the package of a bento's model for a target; `lock` has the hashes of packages, None for none.

    Raises:
        Refused: what the bento carries is not what its permit allows in this environment.
    """
    carried = Carried.below(built.root)
    with lend_carried(platform.settings, carried) as verified:
        use = BuiltFor.read(carried.use).use
        return _pack(platform, target, _Source(verified, use, carried.permit), to, lock)


def pack_tree(platform: Platform, target: Target, tree: Path, to: Path, lock: Path | None) -> Packed:
    """Write the package of a permitted tree for a target, for the use that this project's settings name.

    Raises:
        UnknownReference: there is no permit for the tree.
        Refused: the permit does not allow the tree for this use.
    """
    settings = platform.settings
    use = project_use(settings)
    permit = find_permit(settings, use, tree)
    if permit is None:
        raise UnknownReference("permit", f"of {tree} for {use}", "Open a promotion request and have it approved first.")
    with tempfile.TemporaryDirectory(prefix="handrail-package-") as folder:
        copy = Path(folder) / "model"
        verified = Verified(copy, open_permits(settings).verify(tree, permit, copy, use))
        return _pack(platform, target, _Source(verified, use, permit), to, lock)


@dataclass(frozen=True, slots=True)
class _Source:
    verified: Verified
    use: Use
    permit: Path


def _pack(platform: Platform, target: Target, source: _Source, to: Path, lock: Path | None) -> Packed:
    from handrail.delivery.adapters import alone
    from handrail.delivery.adapters.archives import write_archive
    from handrail.delivery.adapters.locked_packages import pinned

    permitted, use = source.verified.permitted, source.use
    programs = Path(alone.__file__).parent
    files = parcel(target, source.verified, _trusted(platform.settings, source.permit), programs, pinned(NEEDS, lock))
    write_archive(to, files)
    tree = permitted.tree_digest.removeprefix("sha256:")[:12]
    version = f"v{permitted.version.version}-{tree}"
    deployment = Deployment(use.environment, f"{use.model}-{target.value}", version)
    _record(platform, deployment, permitted.version.uri, permitted.tree_digest)
    return Packed(to, use, permitted.key_id, permitted.version.uri, deployment.uri)


def _trusted(settings: Settings, permit: Path) -> Trusted:
    return Trusted(permit, settings.permits / "gate.pub", settings.permits / "revoked.dsse")


def _record(platform: Platform, deployment: Deployment, model_version: str, tree: str) -> None:
    """Record which bytes the deployment answers with, so that answers which are imported lead to them."""
    platform.lineage.record_serving(deployment, model_version, tree_digest=tree)
    known = {each.uri: each.started_at for each in platform.feedback.deployments()}
    started = known.get(deployment.uri) or system_time()
    platform.feedback.register_deployment(deployment.uri, tree, model_version, started_at=started)
