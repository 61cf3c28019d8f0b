"""The inbox, the page of a request, and what people send from it: decisions, answers, renewals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response

from handrail.approvals import Choice, Closed, NotAsShown, Purpose, RequestView, Reviewers, Wanted
from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import sentence_of
from handrail.entrypoints.console.inbox import inbox_page, list_page
from handrail.entrypoints.console.moments import read_past
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_short import ended_of
from handrail.entrypoints.console.request_shown import Problem, Sent, Shown
from handrail.entrypoints.http.problems import status_of
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest
from handrail.entrypoints.mlflow.app.messages import read_choice, read_number, read_query
from handrail.entrypoints.mlflow.app.pages.answers import base_of, not_recorded, read_form, read_words, respond, see
from handrail.entrypoints.mlflow.app.pages.around import alerts_about, slots_of
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk, readable_findings, reads
from handrail.entrypoints.mlflow.app.pages.emergencies import emergency_of
from handrail.entrypoints.mlflow.app.rights import account, may, require_model, require_runs, require_sources
from handrail.errors import Contradiction, HandrailError, Unavailable

YOURS = 5
"""How many of those that are the person's own stand apart."""
CLOSED = 20
"""How many closed requests the inbox shows; all of them are one link away."""


def inbox(desk: PageDesk) -> Response:
    """What waits for the person, for others, open findings, and what was decided lately."""
    read_query()
    unended = desk.unended()
    waiting = unended.waiting
    closed = sorted([*unended.closed, *desk.ended(CLOSED)], key=_opened_at, reverse=True)[:CLOSED]
    findings = readable_findings(desk.opened.gate.findings.listed(only_open=True))
    person, names = desk.opened.reviewing.person(account()), desk.opened.reviewing.names()
    seen = [(each.view, each.reviewers, each.is_mine) for each in waiting]
    yours, roles = _of(desk, closed)[:YOURS], _deciding(desk)
    page = inbox_page(seen, closed, findings, person, names, more=unended.more, yours=yours, deciding=roles)
    return respond(desk, page, Address.INBOX, waiting)


def _opened_at(view: RequestView) -> datetime:
    return view.history.request.opened_at


def _of(desk: PageDesk, views: Sequence[RequestView]) -> list[RequestView]:
    """Return those requests that the account's person asked for or whose version they made."""
    directory = desk.opened.reviewing.rules.directory()
    person = directory.person_behind(account())
    if person is None:
        return []
    asked = ((view, view.history.request) for view in views)
    return [view for view, one in asked if directory.answers_for_one(person, (*one.authors, one.requester))]


def _deciding(desk: PageDesk) -> frozenset[str] | None:
    """Return the roles that policies ask to decide, None where they cannot be read."""
    views = desk.opened.rules.views
    try:
        policies = views.read(views.in_force().rules).policies().values()
    except HandrailError:
        return None
    return frozenset(role for policy in policies for role in policy.concerned)


def listed(desk: PageDesk) -> Page:
    """Every request, latest first, page by page; `alias` and `state=open` are as in the JSON interface."""
    wanted = read_query("alias", "state", "before")
    before = desk.cursors.open(wanted.get("before", ""), "before")
    asked = Wanted(wanted.get("alias") or None, wanted.get("state") == "open", newest=True, reads=reads())
    views, on = desk.opened.gate.page(before, 50, asked)
    return list_page(views, None if on is None else desk.cursors.seal(on), wanted)


def shown(desk: PageDesk, request_id: str) -> Page:
    """Return the page of a request, as it is now or, with `as_of`, as it was at an earlier moment."""
    asked = read_query("said", "as_of")
    if as_of := asked.get("as_of", "").strip():
        return _as_of(desk, request_id, as_of)
    view = _readable(desk, request_id)
    return request_page(_shown(desk, view, said=_confirmed(desk, asked.get("said", ""), view)))


def _as_of(desk: PageDesk, request_id: str, as_of: str) -> Page:
    """Return what the ledger says of a request at a moment: a page on which nothing can be decided."""
    require_model(desk.opened.gate.records.model_of(request_id), "can_read", "Reading this request")
    moment = read_past(as_of, "as_of", system_time())
    past = desk.opened.past.request(request_id, moment)
    found = Shown(
        view=past.view,
        reviewers=past.reviewing.of(past.view, account()),
        evidence=desk.opened.gate.records.evidence(request_id),
        now=moment,
        named=past.reviewing.names(),
        past=past,
    )
    return request_page(found)


def decide(desk: PageDesk, request_id: str) -> Response:
    """Record a decision; what cannot be recorded comes back on the page, with the text kept."""
    form = read_form("decision", "reason", "seen", "token")
    view, sent = _readable(desk, request_id), Sent(choice=form["decision"], reason=form["reason"])
    try:
        desk.check(form["token"], _about_decision(request_id, form["seen"]))
        seen, choice, reason = (
            read_digest(form["seen"], "seen"),
            read_choice(form),
            read_words(form, "reason", "a reason"),
        )
        said_before = len(view.history.said)
        after = desk.opened.gate.decide(request_id, account(), choice, reason, seen=seen)
    except HandrailError as err:
        return _not_recorded(desk, request_id, sent, err)
    same = len(after.history.said) == said_before
    return see(_address(request_id, "same" if same else str(choice)))


def answer(desk: PageDesk, request_id: str) -> Response:
    """Record an answer to a question."""
    form = read_form("answer", "question", "token")
    _readable(desk, request_id)
    number = read_number(form, "question", 0, 10**6)
    try:
        desk.check(form["token"], _about_answer(request_id, number))
        desk.opened.gate.questions.answer(request_id, account(), read_words(form, "answer", "an answer"), number)
    except HandrailError as err:
        return _not_recorded(desk, request_id, Sent(answers={number: form["answer"]}), err)
    return see(_address(request_id, "answered"))


