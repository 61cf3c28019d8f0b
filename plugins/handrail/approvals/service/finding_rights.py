"""Who may open a finding, and who may close it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.findings import Finding
from handrail.approvals.ports import RequestIndex, RuleBook


@dataclass(frozen=True, slots=True)
class FindingRights:
    """Judges accounts by the roles as they stand, and by the requests that a finding is about."""

    index: RequestIndex
    rules: RuleBook

    def name_behind(self, account: str) -> str:
        """Return the name of the person or service behind an account that may open one.

        Raises:
            NotEligible: the account belongs to nobody.
        """
        directory = self.rules.directory()
        known = directory.service_behind(account) or directory.person_behind(account)
        if known is None:
            reason = f"The account {account!r} belongs to nobody in config/roles.yaml; name its person or service."
            raise NotEligible(account, "a finding", reason)
        return known.name

    def closer(self, finding: Finding, account: str) -> str:
        """Return the name of the person behind an account that may close it.

        Raises:
            NotEligible: the account may not.
        """
        finding_id, directory = finding.opened.finding_id, self.rules.directory()
        person = directory.person_behind(account)
        if person is None:
            services = f"{account!r} belongs to no person in config/roles.yaml; services open findings and close none."
            raise NotEligible(account, finding_id, services)
        concerned = self._concerned(finding)
        for alias in sorted(_aliases(finding, concerned)):
            for roles in self._deciders(finding.opened.model, alias, concerned):
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

    def _deciders(self, model: str, alias: str, concerned: Sequence[History]) -> list[frozenset[str]]:
        """Return the roles that decide; before any request a name may be a model's or a prompt's, and both count."""
        sorts = {history.request.subject.prompt for history in concerned}
        sorts = sorts or {prompt for prompt in (False, True) if self.rules.protected(model, alias, prompt=prompt)}
        return [self.rules.policy(model, alias, prompt=prompt).deciders for prompt in sorted(sorts or {False})]

    def _concerned(self, finding: Finding) -> list[History]:
        """Return the requests that it shuts out, and those whose version is served."""
        served = {row.request_id for row in self.index.promoted()}
        return [
            history
            for history in self.index.find(alias=finding.opened.alias)
            if finding.concerns(history.request.subject)
            and (history.request.request_id in served or not (history.done or history.voided or _is_rejected(history)))
        ]


def _aliases(finding: Finding, concerned: Sequence[History]) -> set[str]:
    named = finding.opened.alias
    return {named} if named is not None else {history.request.subject.alias for history in concerned}


def _is_rejected(history: History) -> bool:
    return any(decision.choice is Choice.REJECT for decision in history.decisions)
