"""Which person an account belongs to, and in which roles. Persons decide; accounts only name them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

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
    """Someone with accounts on the MLflow server and roles that policies name."""

    name: str
    accounts: frozenset[str]
    roles: frozenset[str]

    def shares_account_with(self, accounts: Iterable[str]) -> bool:
        """Say whether one of the accounts is this person's, spelling variants included."""
        return not {folded(account) for account in self.accounts}.isdisjoint(folded(account) for account in accounts)


@dataclass(frozen=True, slots=True)
class Directory:
    """The persons that the gates know, at one moment."""

    persons: tuple[Person, ...]

    def person_behind(self, account: str) -> Person | None:
        """Return the person with exactly this account; another spelling belongs to nobody."""
        return next((person for person in self.persons if account in person.accounts), None)
