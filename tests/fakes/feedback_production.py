"""The fake of the port that shows figures on registered versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handrail.errors import UnknownReference
from handrail.feedback.domain.production import Registered
from handrail.feedback.notice_ports import ProductionPages


@dataclass
class MemoryProduction(ProductionPages):
    """`ProductionPages` in memory: versions with their tags."""

    versions: dict[Registered, dict[str, str]] = field(default_factory=dict)

    def put(self, version: Registered, tags: Mapping[str, str]) -> None:
        for held, before in self.versions.items():
            if version in (held, held._replace(epoch=0)):
                before |= tags
                return
        raise UnknownReference("model version", f"{version.name}/{version.version}", "It was deleted.")