def renew(desk: PageDesk, request_id: str) -> Response:
    """Open a void request again."""
    form = read_form("token")
    old, action = _readable(desk, request_id).history.request, "Renewing a promotion request"
    try:
        desk.check(form["token"], f"renewal {request_id}")
        require_model(old.subject.model, "can_update", action)
        require_sources(old.subject.model, str(old.subject.version), action)
        require_runs((file.run_id for file in old.bound.values()), action)
        view = desk.opened.gate.renewals.renew(request_id, account(), None)
    except HandrailError as err:
        return _not_recorded(desk, request_id, Sent(), err)
    return see(_address(view.history.request.request_id, "renewed"))


def _readable(desk: PageDesk, request_id: str) -> RequestView:
    """Return a request that the account may read; the gate's own answer where it may not."""
    require_model(desk.opened.gate.records.model_of(request_id), "can_read", "Reading this request")
    return desk.opened.gate.request(request_id)


def _shown(desk: PageDesk, view: RequestView, said: dict[str, Any] | None = None, sent: Sent = Sent()) -> Shown:  # noqa: B008
    now, gate = system_time(), desk.opened.gate
    request_id = view.history.request.request_id
    evidence = gate.records.evidence(request_id)
    reviewers = desk.opened.reviewing.of(view, account())
    return Shown(
        view=view,
        reviewers=reviewers,
        evidence=evidence,
        now=now,
        changed=_changed(desk, view),
        tokens=_tokens(desk, view, reviewers),
        said=said,
        sent=sent,
        named=desk.opened.reviewing.names(),
        emergency=emergency_of(desk, view),
        wording=desk.wording(view.history.request.subject.model),
        behind=slots_of(desk, view),
        alerts=alerts_about(desk, view, evidence),
    )


def _changed(desk: PageDesk, view: RequestView) -> Mapping[str, Any] | None:
    """Return what changed since the champion; nothing for requests that bring no other files of a model."""
    subject = view.history.request.subject
    if (subject.purpose is not None or subject.adopts) and not subject.prompt:
        return None
    return desk.opened.differences.of(view.history.request.request_id).to_json()


def _tokens(desk: PageDesk, view: RequestView, mine: Reviewers | None) -> Mapping[str, str]:
    request_id, bound = view.history.request.request_id, view.history.request.subject
    tokens = {"decision": desk.token(_about_decision(request_id, view.seen))} if view.is_open else {}
    if mine is not None and mine.is_maker:
        numbers = [each.number for each in view.questions if each.is_open]
        tokens |= {f"answer-{number}": desk.token(_about_answer(request_id, number)) for number in numbers}
    if str(view.judgement.verdict) == "void" and may(bound.model, "can_update"):
        tokens["renewal"] = desk.token(f"renewal {request_id}")
    return tokens


def _about_decision(request_id: str, seen: str) -> str:
    return f"decision {request_id} {seen}"


def _about_answer(request_id: str, number: int) -> str:
    return f"answer {request_id} {number}"


def _address(request_id: str, said: str) -> str:
    return Address.REQUEST.to(base_of(), {"said": said}, request_id=request_id)


def _not_recorded(desk: PageDesk, request_id: str, sent: Sent, err: HandrailError) -> Response:
    """Return the page as it is now, with what was sent, why it was not recorded, and the status of the error."""
    title, lines, kind = "Nothing was recorded.", [sentence_of(err)], "bad"
    view = desk.opened.gate.request(request_id)
    if isinstance(err, NotAsShown | Closed) and (ended := ended_of(view)):
        title, lines = f"Nothing was recorded: the request {ended} before you sent this.", []
    elif isinstance(err, NotAsShown):
        title, kind = "Nothing was recorded: the request changed after you opened it.", "warn"
        lines = [*err.changes, "Read the difference, and send it again."]
    elif isinstance(err, Unavailable | Contradiction):
        title, kind = "It did not end as you asked.", "warn"
    status = int(status_of(err, in_body=True))
    again = Sent(Problem(title, tuple(lines), kind), sent.choice, sent.reason, sent.answers, status)

    def page() -> Page:
        return request_page(_shown(desk, view, sent=again))

    return not_recorded(desk, Address.INBOX, err, page)


def _confirmed(desk: PageDesk, said: str, view: RequestView) -> dict[str, Any] | None:
    """Return the sentence after a form was recorded, made of what is true now and not of the address alone."""
    row, bound = view.to_json(), view.history.request.subject
    me, author = account(), desk.opened.reviewing.names()(row["requester"])
    did = {each["decision"] for each in row["decisions"] if each["account"] == me}
    if said == str(Choice.APPROVE) and said in did and view.history.done:
        return {"title": f"{bound.model} {bound.version} is {bound.alias} now.", "text": "The permit is signed."}
    sentences = {
        "approve": ("Your approval is recorded.", "Others still have to decide.")
        if said in did and view.is_open
        else None,
        "reject": ("Your rejection is recorded.", "The request is closed.")
        if said in did and not view.is_open
        else None,
        "ask": ("Your question is recorded.", f"The alias waits for an answer of {author}.") if said in did else None,
        "same": ("You had said the same before.", "Nothing changed.") if did else None,
        "answered": ("The answer is recorded.", "Whoever asked can decide now.") if row["questions"] else None,
        "renewed": ("It is asked again.", "Reviewers see only what changed.") if row["renews"] else None,
        "rollback": ("It is asked for.", "The alias moves once another person has approved it.")
        if row["requester"] == me and bound.purpose is Purpose.ROLLBACK and view.is_open
        else None,
    }
    found = sentences.get(said)
    return {"title": found[0], "text": found[1]} if found else None
