"""Versions of one bento's code, each deployed from a tree of its own, and where the slot points."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from flows.steps.release.deploy import slot_of
from flows.steps.release.recipe import ProjectRecipe
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.delivery import open_deployer, open_deployments
from handrail.delivery import Deployed, PermittedVersion
from handrail.entrypoints.cli.env import tool_environment
from handrail.settings import Settings
from tests.fakes.permitted_tree import permit_tree, write_tree

WARM = 70.0
"""What `make_features` knows of the temperature."""


@dataclass
class Versions:
    """Deploys trees of one project, whose features are registered, as versions 1, 2, ..."""

    settings: Settings
    platform: Platform
    folder: Path
    count: int = 1

    def tree(self, weights: tuple[float, float]) -> Path:
        """Write the tree of another version that knows the same features, and permit it as champion."""
        self.count += 1
        known = json.loads((self.settings.project / "models" / "package" / "scoring.json").read_text())
        return write_tree(self.folder / f"v{self.count}", known["feature_service"], weights=weights)

    def deploy(self, tree: Path) -> Deployed:
        """Permit and deploy a tree."""
        permit_tree(self.settings, tree, version=self.count)
        recipe = ProjectRecipe(self.settings)
        deployer = open_deployer(self.platform, recipe, tool_environment(self.settings))
        return deployer.deploy(tree_digest(tree), Lender(tree))

    def point(self, deployed: Deployed) -> None:
        """Deploy again what was deployed once."""
        open_deployments(self.platform).point(slot_of(self.settings).pointer, deployed.deployment)

    def target(self) -> str | None:
        """Return where the slot points."""
        return open_deployments(self.platform).target(slot_of(self.settings).pointer)


class Lender:
    """Lends one folder."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    @contextmanager
    def lend(self, _permitted: PermittedVersion) -> Iterator[Path]:
        """Lend it."""
        yield self.tree


def chance(item: dict[str, Any], weights: tuple[float, float]) -> float:
    """Return what the model of `write_tree` with these weights answers about a flight at `NOON`."""
    return 1 / (1 + math.exp(-(WARM * weights[0] + item["distance"] * weights[1])))


def serving(url: str) -> dict[str, Any]:
    """Return what a service says of itself."""
    found: dict[str, Any] = httpx.get(f"{url}/serving", trust_env=False, timeout=30).raise_for_status().json()
    return found


def until(url: str, done: Callable[[dict[str, Any]], bool], within_s: float = 90) -> dict[str, Any]:
    """Wait until a service says so of itself."""
    deadline, pause = time.monotonic() + within_s, Event()
    while True:
        try:
            said = serving(url)
        except httpx.HTTPError as err:
            said = {"error": str(err)}
        if "error" not in said and done(said):
            return said
        assert time.monotonic() < deadline, said
        pause.wait(0.1)
