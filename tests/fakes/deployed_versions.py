"""Versions of the reference project's model that were permitted and deployed, without a server and without a build."""

from __future__ import annotations

import shutil

from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.bootstrap.delivery import open_deployments
from handrail.delivery import BuiltFor, Slot
from handrail.refs import Use
from handrail.settings import Settings
from tests.fakes.permitted_tree import permit_tree, write_tree

SLOT = Slot("local", "flights")


def deploy_versions(settings: Settings, platform: Platform, numbers: tuple[int, ...] = (1, 2)) -> None:
    """Leave a bento of each version in the store, permitted by the request `pr-<number>`, and point the slot at it."""
    for number in numbers:
        folder = settings.home / "bentoml" / "bentos" / "flights" / f"v{number}"
        tree = write_tree(folder / "src" / "model", weights=(0.1, number))
        permit = permit_tree(settings, tree, number, request_id=f"pr-{number}")
        shutil.copy(permit, folder / "src" / "permit.json")
        use = Use("test", "flights", "champion", "local")
        built_for = BuiltFor(use, open_permit_verifier(settings).key_id)
        (folder / "src" / "use.json").write_bytes(built_for.to_bytes())
        (folder / "bento.yaml").write_text("creation_time: '2026-11-30T10:00:00+00:00'\n")
        open_deployments(platform).point(SLOT.pointer, SLOT.deployment(f"v{number}"))
