"""The rules as one look at many requests finds them: read once, and the same for each of them."""

from __future__ import annotations

from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.ports import RuleBook


class RulesOnce(RuleBook):
    """Keeps the promise of `RuleBook` as of the first time that each thing is asked; for one answer, never for longer.

    A ledger is asked at each call otherwise, which a page of fifty requests does hundreds of times.
    """

    def __init__(self, rules: RuleBook) -> None:
        """Ask these rules."""
        self._rules = rules
        self._policies: dict[tuple[str, str, bool], Policy] = {}
        self._directory: Directory | None = None

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether an alias has a policy, however spelt."""
        return self._rules.protected(model, alias, prompt=prompt)

    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        """Return the policy of an alias; one that is missing or cannot be used is asked for again.

        Raises:
            UnknownReference: it has none.
            Misconfigured: the policy cannot be used as it stands.
        """
        key = (model, alias, prompt)
        if key not in self._policies:
            self._policies[key] = self._rules.policy(model, alias, prompt=prompt)
        return self._policies[key]

    def directory(self) -> Directory:
        """Return the persons and their roles, and the services and their owners.

        Raises:
            Misconfigured: the roles cannot be used as they stand.
        """
        if self._directory is None:
            self._directory = self._rules.directory()
        return self._directory
