"""Prompts with Handrail: loaded as their permit allows, and no other way.

from handrail import prompts

prompts.load("greeting@champion").format(name="Ada")
"""

from typing import TYPE_CHECKING, Any

from handrail.lazy import lazy_names
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.permitted_prompts import digest, load

__all__ = ["digest", "load"]

_load, __dir__ = lazy_names(__name__, {"handrail.entrypoints.mlflow.permitted_prompts": ("digest", "load")})


def __getattr__(name: str) -> Any:
    """Return a public name, loaded at its first use."""
    if name in __all__:
        require("mlflow", "mlflow")
    return _load(name)
