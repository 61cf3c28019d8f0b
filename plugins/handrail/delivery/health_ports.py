"""Where the health of services is kept, so that pages need no other tool."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from handrail.delivery.domain.health import HealthBin, HealthSample


class HealthRecords(Protocol):
    """Samples by the minute."""

    @abstractmethod
    def keep(self, samples: Sequence[HealthSample]) -> None:
        """Keep samples; a later one of the same minute, process, slot and deployment replaces the earlier one.

        Raises:
            Unavailable: the store cannot be written.
        """

    @abstractmethod
    def forget(self, before: datetime) -> None:
        """Remove the samples of minutes before a moment.

        Raises:
            Unavailable: the store cannot be written.
        """

    @abstractmethod
    def read(self, start: datetime, end: datetime, step: timedelta) -> Sequence[HealthBin]:
        """Return the load in [start, end) by stretches of `step`, whole minutes, in the order of time.

        Stretches begin at multiples of `step` since 1970; those without a sample are left out.

        Raises:
            Unavailable: the store cannot be read.
        """
