"""Who decides about a request: what each step needs, who gave it, who could, who never counts; and what one may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.judging import Verdict, progress_of
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.quorum import Quorum, seats
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.short_requests import NEEDED
from handrail.approvals.ports import RuleBook
from handrail.approvals.service.eligibility import eligible, policy_of, refuse_answer
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.rules_once import RulesOnce
from handrail.errors import HandrailError

ENDED = (Verdict.REFUSED, Verdict.VOID, Verdict.REJECTED, Verdict.PROMOTED)


@dataclass(frozen=True, slots=True)
class Place:
    """Approvals of one role in one step: how many are needed, which count, and the persons who could give others."""

    role: str
    needed: int
    given: tuple[Decided, ...]
    could: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many approvals are still missing."""
        return max(self.needed - len(self.given), 0)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        given = [{"person": each.person, "at": each.at.isoformat(), "reason": each.reason} for each in self.given]
        return {"role": self.role, "needed": self.needed, "given": given, "could": list(self.could)}


@dataclass(frozen=True, slots=True)
class Reviewers:
    """The places of each step, the step that is open, from 0, and who holds a role of them and never counts, with why.

    `me` is the person behind the account that asks, None if nobody is; `roles` are those in which they would decide.
    `refusals` says for each answer why the account may not give it now; an answer that is not in it is possible.
    """

    steps: tuple[tuple[Place, ...], ...]
    step: int
    never: tuple[tuple[str, str], ...]
    me: str | None
    roles: tuple[str, ...]
    refusals: dict[Choice, str]
    is_maker: bool

    @property
    def may_decide(self) -> bool:
        """Whether the account may give an answer now that changes the outcome."""
        return any(choice not in self.refusals for choice in (Choice.APPROVE, Choice.REJECT))

    @property
    def missing(self) -> int:
        """How many approvals are missing in all steps together."""
        return sum(place.missing for step in self.steps for place in step)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "steps": [[place.to_json() for place in step] for step in self.steps],
            "step": self.step,
            "never": [{"person": person, "because": why} for person, why in self.never],
            "person": self.me,
            "roles": list(self.roles),
            "refusals": {str(choice): why for choice, why in self.refusals.items()},
        }


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Looks at requests with the eyes of one account."""

    rules: RuleBook

    def at_once(self) -> Reviewing:
        """Return one that reads the rules once, for a look at many requests."""
        return self if isinstance(self.rules, RulesOnce) else Reviewing(RulesOnce(self.rules))

    def person(self, account: str) -> Person | None:
        """Return the person behind an account, None if nobody is.

        Raises:
            Misconfigured: the roles cannot be read.
        """
        return self.rules.directory().person_behind(account)

    def names(self) -> Callable[[str], str]:
        """Return what names the person or service behind an account, with the account beside it.

        It returns the account alone where nobody is behind it, or the roles cannot be read.
        """
        try:
            directory = self.rules.directory()
        except HandrailError:
            return str
        return directory.named

    def of(self, view: RequestView, account: str) -> Reviewers | None:
        """Return who decides about a request, None where it has no policy any more or the rules cannot be read."""
        once, history = self.at_once(), view.history
        try:
            policy, directory = policy_of(once.rules, history), once.rules.directory()
        except HandrailError:
            return None
        me = directory.person_behind(account)
        able = {person.name: _why_never(once.rules, history, person) for person in _concerned(policy, directory)}
        progress = progress_of(history, policy, directory)
        made = (*history.request.authors, history.request.requester)
        return Reviewers(
            steps=tuple(_steps(history, policy, directory, able, {each.name for each in progress.counted})),
            step=progress.step,
            never=tuple((name, why) for name, why in able.items() if why),
            me=me.name if me else None,
            roles=tuple(sorted(me.roles & policy.concerned)) if me else (),
            refusals=once._refusals(view, account),
            is_maker=me is not None and directory.answers_for_one(me, made),
        )

    def _refusals(self, view: RequestView, account: str) -> dict[Choice, str]:
        verdict = view.judgement.verdict
        if verdict in ENDED:
            return dict.fromkeys(Choice, f"The request is {verdict}.")
        refusals: dict[Choice, str] = {}
        for choice in Choice:
            try:
                eligible(self.rules, view.history, account)
                refuse_answer(self.rules, view.history, account, choice)
            except NotEligible as err:
                refusals[choice] = err.reason
            except HandrailError as err:
                refusals[choice] = str(err)
        return refusals


def _concerned(policy: Policy, directory: Directory) -> list[Person]:
    roles = policy.deciders | policy.may(Action.REJECT)
    return sorted((person for person in directory.persons if person.roles & roles), key=lambda person: person.name)


def _why_never(rules: RuleBook, history: History, person: Person) -> str:
    """Return why no account of the person may decide, an empty text if one may."""
    why = ""
    for account in sorted(person.accounts):
        try:
            eligible(rules, history, account)
        except NotEligible as err:
            why = err.reason
        else:
            return ""
    return why


def _steps(
    history: History, policy: Policy, directory: Directory, able: dict[str, str], counted: set[str]
) -> Iterator[tuple[Place, ...]]:
    persons = {person.name: person for person in directory.persons}
    approvals = [each for each in history.decisions if each.choice is Choice.APPROVE and each.person in counted]
    approvals.sort(key=history.events.index)
    waiting = [each.person for each in approvals]
    for quorum in policy.steps:
        here = [persons[name] for name in waiting if name in persons and persons[name].roles & set(quorum)]
        filled = seats(quorum, here)
        waiting = [name for name in waiting if not any(name in names for names in filled.values())]
        yield tuple(_places(history, quorum, filled, approvals, _free(able, persons.values(), counted)))


def _free(able: dict[str, str], persons: Iterable[Person], counted: set[str]) -> list[Person]:
    return [person for person in persons if not able.get(person.name, "-") and person.name not in counted]


def _places(
    history: History,
    quorum: Quorum,
    filled: dict[str, tuple[str, ...]],
    approvals: Sequence[Decided],
    free: Sequence[Person],
) -> Iterator[Place]:
    # A short request needs some approvals of whichever role, so its places are one.
    needed = NEEDED.get(history.request.subject.purpose) if history.request.subject.purpose else None
    if needed:
        could = tuple(sorted(person.name for person in free if person.roles & set(quorum)))
        yield Place(" or ".join(sorted(quorum)), needed, tuple(approvals[:needed]), could)
        return
    for role in sorted(quorum):
        given = tuple(each for each in approvals if each.person in filled.get(role, ()))
        could = tuple(sorted(person.name for person in free if role in person.roles))
        yield Place(role, quorum[role], given, could)
