"""Predictions that were handed to the gate before anybody could know the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SCORE = "score"
"""The column of a file of predictions that holds what the model answered; the other one names the subject."""


@dataclass(frozen=True, slots=True)
class Foretelling:
    """Who says that a file of predictions was made with the files of this tree, of a version of this model."""

    tree_digest: str
    model: str
    account: str


@dataclass(frozen=True, slots=True)
class Commitment:
    """A file of predictions, by the sha256 of its bytes, that the gate had as a whole at `at` by its own clock."""

    said: Foretelling
    digest: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        """Return all fields as JSON values."""
        return {
            "predictions": self.digest,
            "tree_digest": self.said.tree_digest,
            "model": self.said.model,
            "account": self.said.account,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """Where the bytes of a commitment are."""

    path: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Foretold:
    """All that was foretold with one tree, and when the labelled rows that it is held against came first."""

    files: tuple[CommittedFile, ...]
    handed_in: datetime


def micros_of(moment: datetime) -> int:
    """Return a moment as microseconds since 1970 in UTC; without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
