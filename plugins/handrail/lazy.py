"""Public names that are imported at their first use, so that one of them loads nothing that only another needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(face: str, places: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of the module `face`.

    `places` has the public names that each module defines. Who lists the names, as a prompt does and Prefect for its
    blocks, finds those too that nobody has used yet.
    """

    def get(name: str) -> Any:
        for module, names in places.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module {face!r} has no attribute {name!r}")

    def names_of_face() -> list[str]:
        known = vars(import_module(face))
        return sorted({*known, *(name for names in places.values() for name in names)})

    return get, names_of_face
