"""MLflow with Handrail: dataset sources for training code. Server and context load by entry points of the package.

from handrail.mlflow import DvcDatasetSource
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.dataset_sources import DvcDatasetSource
    from handrail.entrypoints.mlflow.feast_sources import FeastDatasetSource

__all__ = ["DvcDatasetSource", "FeastDatasetSource"]

_PLACES = {
    "handrail.entrypoints.mlflow.dataset_sources": ("DvcDatasetSource",),
    "handrail.entrypoints.mlflow.feast_sources": ("FeastDatasetSource",),
}
__getattr__ = lazy_names(__name__, _PLACES)
