"""Evidently with Handrail: runs of a workspace that name their data and are recorded.

from handrail.evidently import Sources, add_run
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.evidently.reports import Sources, add_run
    from handrail.entrypoints.evidently.snapshots import snapshot_dataset

__all__ = ["Sources", "add_run", "snapshot_dataset"]

_PLACES = {
    "handrail.entrypoints.evidently.reports": ("Sources", "add_run"),
    "handrail.entrypoints.evidently.snapshots": ("snapshot_dataset",),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
