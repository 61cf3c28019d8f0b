"""A desk as far as a retraining asks before it trains: the records, and the digest that an alias points at."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.bootstrap import Platform


@dataclass(frozen=True)
class AliasDesk:
    """Stands where a desk of the MLflow server would: every alias points at `digest`."""

    platform: Platform
    digest: str | None

    def digest_behind(self, alias: str) -> str | None:
        """Return the digest of the tree behind the alias."""
        return self.digest
