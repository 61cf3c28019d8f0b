"""What was tried at the gate and refused, where the log notes it as an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.approvals.domain.leaves import Leaf
from handrail.approvals.domain.texts import shown

LEAF = "attempt-refused"
MOST_CHARACTERS = 300


class AttemptKind(StrEnum):
    """What was tried."""

    DIRECT = "direct"
    """Something that moves only through the gate, or is held, by a call of MLflow."""
    DECISION = "decision"
    """A decision, an answer, a revocation or the like by somebody who may not."""
    CONFIRMATION = "confirmation"
    """A question by another system with a secret or a signature that is not the one in the settings."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempts of one account and kind within one window; `sentence` is the refusal of the first one, `account` who."""

    kind: AttemptKind
    account: str
    sentence: str
    at: datetime
    count: int = 1

    @property
    def leaf(self) -> Leaf:
        """The alarm leaf; what somebody else wrote is cut and made one printable line."""
        facts = {
            "attempt": str(self.kind),
            "account": shown(self.account)[:MOST_CHARACTERS],
            "sentence": shown(self.sentence)[:MOST_CHARACTERS],
            "count": self.count,
            "alarm": True,
        }
        return Leaf(LEAF, self.at.isoformat(), facts)
