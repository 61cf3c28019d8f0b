"""The terms of a permit, and what a policy says of them: for how long, where, which formats, and who revokes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAYS = 365


@dataclass(frozen=True, slots=True)
class Terms:
    """How a permit may be used. `counter` grows with each permit of a model and alias; `expires` is a UTC moment.

    `formats` are those that run code when they are loaded and are allowed nevertheless.
    """

    environment: str
    expires: datetime
    counter: int
    formats: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what is signed."""
        return {
            "environment": self.environment,
            "expires": self.expires.isoformat(),
            "counter": self.counter,
            "formats": list(self.formats),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Terms:
        """Read what `to_json` wrote.

        Raises:
            ValueError: a value is of another kind.
        """
        counter, expires = fields["counter"], datetime.fromisoformat(fields["expires"])
        if type(counter) is not int or counter < 1 or expires.tzinfo is None:
            raise ValueError("its counter or its expiry cannot be used")
        return cls(str(fields["environment"]), expires, counter, tuple(map(str, fields["formats"])))


@dataclass(frozen=True, slots=True)
class PermitRules:
    """The part of a policy that its permits carry. `environment` is that of the gate if None.

    `formats` run code when they are loaded, so they are refused unless they stand here. `revokers` are roles that may
    take a permit back; if empty, those that approve.
    """

    days: int = DAYS
    environment: str | None = None
    formats: frozenset[str] = frozenset()
    revokers: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return what is said, and nothing of what holds anyway: digests of older policies stay what they were."""
        said = {
            "days": self.days,
            "environment": self.environment,
            "formats": sorted(self.formats),
            "revokers": sorted(self.revokers),
        }
        silent: dict[str, Any] = {"days": DAYS, "environment": None, "formats": [], "revokers": []}
        return {name: value for name, value in said.items() if value != silent[name]}

    def terms(self, issued: datetime, environment: str, counter: int) -> Terms:
        """Return the terms of a permit that is issued now by a gate in that environment."""
        return Terms(
            environment=self.environment or environment,
            expires=issued + timedelta(days=self.days),
            counter=counter,
            formats=tuple(sorted(self.formats)),
        )
