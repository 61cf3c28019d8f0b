"""BentoML with Handrail: one line that records what is served, and a service guarded on the way to feedback.

from handrail.bentoml import recorded
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.bentoml.recorded import recorded
    from handrail.entrypoints.bentoml.service import guarded

__all__ = ["guarded", "recorded"]

_PLACES = {
    "handrail.entrypoints.bentoml.recorded": ("recorded",),
    "handrail.entrypoints.bentoml.service": ("guarded",),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
