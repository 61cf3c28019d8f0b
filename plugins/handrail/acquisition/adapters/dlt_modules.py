"""dlt in one process with other libraries."""

from __future__ import annotations

import sys

STAND_IN = "dlt.hub"


def without_stand_in() -> None:
    """Take dlt's stand-in for its paid part out of the imported modules; call it once dlt is imported.

    Asked for any name it raises an error that is no AttributeError. That ends whoever looks for a name in all modules,
    as pickle, joblib and skops do: a model could not be saved any more in a process that had read a source.
    """
    stand_in = sys.modules.get(STAND_IN)
    if stand_in is not None and not vars(stand_in).get("__found__"):
        del sys.modules[STAND_IN]
