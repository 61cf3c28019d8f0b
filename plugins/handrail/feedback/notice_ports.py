"""What the figures of production need from where models are registered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from handrail.feedback.domain.production import Registered


class ProductionPages(Protocol):
    """The pages of registered model versions."""

    @abstractmethod
    def put(self, version: Registered, tags: Mapping[str, str]) -> None:
        """Make the version have these tags, and leave its others. Calling it twice changes nothing.

        Raises:
            UnknownReference: that version is gone, or another model has its name.
            Unavailable: the registry is not there, or refuses.
        """
