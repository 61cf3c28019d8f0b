"""What `feast -c feature_repo apply` finds: every object of definitions.py over this project's feature tables."""

from __future__ import annotations

from feature_repo.definitions import build
from handrail.settings import load_settings

globals().update(
    {
        f"{type(thing).__name__}_{thing.name}": thing
        for thing in build(str(load_settings().project / "data" / "features"))
    }
)
