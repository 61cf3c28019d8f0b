"""Words for people: the kinds of nodes in the plural, and numbers with the right form of a noun."""

from __future__ import annotations

_PLURALS = {
    "dvc-data": "DVC files",
    "dvc-stage": "DVC stages",
    "model-version": "models",
    "policy": "policies",
    "feature-push": "feature pushes",
    "feature-apply": "feature registrations",
    "feature-rows": "feature rows",
    "online-features": "online features",
    "stage-inputs": "stage inputs",
}


def plural(kind: str) -> str:
    """Return the word for several things of a kind."""
    return _PLURALS.get(kind, f"{kind.replace('-', ' ')}s")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
