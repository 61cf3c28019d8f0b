"""What lineage asks about an MLflow server: which person an account belongs to, and which bytes a version has."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from handrail.approvals.adapters.mlflow_notices import editing, is_own_notice
from handrail.approvals.adapters.mlflow_prompts import is_content_tag, is_prompt, own_text
from handrail.approvals.adapters.mlflow_registry import MlflowRegistry, is_allowed_move
from handrail.bootstrap.approvals import GateHost, server_name, tree_digest
from handrail.bootstrap.approvals_policy import open_project_rules
from handrail.errors import HandrailError
from handrail.lineage import agent_uri
from handrail.settings import Settings

__all__ = [
    "editing",
    "is_allowed_move",
    "is_content_tag",
    "is_own_notice",
    "is_prompt",
    "open_agents",
    "open_trees",
    "own_text",
    "small_tree_digest",
]

LARGEST_TREE_BYTES = 64 << 20
"""Larger trees are not hashed while a caller waits; the gate hashes them when a promotion is asked for."""


def open_agents(settings: Settings) -> Callable[[str], str]:
    """Return what names the agent of an account: its person or service of config/roles.yaml, or the account itself."""
    server, file = server_name(settings), settings.config / "roles.yaml"

    @lru_cache(maxsize=1024)
    def agent(account: str, _changed: tuple[int, int] | None) -> str:
        try:
            directory = open_project_rules(settings).directory()
            known = directory.person_behind(account) or directory.service_behind(account)
        except HandrailError:
            known = None
        return agent_uri(server, known.name if known else account)

    def agent_of(account: str) -> str:
        try:
            state = file.stat()
        except OSError:
            return agent(account, None)
        return agent(account, (state.st_mtime_ns, state.st_size))

    return agent_of


def open_trees(host: GateHost) -> Callable[[str, str], str | None]:
    """Return what computes the tree digest of a version from its model and number: None if it is large or elsewhere."""
    registry = MlflowRegistry(host.registry, host.tracking, host.artifacts)

    def tree_of(model: str, version: str) -> str | None:
        try:
            return small_tree_digest(registry.place(model, version))
        except HandrailError:
            return None

    return tree_of


def small_tree_digest(tree: Path) -> str | None:
    """Return the digest of a folder as permits have it; None if it holds too much, no file, or a link."""
    try:
        size = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
        return tree_digest(tree) if 0 < size <= LARGEST_TREE_BYTES else None
    except (HandrailError, OSError):
        return None
