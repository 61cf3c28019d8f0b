"""Renewing a void request in one action, and what changed since the approvals that it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.facts import changes_between
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Policy
from handrail.approvals.ports import Ledger
from handrail.approvals.service.asking import Opening
from handrail.approvals.service.bound_files import RunFile
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.request_view import RequestView, SinceApproval
from handrail.approvals.service.seen import facts_at
from handrail.errors import Refused

MOST_RENEWALS = 100
"""How far back approvals are looked for."""


@dataclass(frozen=True, slots=True)
class Renewals:
    """Opens requests anew. `settle` records that a request is void if it is; `open_request` is the gate's own."""

    ledger: Ledger
    records: Approvals
    settle: Callable[[History], History]
    open_request: Callable[[Opening, str], RequestView]

    def renew(self, request_id: str, account: str, reason: str | None = None) -> RequestView:
        """Ask again for what a void request asked for: the same version and evidence, files read again.

        Whoever approved before has to approve again. Renewing twice returns the same request.

        Args:
            request_id: of the void request.
            account: who asks now.
            reason: for those who decide; that of the void request if None.

        Raises:
            UnknownReference: there is no such request, or its version is gone.
            Refused: it is not void, or what it asked for cannot be asked for any more.
        """
        history = self.settle(self.ledger.load(request_id))
        verdict = self.records.view(history).judgement.verdict
        if verdict is not Verdict.VOID:
            raise Refused(f"Renewing {request_id!r}", (f"It is {verdict}; only a void request is renewed.",))
        return self.open_request(again(history, reason), account)


def again(history: History, reason: str | None) -> Opening:
    """Return what has to be sent to ask for the same once more."""
    request = history.request
    subject = request.subject
    return Opening(
        model=subject.model,
        version=str(subject.version),
        alias=subject.alias,
        reason=request.reason if reason is None else reason,
        evidence={
            name: content
            for name, content in request.evidence.items()
            if name not in {**request.bound, **request.attested}
        },
        files={name: RunFile(file.run_id, file.path) for name, file in request.bound.items()},
        snapshot=subject.snapshot,
        adopts=subject.adopts,
        renews=request.request_id,
        attestations={name: one.envelope for name, one in request.attested.items()},
    )


def since_approvals(view: RequestView, ledger: Ledger, records: Approvals, policy: Policy) -> tuple[SinceApproval, ...]:
    """Return what changed since each person's last approval of what this request renews, in order of the approvals."""
    found: dict[str, SinceApproval] = {}
    for earlier in _renewed(view.history, ledger):
        old = records.view(earlier)
        for approval in _approvals(earlier):
            changes = changes_between(facts_at(old, policy, approval.at), view.facts)
            since = SinceApproval(approval, earlier.request.request_id, changes)
            found.setdefault(approval.person, since)
    return tuple(sorted(found.values(), key=lambda since: since.approval.at))


def _renewed(history: History, ledger: Ledger) -> Iterator[History]:
    """Yield the requests that this one renews, the last one first."""
    for _ in range(MOST_RENEWALS):
        if history.request.renews is None:
            return
        history = ledger.load(history.request.renews)
        yield history


def _approvals(history: History) -> tuple[Decided, ...]:
    return tuple(decision for decision in history.decisions if decision.choice is Choice.APPROVE)
