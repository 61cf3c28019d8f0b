"""Requests with a short way: back to what was approved, and what one person does in an emergency and others confirm.

A rollback needs one approval. Breaking the glass needs one person of the role that the policy names; its permit is
short, and a confirmation by two other persons gives it a lasting one, or the gate reverts it by itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.people import Directory, Person, folded
from handrail.approvals.domain.policy import Policy, without_role
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.subject import Purpose, Subject
from handrail.approvals.domain.terms import Terms

NEEDED = {Purpose.ROLLBACK: 1, Purpose.CONFIRMATION: 2}
"""How many persons approve, of whichever of the roles."""


def emergency_name(model: str, version: int, alias: str) -> str:
    """Return what is signed about by whoever breaks the glass, when the request has no id yet."""
    return f"break-glass:{model}/{version}@{folded(alias)}"


def policy_for(subject: Subject, policy: Policy) -> Policy:
    """Return the policy with the roles that decide about this request, in one step."""
    if subject.purpose not in NEEDED:
        return policy
    roles = policy.may(Action.ROLL_BACK) if subject.purpose is Purpose.ROLLBACK else policy.deciders
    return replace(policy, quorum=dict.fromkeys(sorted(roles), 1), later=())


def why_no_breaking(account: str, directory: Directory, policy: Policy, authors: tuple[str, ...]) -> str | None:
    """Return why this account may not break the glass under the policy, or None if it may."""
    person = directory.person_behind(account)
    if person is None:
        return f"The account {account!r} belongs to no person in config/roles.yaml; persons break the glass."
    if refusal := without_role(person, "break the glass", policy.may(Action.BREAK_GLASS)):
        return refusal
    if not policy.glass.by_makers and directory.answers_for_one(person, authors):
        return f"{person.name} made the version; someone else with the role has to break the glass for it."
    return None


def is_signed(decision: Decided, person: Person, policy: Policy) -> bool:
    """Say whether a decision has a signature by a key that its person has now, where the policy wants one.

    Whether the signature holds is verified before a decision is stored.
    """
    return not policy.signed or (decision.signature is not None and person.key(decision.signature.key_id) is not None)


def broken_by(history: History, directory: Directory, policy: Policy) -> tuple[Decided, ...]:
    """Return the word of the person who breaks the glass, nothing if it was not given."""
    person = directory.person_behind(history.request.requester)
    said = (
        each for each in history.decisions if person and each.person == person.name and is_signed(each, person, policy)
    )
    return tuple(each for each in said if each.choice is Choice.APPROVE)


def carried(history: History) -> tuple[Decided, ...]:
    """Return the approvals by which the version that the gate reverts to was promoted before."""
    begun = history.reverting
    rows = begun.approvals if begun else ()
    return tuple(
        Decided(datetime.fromisoformat(row["at"]), row["account"], row["person"], Choice.APPROVE, "approved before")
        for row in rows
    )


def terms_for(subject: Subject, policy: Policy, terms: Terms, issued: datetime) -> Terms:
    """Return the terms of the permit: they end soon if the glass was broken."""
    if subject.purpose is not Purpose.BREAK_GLASS:
        return terms
    return replace(terms, expires=min(terms.expires, issued + timedelta(hours=policy.glass.hours)))
