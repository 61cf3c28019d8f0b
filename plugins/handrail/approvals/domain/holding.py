"""How long what was promoted is held on the registry's own path. The gate's copy stays, whatever is released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.approvals.domain.events import History, MoveIntended
from handrail.approvals.domain.standing import Promoted


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a promotion. `holder` is the one for whom its version is held.

    `superseded_at` is None while the gate has moved the alias nowhere else since. `expires` is the end of the permit,
    None for one of release 0.1.0, which allows nothing. `is_revoked` says that the permit was taken back.
    """

    promoted: Promoted
    holder: str
    superseded_at: datetime | None
    expires: datetime | None
    is_revoked: bool


def holder_of(history: History) -> str:
    """Return the holder of a request's latest intended move. One that was abandoned and released holds no more."""
    moves = sum(isinstance(event, MoveIntended) for event in history.events)
    return holder_named(history.request.request_id, moves)


def holder_named(request_id: str, moves: int) -> str:
    """Return the holder of the move of a request that was intended as its first, second, and so on."""
    return f"{request_id}-{moves}"


def why_released(promotion: Promotion, now: datetime, after: timedelta) -> str | None:
    """Return why a promoted version is not held any more, None while it is.

    What the gate moved the alias to last is held, also when its permit was taken back: a deletion would take the
    alias away, and with it what the next candidate is compared with. A superseded one is held while anybody may still
    serve it, and for `after` at least.
    """
    superseded = promotion.superseded_at
    if superseded is None:
        return None
    if promotion.is_revoked:
        return "Its permit was taken back, and the alias was moved on."
    if now - superseded < after or (promotion.expires is not None and now < promotion.expires):
        return None
    return f"The alias was moved on {superseded:%Y-%m-%d}, and no permit for it is valid any more."
