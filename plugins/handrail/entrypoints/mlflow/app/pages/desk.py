"""What the pages of the MLflow server read, and the frame around them: who is there, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from flask import has_request_context, request
from mlflow.server import handlers

from handrail.approvals import Choice, Finding, RequestView, Reviewers, Wanted, Wording
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import OpenGate
from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.pages import Alert, Frame
from handrail.entrypoints.console.request_questions import open_askers, to_answer
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.console.words import when
from handrail.entrypoints.mlflow.app.counts import Counts
from handrail.entrypoints.mlflow.app.cursors import Cursors
from handrail.entrypoints.mlflow.app.rights import account, may
from handrail.errors import HandrailError

LEAVE = "logout"
"""What the token of the form that logs out is about."""
MOST_OPEN = 50
"""How many open requests are looked at for the count of those that wait for a person."""
MOST_WALKED = 20
"""How many times that many are looked through for open ones, where most are closed without an end."""
PLACES = (
    (Address.INBOX, "Requests"),
    (Address.TIMELINES, "Timeline"),
    (Address.TRACE, "Trace"),
    (Address.IMPACT, "Impact"),
    (Address.FEEDBACK, "Feedback"),
    (Address.DEPLOYMENTS, "Deployments"),
    (Address.HEALTH, "Health"),
    (Address.FINDINGS, "Findings"),
    (Address.RULES, "Rules"),
    (Address.LOG, "Log"),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request with who decides about it, as the account sees it."""

    view: RequestView
    reviewers: Reviewers | None

    @property
    def is_mine(self) -> bool:
        """Whether the person may decide, has not done so, and waits for no answer to a question of their own."""
        if self.reviewers is None or not self.reviewers.may_decide:
            return False
        me = self.reviewers.me
        decided = any(each.person == me and each.choice is not Choice.ASK for each in self.view.history.decisions)
        return not decided and me not in open_askers(self.view)

    @property
    def count(self) -> int:
        """How much of it waits for the person: a decision, or answers."""
        return 1 if self.is_mine else len(to_answer(self.view, self.reviewers))


@dataclass(frozen=True, slots=True)
class Unended:
    """The latest requests that were neither promoted nor became void, each judged once."""

    waiting: list[Waiting]
    """The open ones."""
    closed: list[RequestView]
    """The others, such as the rejected ones, as far back as the open ones reach."""
    more: bool
    """Whether there are older ones."""


@dataclass(frozen=True, slots=True)
class PageDesk:
    """The gate, the records, and what seals forms and cursors; one for a server."""

    opened: OpenGate
    platform: Platform
    forms: Forms
    server: str
    cursors: Cursors
    counts: Counts = field(default_factory=Counts)

    def waiting(self) -> int:
        """Return how much waits for the account; what a page of this server recorded counts at once, others soon."""
        return self.counts.of(account(), lambda: sum(each.count for each in self.unended().waiting))

    def unended(self) -> Unended:
        """Return the latest requests that have not ended and that the account may read; up to 50 of them are open."""
        wanted = Wanted(newest=True, reads=reads(), ended=False)
        seen: list[RequestView] = []
        before: int | None = 0
        count = walked = 0
        while before is not None and count < MOST_OPEN and walked < MOST_WALKED:
            views, before = self.opened.gate.page(before, MOST_OPEN - count, wanted)
            seen, count, walked = [*seen, *views], count + sum(view.is_open for view in views), walked + 1
        who, reviewing = account(), self.opened.reviewing.at_once()
        waiting = [Waiting(view, reviewing.of(view, who)) for view in seen if view.is_open]
        return Unended(waiting, [view for view in seen if not view.is_open], before is not None)

    def ended(self, most: int) -> Sequence[RequestView]:
        """Return the latest requests that were promoted or became void and that the account may read."""
        return self.opened.gate.page(0, most, Wanted(newest=True, reads=reads(), ended=True))[0]

    def wording(self, model: str) -> Wording:
        """Return what people call a model's answers; where no use case in force says so, neutral words."""
        try:
            return self.opened.plans.wording(model)
        except HandrailError:
            return Wording()

    def frame(self, here: Address, waiting: Sequence[Waiting] | None = None) -> Frame:
        """Return the frame of a page, for the account that is logged in."""
        who, now = account(), system_time()
        name, roles, base = who, tuple[str, ...](), str(handlers._add_static_prefix(""))
        alerts: list[Alert] = []
        try:
            alerts += self._alerts()
            if person := self.opened.reviewing.person(who):
                name, roles = person.name, tuple(sorted(person.roles))
            waits = self.waiting() if waiting is None else sum(each.count for each in waiting)
        except HandrailError as err:
            alerts.append(
                Alert("bad", "Nothing can be decided now: what was asked and decided cannot be read.", str(err))
            )
            waits = 0
        return Frame(
            now=now,
            me=name,
            roles=roles,
            server=self.server,
            base=base,
            here=here,
            places=PLACES,
            waiting=waits,
            alerts=tuple(alerts),
            leave=Address.LEAVE.to(base) if _by_password() else "",
            leave_by="get",
            token=self.forms.token(who, LEAVE, now),
        )

    def _alerts(self) -> Iterator[Alert]:
        base = str(handlers._add_static_prefix(""))
        for row in self.opened.watch.reported:
            if may(row.model, "can_read"):
                address = Address.TIMELINE.to(base, model=row.model, alias=row.alias)
                title = f"{row.alias} of {row.model} points where the gate did not move it."
                yield Alert("bad", title, row.sentence, address, "What the gate allowed, and when")
        for found in self.opened.gate.glass.in_force():
            asked, bound = found.history.request, found.history.request.subject
            if may(bound.model, "can_read"):
                address = Address.REQUEST.to(base, request_id=asked.request_id)
                who = self.opened.reviewing.names()(asked.requester)
                title = f"{bound.model} {bound.version} is {bound.alias} by break-glass, by {who} alone."
                ends = f"It ends {when(found.ends)} unless two others confirm it. “{asked.reason}”"
                yield Alert("bad", title, ends, address, "What was done, why, and who confirms it")

    def token(self, about: str) -> str:
        """Return a token for a form of the account that is logged in."""
        return self.forms.token(account(), about, system_time())

    def check(self, token: str, about: str) -> None:
        """Let a form pass that was made for this account and about that.

        Raises:
            Refused: it was not.
        """
        self.forms.check(token, account(), about, system_time())


def _by_password() -> bool:
    """Whether the browser sends a password with each call; only then can this server let it forget the login."""
    return has_request_context() and request.authorization is not None and request.authorization.type == "basic"


def reads() -> Callable[[str], bool]:
    """Return whether the account may read a model, which MLflow is asked once for each."""
    return cache(partial(may, level="can_read"))


def readable_findings(found: Sequence[Finding]) -> list[Finding]:
    """Return those findings that the account may read."""
    allowed = {model for model in {each.opened.model for each in found} if may(model, "can_read")}
    return [each for each in found if each.opened.model in allowed]
