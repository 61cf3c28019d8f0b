"""What an account may ask of the gate at most: nobody fills everybody's list, or the store."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.judging import Verdict
from handrail.approvals.ports import RequestIndex
from handrail.approvals.service.asking import Opening
from handrail.approvals.service.records import Approvals
from handrail.errors import Refused
from handrail.manifest import canonical_json


@dataclass(frozen=True, slots=True)
class Limits:
    """How many open requests an account may have, and how many characters of requests are kept for it."""

    open_requests: int = 100
    kept_characters: int = 200_000_000


class Quota:
    """Counts what is kept for an account. A request that was refused or rejected is not open, and stays so."""

    def __init__(self, limits: Limits, index: RequestIndex, records: Approvals) -> None:
        self._limits = limits
        self._index = index
        self._records = records
        self._closed: set[str] = set()

    def check(self, account: str, opening: Opening) -> None:
        """Let a request be opened if there is room for it.

        Raises:
            Refused: the account has as many open requests, or as much evidence, as it may have.
        """
        kept = self._index.kept_for(account)
        wanted = kept.size + len(canonical_json(dict(opening.evidence)))
        if wanted > self._limits.kept_characters:
            raise _over(
                account, f"{wanted:,} characters of requests", "approvals_most_kept", self._limits.kept_characters
            )
        possible = [request_id for request_id in kept.unended if request_id not in self._closed]
        if len(possible) >= self._limits.open_requests:
            count = sum(self._is_open(request_id) for request_id in possible)
            if count >= self._limits.open_requests:
                raise _over(account, f"{count:,} open requests", "approvals_most_open", self._limits.open_requests)

    def _is_open(self, request_id: str) -> bool:
        view = self._records.request(request_id)
        if view.judgement.verdict in (Verdict.REFUSED, Verdict.REJECTED):
            self._closed.add(request_id)
        return view.is_open


def _over(account: str, has: str, key: str, most: int) -> Refused:
    remedy = f"the setting {key} allows {most:,}. Let those that wait be decided first, or raise it"
    return Refused("Opening a promotion request", (f"The account {account!r} has {has}; {remedy}.",))
