"""Which person or service an account belongs to. Persons decide, in roles; a service never does, its owner answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from handrail.approvals.domain.signatures import PersonKey, key_with
from handrail.manifest import digest_of

RoleName = Literal[
    "business-stakeholder",
    "solution-architect",
    "data-scientist",
    "data-engineer",
    "software-engineer",
    "devops-engineer",
    "ml-engineer",
]
"""The seven roles of the MLOps reference architecture (Kreuzberger, Kühl, Hirschl 2022, section IV-C)."""


def folded(account: str) -> str:
    """Return the account without differences of case, width or composition: for denying, never for allowing."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", account).casefold()).strip()


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with accounts on the MLflow server and roles that policies name; `keys` sign their decisions."""

    name: str
    accounts: frozenset[str]
    roles: frozenset[str]
    keys: frozenset[PersonKey] = frozenset()

    def key(self, key_id: str) -> PersonKey | None:
        """Return the key of this person that has the id, None if it is none of theirs."""
        return key_with(key_id, self.keys)

    def shares_account_with(self, accounts: Iterable[str]) -> bool:
        """Say whether one of the accounts is this person's, spelling variants included."""
        return _share(self.accounts, accounts)


@dataclass(frozen=True, slots=True)
class Service:
    """A program with accounts on the MLflow server, such as a pipeline; `owner` is the person who answers for it."""

    name: str
    accounts: frozenset[str]
    owner: str


@dataclass(frozen=True, slots=True)
class Directory:
    """The persons and services that the gates know, at one moment."""

    persons: tuple[Person, ...]
    services: tuple[Service, ...] = ()

    def person_behind(self, account: str) -> Person | None:
        """Return the person with exactly this account; another spelling belongs to nobody."""
        return next((person for person in self.persons if account in person.accounts), None)

    def service_behind(self, account: str) -> Service | None:
        """Return the service with exactly this account."""
        return next((service for service in self.services if account in service.accounts), None)

    def answerable(self, account: str) -> Person | None:
        """Return the person who answers for what the account does: its own, or the owner of its service."""
        service = self.service_behind(account)
        if service is None:
            return self.person_behind(account)
        return next((person for person in self.persons if person.name == service.owner), None)

    def named(self, account: str) -> str:
        """Return the person or service behind an account with the account beside it, the account alone if none is."""
        if service := self.service_behind(account):
            return f"{service.name} ({account}) for {service.owner}"
        person = self.person_behind(account)
        return f"{person.name} ({account})" if person else account

    def accounts_of(self, name: str) -> tuple[str, ...]:
        """Return the accounts of the person or service of this name, in order; none if nobody has it."""
        accounts = {person.name: person.accounts for person in self.persons}
        accounts |= {service.name: service.accounts for service in self.services}
        return tuple(sorted(accounts.get(name, ())))

    def answers_for_one(self, person: Person, accounts: Iterable[str]) -> bool:
        """Say whether one of the accounts is the person's or of a service of theirs, spelling variants included."""
        named = tuple(accounts)
        owned = (service.accounts for service in self.services if service.owner == person.name)
        return person.shares_account_with(named) or any(_share(accounts, named) for accounts in owned)

    def digest_for(self, roles: Iterable[str], accounts: Iterable[str]) -> str:
        """Return `sha256:<hex>` over what is said of those who hold one of the roles or answer for an account.

        It changes whenever somebody else could decide, or by another key, or somebody else is taken for the maker, and
        with no other change of the directory.
        """
        wanted, named = frozenset(roles), tuple(accounts)
        concerned = [person for person in self.persons if person.roles & wanted or self.answers_for_one(person, named)]
        owners = {person.name for person in concerned}
        return digest_of(
            {
                "persons": {
                    person.name: {"accounts": sorted(person.accounts), "roles": sorted(person.roles & wanted)}
                    # Only where there are some: digests from before stay what they were.
                    | ({"keys": sorted(key.key_id for key in person.keys)} if person.keys else {})
                    for person in concerned
                },
                "services": {
                    service.name: {"accounts": sorted(service.accounts), "owner": service.owner}
                    for service in self.services
                    if service.owner in owners
                },
            }
        )


def _share(accounts: Iterable[str], others: Iterable[str]) -> bool:
    return not {folded(account) for account in accounts}.isdisjoint(folded(account) for account in others)
