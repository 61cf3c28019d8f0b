"""Labelled rows in the gate's custody: who handed them in, who confirmed them, and whose confirmation counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import without_role

CONFIRM = "confirm labelled rows"
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class HandedIn:
    """An account has handed in a snapshot of labelled rows, to measure a model on; `model` is empty if unknown."""

    digest: str
    model: str
    account: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        """Return account and moment as JSON values."""
        return {"account": self.account, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class RowsConfirmed:
    """A person answers for a snapshot too: that its rows and labels are what a model is to be measured on."""

    digest: str
    model: str
    account: str
    person: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        """Return person, account and moment as JSON values."""
        return {"person": self.person, "account": self.account, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class CustodyRule:
    """Who may confirm rows: a person with one of the roles who answers for none of the accounts in `involved`."""

    roles: frozenset[str]
    involved: frozenset[str]

    def why_not(self, account: str, directory: Directory) -> str | None:
        """Return why this account may not, or None if it may."""
        if service := directory.service_behind(account):
            return f"{account!r} is an account of the service {service.name!r}; services confirm nothing, persons do."
        person = directory.person_behind(account)
        if person is None:
            return f"The account {account!r} belongs to nobody in config/roles.yaml; a role has to be given there."
        if directory.answers_for_one(person, self.involved):
            return f"{person.name} handed them in, or made or asked for what is measured on them; it takes another."
        return without_role(person, CONFIRM, self.roles)

    def counted(self, confirmations: Iterable[RowsConfirmed], directory: Directory) -> tuple[str, ...]:
        """Return the persons whose confirmation counts by the roles as they stand, in order of name."""
        known = (each for each in confirmations if self.why_not(each.account, directory) is None)
        return tuple(sorted({each.person for each in known if _is_of(each, directory)}))

    def free(self, directory: Directory) -> tuple[Person, ...]:
        """Return the persons who could confirm, in order of name."""
        able = (
            person
            for person in directory.persons
            if any(self.why_not(account, directory) is None for account in person.accounts)
        )
        return tuple(sorted(able, key=lambda person: person.name))


def _is_of(confirmation: RowsConfirmed, directory: Directory) -> bool:
    person = directory.person_behind(confirmation.account)
    return person is not None and person.name == confirmation.person


def waiting_sentence(digest: str, custodians: Sequence[str], rule: CustodyRule, directory: Directory) -> str:
    """Say that a snapshot waits for a second person, and who that could be."""
    by = ", ".join(custodians)
    wanted = f"The labelled rows {digest}, which {by} handed in, wait for the confirmation of another person"
    able = [person.name for person in rule.free(directory)]
    if not able:
        roles = " or ".join(sorted(rule.roles))
        return f"{wanted}, and nobody in config/roles.yaml could give it: it needs a free {roles}."
    more = f" and {len(able) - MOST_NAMED} more" if len(able) > MOST_NAMED else ""
    return f"{wanted}: {', '.join(able[:MOST_NAMED])}{more} could, with 'handrail approvals snapshots confirm'."
