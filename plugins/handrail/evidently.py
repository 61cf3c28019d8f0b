"""Evidently with Handrail: runs of a workspace that name their data and are recorded.

from handrail.evidently import Sources, add_run
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.evidently.reports import Sources, add_run

__all__ = ["Sources", "add_run"]

__getattr__, __dir__ = lazy_names(__name__, {"handrail.entrypoints.evidently.reports": ("Sources", "add_run")})
