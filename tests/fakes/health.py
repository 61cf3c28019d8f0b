"""The record of health in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from handrail.delivery import HealthBin, HealthSample, Load
from handrail.delivery.health_ports import HealthRecords


class HealthInMemory(HealthRecords):
    """Samples in a dictionary."""

    def __init__(self) -> None:
        self.samples: dict[tuple[str, str, str, str, datetime], HealthSample] = {}

    def keep(self, samples: Sequence[HealthSample]) -> None:
        for each in samples:
            self.samples[each.pointer, each.name, each.deployment, each.process, each.minute] = each

    def forget(self, before: datetime) -> None:
        self.samples = {key: each for key, each in self.samples.items() if each.minute >= before}

    def read(self, start: datetime, end: datetime, step: timedelta) -> Sequence[HealthBin]:
        found: dict[tuple[datetime, str, str, str], list[HealthSample]] = {}
        for each in self.samples.values():
            if start <= each.minute < end:
                began = datetime.fromtimestamp(
                    each.minute.timestamp() // step.total_seconds() * step.total_seconds(), UTC
                )
                found.setdefault((began, each.pointer, each.name, each.deployment), []).append(each)
        return [
            HealthBin(
                *(pointer, name, deployment, began),
                min(each.minute for each in some),
                len({each.minute for each in some}),
                sum((each.load for each in some), Load()),
            )
            for (began, pointer, name, deployment), some in sorted(found.items())
        ]
