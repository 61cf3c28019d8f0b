"""MLflow with Handrail: dataset sources for training code. Server and context load by entry points of the package.

from handrail.mlflow import DvcDatasetSource
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handrail.lazy import lazy_names
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.dataset_sources import DvcDatasetSource
    from handrail.entrypoints.mlflow.feast_sources import FeastDatasetSource
    from handrail.entrypoints.mlflow.feedback_sources import FeedbackDatasetSource, snapshot_dataset

__all__ = ["DvcDatasetSource", "FeastDatasetSource", "FeedbackDatasetSource", "snapshot_dataset"]

_PLACES = {
    "handrail.entrypoints.mlflow.dataset_sources": ("DvcDatasetSource",),
    "handrail.entrypoints.mlflow.feast_sources": ("FeastDatasetSource",),
    "handrail.entrypoints.mlflow.feedback_sources": ("FeedbackDatasetSource", "snapshot_dataset"),
}
_load, __dir__ = lazy_names(__name__, _PLACES)


def __getattr__(name: str) -> Any:
    """Return a public name, loaded at its first use."""
    if name in __all__:
        require("mlflow", "mlflow")
        # MLflow registers our sources while it loads: it has to come first, or it meets a module that is half loaded.
        import_module("mlflow.data")
    return _load(name)
