"""What one account may do about an alias at once, a rollback or breaking the glass, and who else could."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import why_no_request
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.short_requests import NEEDED, why_no_breaking
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.ports import RuleBook


@dataclass(frozen=True, slots=True)
class UrgentWay:
    """Why the account may not go this way, None if it may; the persons who could, and those who approve it then.

    `needed` says how many of these have to. `roles` are those that the policy names for it, none where it names none.
    """

    refusal: str | None
    could: tuple[str, ...]
    roles: tuple[str, ...]
    approve: tuple[str, ...]
    needed: int

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        lists = {"could": list(self.could), "roles": list(self.roles), "approve": list(self.approve)}
        return {"refusal": self.refusal, **lists, "needed": self.needed}


@dataclass(frozen=True, slots=True)
class UrgentWays:
    """The two ways about one alias. A permit of an emergency is good for `hours`; `signed`: by its person's own key."""

    back: UrgentWay
    glass: UrgentWay
    hours: int
    signed: bool


def urgent_ways(rules: RuleBook, model: str, alias: str, account: str, *, prompt: bool = False) -> UrgentWays:
    """Return what an account may do about an alias of a model or a prompt, in its folded spelling.

    What the gate has to look at first, such as the makers of a version, may still refuse it.

    Raises:
        UnknownReference: the alias has no policy.
        Misconfigured: policy or roles cannot be used.
    """
    policy, directory = rules.policy(model, alias, prompt=prompt), rules.directory()

    def asks(who: str) -> str | None:
        return why_no_request(who, directory, policy)

    def breaks(who: str) -> str | None:
        return why_no_breaking(who, directory, policy, ())

    back = _way(asks, account, directory, policy.may(Action.REQUEST), policy.may(Action.ROLL_BACK), Purpose.ROLLBACK)
    glass = _way(breaks, account, directory, policy.may(Action.BREAK_GLASS), policy.deciders, Purpose.CONFIRMATION)
    return UrgentWays(back, glass, policy.glass.hours, policy.signed)


def _way(  # noqa: PLR0913 - what differs between the two
    why_not: Callable[[str], str | None],
    account: str,
    directory: Directory,
    roles: frozenset[str],
    approving: frozenset[str],
    approved_as: Purpose,
) -> UrgentWay:
    could = [each.name for each in directory.persons if any(why_not(one) is None for one in each.accounts)]
    me = directory.person_behind(account)
    approve = [each.name for each in directory.persons if each.roles & approving and each != me]
    return UrgentWay(
        why_not(account), tuple(sorted(could)), tuple(sorted(roles)), tuple(sorted(approve)), NEEDED[approved_as]
    )
