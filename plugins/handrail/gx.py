"""Great Expectations with Handrail: the checkpoint action that records what was validated, and how it ended.

from handrail.gx import HandrailAction
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.great_expectations.action import HandrailAction

__all__ = ["HandrailAction"]

__getattr__, __dir__ = lazy_names(__name__, {"handrail.entrypoints.great_expectations.action": ("HandrailAction",)})
