"""What rules need from the world: where texts of policies and roles come from, and the records of what is in force."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from handrail.approvals.domain.events import Decided
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.rule_changes import ChangeHistory, RuleChange, RulesInForce


@dataclass(frozen=True, slots=True)
class RuleText:
    """A text that people wrote, and what messages call the place where it stands."""

    place: str
    content: str


class RuleTexts(Protocol):
    """The texts of policies, roles and objectives as they stand now; a changed one counts at the next call."""

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Return the name of each policy, in order. One that is listed may still be unreadable."""

    @abstractmethod
    def policy(self, name: str) -> RuleText:
        """Return the text of a policy of `names`.

        Raises:
            Misconfigured: it is gone by now, or cannot be read.
        """

    @abstractmethod
    def roles(self) -> RuleText:
        """Return the text that says who is who.

        Raises:
            Misconfigured: it is missing, or cannot be read.
        """

    @abstractmethod
    def objectives(self) -> RuleText:
        """Return the text that says what the business wants in figures.

        Raises:
            Misconfigured: it is missing, or cannot be read.
        """

    @abstractmethod
    def place(self) -> str:
        """Return what messages call the place of all policies."""

    @abstractmethod
    def strays(self) -> Sequence[str]:
        """Return, in order, what lies among the policies and is not read as one; nothing may be taken for a policy."""


class RuleRecords(Protocol):
    """Which rules were in force since when, and what was proposed and decided: append-only, durable and logged."""

    @abstractmethod
    def in_force(self) -> RulesInForce | None:
        """Return the rules that are in force; None before the first start.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """

    @abstractmethod
    def all_in_force(self) -> Sequence[RulesInForce]:
        """Return all rules that were ever in force, oldest first.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """

    @abstractmethod
    def take(self, taken: RulesInForce) -> None:
        """Bring rules into force that nobody decided about, as the number that they have.

        Raises:
            MovedMeanwhile: another process has brought others into force; nothing was stored.
        """

    @abstractmethod
    def open(self, change: RuleChange) -> ChangeHistory:
        """Store the proposal unless its id is there already; return what is stored."""

    @abstractmethod
    def append(self, history: ChangeHistory, decision: Decided, adopted: RulesInForce | None) -> ChangeHistory:
        """Store one more decision after exactly those in `history`, and with it, if it decides, the rules in force.

        All is stored, or nothing.

        Raises:
            MovedMeanwhile: there are other decisions, or other rules in force, by now; nothing was stored.
        """

    @abstractmethod
    def load(self, change_id: str) -> ChangeHistory:
        """Return a proposal with its decisions.

        Raises:
            UnknownReference: there is none.
            LogMismatch: what is stored is not what was logged.
        """

    @abstractmethod
    def changes(self) -> Sequence[ChangeHistory]:
        """Return everything that was proposed, oldest first, to be looked at."""


class Readable(Protocol):
    """What texts of rules say."""

    @abstractmethod
    def check(self) -> object:
        """Read everything once.

        Raises:
            Misconfigured: something cannot be used.
        """

    @abstractmethod
    def policies(self) -> Mapping[str, Policy]:
        """Return every policy by the name of its text."""

    @abstractmethod
    def directory(self) -> Directory:
        """Return persons and services."""
