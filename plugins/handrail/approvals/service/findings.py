"""Opening and closing findings, and which of them shut the gate for a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.approvals.domain.errors import MovedMeanwhile, NotEligible
from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.findings import Finding, FindingClosed, FindingOpened, Severity, findings_in
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.subject import Subject
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Registry, RequestIndex, RuleBook
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
        by = self._name_behind(account)
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
            person = self._closer(found, account)
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

    def found(self, finding_id: str) -> Finding:
        """Return a finding.

        Raises:
            UnknownReference: there is none.
        """
        found = next((each for each in self.listed() if each.opened.finding_id == finding_id), None)
        if found is None:
            raise UnknownReference("finding", finding_id, "List them with 'handrail approvals finding list'.")
        return found

    def _name_behind(self, account: str) -> str:
        directory = self.rules.directory()
        known = directory.service_behind(account) or directory.person_behind(account)
        if known is None:
            reason = f"The account {account!r} belongs to nobody in config/roles.yaml; name its person or service."
            raise NotEligible(account, "a finding", reason)
        return known.name

    def _closer(self, finding: Finding, account: str) -> str:
        """Return the name of the person who may close it."""
        finding_id, directory = finding.opened.finding_id, self.rules.directory()
        person = directory.person_behind(account)
        if person is None:
            services = f"{account!r} belongs to no person in config/roles.yaml; services open findings and close none."
            raise NotEligible(account, finding_id, services)
        concerned = self._concerned(finding)
        for alias in sorted(_aliases(finding, concerned)):
            roles = self.rules.policy(finding.opened.model, alias).deciders
            if not person.roles & roles:
                needed = ", ".join(sorted(roles))
                reason = f"{person.name} holds none of the roles that decide about {alias!r}: {needed}."
                raise NotEligible(account, finding_id, reason)
        for history in concerned:
            request = history.request
            if directory.answers_for_one(person, [*request.authors, request.requester]):
                reason = f"{person.name} made or asked for {request.label}, which it is about; another has to close it."
                raise NotEligible(account, finding_id, reason)
        if not concerned and finding.opened.alias is None:
            reason = f"No promotion of {finding.opened.model!r} was asked for yet, so no policy says who closes it."
            raise NotEligible(account, finding_id, reason)
        return person.name

    def _concerned(self, finding: Finding) -> list[History]:
        """Return the requests that it shuts out, and those whose version is served."""
        served = {row.request_id for row in self.index.promoted()}
        return [
            history
            for history in self.index.find(alias=finding.opened.alias)
            if finding.concerns(history.request.subject)
            and (history.request.request_id in served or not (history.done or history.voided or _is_rejected(history)))
        ]


def shutting(book: FindingBook, subject: Subject) -> tuple[Finding, ...]:
    """Return the findings about what a request asks for, open or closed, oldest first."""
    return tuple(finding for finding in findings_in(book.events(subject.model)) if finding.concerns(subject))


def why_shut(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return a sentence for each finding that is open."""
    return tuple(finding.sentence for finding in findings if finding.is_open)


def _aliases(finding: Finding, concerned: Sequence[History]) -> set[str]:
    named = finding.opened.alias
    return {named} if named is not None else {history.request.subject.alias for history in concerned}


def _is_rejected(history: History) -> bool:
    return any(decision.choice is Choice.REJECT for decision in history.decisions)
