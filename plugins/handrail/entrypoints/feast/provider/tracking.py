"""How the rows of a retrieval reach the MLflow run that they train: read within it, or logged to it as its input.

MLflow is never loaded here: whoever starts a run or logs an input has loaded it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from handrail.entrypoints.hosts.never_fail import never_fail

CONSTRUCTORS = ("from_pandas", "from_polars")
_named: set[Any] = set()


def active_run() -> Any | None:
    """Return the MLflow run that is active here."""
    found = getattr(sys.modules.get("mlflow"), "active_run", None)
    return found() if found else None


def name_inputs(rows_of: Callable[[object], str | None]) -> None:
    """Make MLflow name the retrieval of a frame that is logged without a source; `rows_of` returns the URI of its rows.

    MLflow itself would name the script that called it. Only the very frame that Feast returned is known.
    """
    registry: Any = sys.modules.get("mlflow.data.dataset_registry")
    constructors = registry.get_registered_constructors() if registry else {}
    for name in CONSTRUCTORS:
        constructor = constructors.get(name)
        if constructor is not None and constructor not in _named:
            naming = _naming(constructor, rows_of)
            _named.add(naming)
            registry.register_constructor(naming, name)


def _naming(constructor: Callable[..., Any], rows_of: Callable[[object], str | None]) -> Callable[..., Any]:
    @wraps(constructor)
    def construct(df: Any, source: Any = None, *args: Any, **kwargs: Any) -> Any:
        uri = rows_of(df) if source is None else None
        return constructor(df, _source_at(uri) if uri else source, *args, **kwargs)

    return construct


def _source_at(uri: str) -> Any | None:
    """Return MLflow's source of a URI, None if it knows none."""
    registry: Any = sys.modules["mlflow.data.dataset_source_registry"]
    with never_fail(f"{uri} as the source of a dataset", logging.DEBUG):
        return registry.resolve_dataset_source(uri)
    return None
