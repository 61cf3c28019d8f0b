"""Labelled rows as people look at them: which there are, what they hold, and the word of a second person for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handrail.approvals.domain.described_rows import RowsDescribed
from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.row_custody import CustodyRule, HandedIn, RowsConfirmed
from handrail.approvals.evidence_ports import Evaluator, Readings
from handrail.approvals.ports import RequestIndex
from handrail.approvals.service.row_custody import REMEDY, RowCustody
from handrail.errors import HandrailError, UnknownReference

MOST_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A snapshot for a model: who handed it in and confirmed it, and who may confirm it if somebody has to.

    `could` are persons who hold a role and did not hand it in; one who made or asked for a version does not count for
    that version. `described` says what it holds where that was looked at, `problem` why nothing can be measured on it.
    """

    digest: str
    model: str
    handed_in: tuple[HandedIn, ...]
    confirmed: tuple[RowsConfirmed, ...]
    roles: tuple[str, ...]
    could: tuple[str, ...]
    described: RowsDescribed | None = None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {
            "snapshot": self.digest,
            "model": self.model,
            "handed_in": [each.to_json() for each in self.handed_in],
            "confirmed": [each.to_json() for each in self.confirmed],
            "custody": list(self.roles),
            "could_confirm": list(self.could),
            "rows": self.described.to_json() if self.described else None,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class SnapshotDesk:
    """Shows and confirms snapshots; `evaluate_later` is called for each request that waited for a confirmation."""

    custody: RowCustody
    evaluator: Evaluator
    index: RequestIndex
    readings: Readings
    evaluate_later: Callable[[str], None]
    _known: dict[tuple[str, str], RowsDescribed] = field(default_factory=dict, repr=False, compare=False)

    def models(self) -> tuple[str, ...]:
        """Return the models that something was handed in for, in order of name."""
        return tuple(sorted({row.model for row in self.custody.book.handed_in() if row.model}))

    def listed(self, model: str) -> tuple[SnapshotView, ...]:
        """Return what was handed in for a model, in the order in which it first was."""
        handed_in = self.custody.book.handed_in(model)
        return tuple(self._view(model, digest, handed_in) for digest in dict.fromkeys(row.digest for row in handed_in))

    def shown(self, model: str, digest: str) -> SnapshotView:
        """Return one of them with what it holds.

        Raises:
            UnknownReference: nobody handed it in for this model, or it is not measured at all.
            StillReading: it is being read; the same call gets the outcome later.
            Unavailable: this machine cannot evaluate.
        """
        view = self._named(model, digest)
        try:
            described = self._described(model, digest)
        except UnknownReference as err:
            return replace(view, problem=str(err))
        if isinstance(described, str):
            return replace(view, problem=described)
        return replace(view, described=described)

    def confirm(self, model: str, digest: str, account: str) -> SnapshotView:
        """Confirm a snapshot as the person behind an account; what waited for it is measured soon. May be repeated.

        Raises:
            UnknownReference: nobody handed it in for this model.
            NotEligible: the account may not confirm it.
        """
        self.custody.book.confirm(self.custody.confirmation(model, digest, account))
        for history in self.index.find():
            subject = history.request.subject
            if history.awaits_evaluation and (subject.model, subject.snapshot) == (model, digest):
                self.evaluate_later(history.request.request_id)
        return self._named(model, digest)

    def why_not(self, model: str, digest: str, account: str) -> str | None:
        """Return why the person behind an account may not confirm a snapshot, or need not; None if they may.

        Raises:
            UnknownReference: nobody handed it in for this model.
        """
        try:
            given = self.custody.confirmation(model, digest, account)
        except NotEligible as err:
            return err.reason
        known = (each for each in self.custody.book.confirmations(digest) if each.model == model)
        return f"{given.person} has confirmed them." if any(each.person == given.person for each in known) else None

    def _named(self, model: str, digest: str) -> SnapshotView:
        handed_in = [row for row in self.custody.book.handed_in(model) if row.digest == digest]
        if not handed_in:
            raise UnknownReference("snapshot", digest, REMEDY, field="snapshot")
        return self._view(model, digest, handed_in)

    def _view(self, model: str, digest: str, handed_in: Sequence[HandedIn]) -> SnapshotView:
        roles, directory = self.custody.roles(model), self.custody.rules.directory()
        rule = CustodyRule(roles, frozenset(self.custody.snapshots.custodians(digest)))
        return SnapshotView(
            digest=digest,
            model=model,
            handed_in=tuple(row for row in handed_in if row.digest == digest),
            confirmed=tuple(each for each in self.custody.book.confirmations(digest) if each.model == model),
            roles=tuple(sorted(roles)),
            could=tuple(person.name for person in rule.free(directory)),
        )

    def _described(self, model: str, digest: str) -> RowsDescribed | str:
        """Return what it holds, or the sentence that says why nothing can be measured on it."""
        plan = self.custody.plans.plan(model)
        known = self._known.get((digest, plan.digest))
        if known is not None:
            return known
        path = self.custody.snapshots.path(digest)

        def look() -> RowsDescribed | str:
            try:
                return self.evaluator.describe(plan, path, digest)
            except HandrailError as err:
                return str(err)

        found = self.readings.outcome(f"describe {digest} {plan.digest}", f"the snapshot {digest}", look)
        if isinstance(found, RowsDescribed):
            while len(self._known) >= MOST_REMEMBERED:
                self._known.pop(next(iter(self._known)), None)
            self._known[digest, plan.digest] = found
        return found
