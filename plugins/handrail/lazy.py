"""Public names that are imported at their first use, so that one of them loads nothing that only another needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(face: str, places: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of the module `face`; `places` has the public names that each module defines."""

    def get(name: str) -> Any:
        for module, names in places.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module {face!r} has no attribute {name!r}")

    return get
