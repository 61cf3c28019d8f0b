"""Opening and closing findings, and which of them shut the gate for a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.findings import Finding, FindingClosed, FindingOpened, Severity, findings_in
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.subject import Subject
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Registry, RequestIndex, RuleBook
from handrail.approvals.service.finding_rights import FindingRights
from handrail.clock import Clock
from handrail.errors import Refused, UnknownReference
from handrail.manifest import digest_of

ATTEMPTS = 10
MOST_OPEN = 50
"""How many findings about one model an account may have open."""


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody found; without a version or an alias it is about each."""

    model: str
    text: str
    severity: Severity
    version: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Opens and closes findings. Every call may be repeated."""

    book: FindingBook
    index: RequestIndex
    registry: Registry
    rules: RuleBook
    clock: Clock

    @property
    def _rights(self) -> FindingRights:
        return FindingRights(self.index, self.rules)

    def listed(self, model: str | None = None, *, only_open: bool = False) -> tuple[Finding, ...]:
        """Return the findings about a model, or about all, oldest first for each."""
        models = self.book.models() if model is None else [model]
        found = (finding for name in models for finding in findings_in(self.book.events(name)))
        return tuple(finding for finding in found if finding.is_open or not only_open)

    def open(self, report: Report, account: str) -> Finding:
        """Open a finding; the same one that the account has open already is returned.

        Raises:
            UnknownReference: there is no such version.
            NotEligible: the account belongs to nobody in config/roles.yaml.
            Refused: the account has too many findings open about the model.
        """
        text = plain_text("text", report.text)
        alias = None if report.alias is None else folded(plain_text("alias", report.alias))
        version = None
        if report.version is not None:
            version = self.registry.candidate(report.model, report.version).version
        by = self._rights.name_behind(account)
        for _ in range(ATTEMPTS):
            events = self.book.events(report.model)
            mine = [each for each in findings_in(events) if each.is_open and each.opened.account == account]
            wanted = (text, report.severity, version, alias)
            for each in mine:
                if (each.opened.text, each.opened.severity, each.opened.version, each.opened.alias) == wanted:
                    return each
            if len(mine) >= MOST_OPEN:
                reason = f"{account!r} has {MOST_OPEN} findings about {report.model!r} open; let some be closed first."
                raise Refused("Opening a finding", (reason,))
            at, place = self.clock(), len(events)
            finding_id = "fi-" + digest_of([report.model, place, at.isoformat(), text]).removeprefix("sha256:")[:20]
            opened = FindingOpened(at, finding_id, report.model, text, report.severity, account, by, version, alias)
            try:
                self.book.append(report.model, place, opened)
            except MovedMeanwhile:
                continue
            return Finding(opened)
        raise MovedMeanwhile(f"findings about {report.model}")

    def close(self, finding_id: str, account: str, reason: str) -> Finding:
        """Close a finding with a reason; closing it again changes nothing.

        A person does, who holds a role that decides about each alias that it is about. Who opened it may; who made, or
        asked for, a version that it shuts out, or that it is about and is served, may not.

        Raises:
            UnknownReference: there is no such finding.
            NotEligible: the account may not close it.
        """
        reason = plain_text("reason", reason)
        for _ in range(ATTEMPTS):
            found = self.found(finding_id)
            if not found.is_open:
                return found
            person = self._rights.closer(found, account)
            model = found.opened.model
            closed = FindingClosed(self.clock(), finding_id, account, person, reason)
            events = self.book.events(model)
            if not next(each for each in findings_in(events) if each.opened.finding_id == finding_id).is_open:
                continue
            try:
                self.book.append(model, len(events), closed)
            except MovedMeanwhile:
                continue
            return Finding(found.opened, closed)
        raise MovedMeanwhile(finding_id)

    def closer(self, finding: Finding, account: str) -> str:
        """Return the name of the person behind an account that may close a finding.

        Raises:
            NotEligible: the account may not.
        """
        return self._rights.closer(finding, account)

    def found(self, finding_id: str) -> Finding:
        """Return a finding.

        Raises:
            UnknownReference: there is none.
        """
        found = next((each for each in self.listed() if each.opened.finding_id == finding_id), None)
        if found is None:
            raise UnknownReference("finding", finding_id, "List them with 'handrail approvals finding list'.")
        return found


def shutting(book: FindingBook, subject: Subject) -> tuple[Finding, ...]:
    """Return the findings about what a request asks for, open or closed, oldest first."""
    return tuple(finding for finding in findings_in(book.events(subject.model)) if finding.concerns(subject))


def why_shut(findings: Iterable[Finding], subject: Subject) -> tuple[str, ...]:
    """Return a sentence for each finding that keeps the alias where it is."""
    return tuple(finding.sentence for finding in findings if finding.shuts(subject))
