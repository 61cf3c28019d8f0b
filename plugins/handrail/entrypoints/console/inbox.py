"""The inbox: what waits for a person, for others, open findings, and what was decided lately; and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from handrail.approvals import Choice, Finding, RequestView, Reviewers
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_cases import cases_of
from handrail.entrypoints.console.request_questions import to_answer
from handrail.entrypoints.console.request_rules import rule_rows
from handrail.entrypoints.console.request_short import question_of, state_of
from handrail.entrypoints.console.words import counted, listed

Row = dict[str, Any]
Seen = tuple[RequestView, Reviewers | None, bool]


class Named(Protocol):
    """A person as pages name them."""

    @property
    def name(self) -> str:
        """Their name."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles that they hold."""


def inbox_page(  # noqa: PLR0913 - what an inbox shows
    waiting: Sequence[Seen],
    closed: Sequence[RequestView],
    findings: Sequence[Finding],
    person: Named | None,
    named: Callable[[str], str] = str,
    *,
    more: bool = False,
    yours: Sequence[RequestView] = (),
    deciding: frozenset[str] | None = None,
) -> Page:
    """Return the inbox of a person, None for an account that belongs to nobody.

    Args:
        waiting: open requests, latest first, with who decides, and whether they wait for this person.
        closed: requests that were decided, latest first.
        findings: open ones.
        person: who looks.
        named: gives the person behind an account.
        more: whether there are older open requests than those that are given.
        yours: those of the closed ones that the person asked for or made.
        deciding: the roles that policies ask to decide, None where that is not known.
    """
    mine = [open_row(view, reviewers, named) for view, reviewers, is_mine in waiting if is_mine]
    rest = [(view, reviewers) for view, reviewers, is_mine in waiting if not is_mine]
    asked = [_asked(view, each) for view, reviewers in rest for each in to_answer(view, reviewers)]
    title = _title(len(mine), len(asked), more=more)
    roles = sorted(person.roles) if person else []
    decides = [role for role in roles if deciding is None or role in deciding]
    facts = {
        "title": title,
        "person": person.name if person else None,
        "roles": roles,
        "decides": decides,
        "lede": _lede(roles, decides, known=person is not None),
        "mine": mine,
        "asked": asked,
        "others": [open_row(*each, named) for each in rest if not to_answer(*each)],
        "yours": [closed_row(view) for view in yours],
        "more": more,
        "findings": [finding.to_json() for finding in findings],
        "closed": [closed_row(view) for view in closed],
    }
    return Page("inbox.html", title, facts)


def list_page(views: Sequence[RequestView], on: str | None, wanted: Mapping[str, str]) -> Page:
    """Return a page of all requests, latest first; `on` says where it goes on, None at the end."""
    rows = [closed_row(view) for view in views]
    query = {name: value for name, value in wanted.items() if name != "before"}
    facts = {"rows": rows, "next": None if on is None else query | {"before": on}, "wanted": dict(wanted)}
    return Page("requests.html", "All requests", facts)


def open_row(view: RequestView, reviewers: Reviewers | None, named: Callable[[str], str] = str) -> Row:
    """Return an open request as the inbox shows it: one line of result, and who is missing."""
    bound, row = view.history.request.subject, view.to_json()
    rules = rule_rows(view)
    cases = cases_of(row["evaluation"], bound)
    approved = [each["person"] for each in row["decisions"] if each["decision"] == "approve"]
    missing = [
        f"{place.role} ({listed(list(place.could), 'or') or 'nobody named'})"
        for step in (reviewers.steps if reviewers else ())
        for place in step
        if place.missing
    ]
    return {
        "request_id": row["request_id"],
        "question": question_of(view),
        "state": state_of(view, reviewers, named),
        "result": _result(view, rules, cases),
        "asked_by": named(row["requester"]),
        "reason": row["reason"],
        "opened_at": row["opened_at"],
        "approved": approved,
        "missing": missing,
    }


def closed_row(view: RequestView) -> Row:
    """Return a request as a line of a table."""
    row, rules = view.to_json(), rule_rows(view)
    ended = [each.at for each in (view.history.done, view.history.voided) if each]
    decided = [each.at for each in view.history.decisions]
    state = state_of(view, None)
    unmet = [each for each in rules if not each["met"]]
    why = "; ".join(f"{each['label']} {each['value_text']}, limit {each['limit_text']}" for each in unmet[:2])
    refused = state["verdict"] == "refused"
    return {
        "request_id": row["request_id"],
        "question": question_of(view),
        "what": f"{row['model']} {row['version']} as {row['alias']}",
        "state": state,
        "why": why if refused and why else _why(view, rules),
        "by": "the policy, at once" if refused else _decided_by(view),
        "at": max([*ended, *decided], default=view.history.request.opened_at).isoformat(),
    }


def _title(requests: int, questions: int, *, more: bool) -> str:
    """Return how much waits for the person."""
    counts = ((requests, "request"), (questions, "question"))
    parts = [counted(count, what) for count, what in counts if count]
    if not parts:
        return "Nothing waits for you"
    return f"{'At least ' * more}{listed(parts)} {'waits' if requests + questions == 1 else 'wait'} for you"


def _asked(view: RequestView, question: Row) -> Row:
    """Return a question that the person has to answer, as a line of the inbox."""
    about = {"request_id": view.history.request.request_id, "about": question_of(view)}
    return about | {name: question[name] for name in ("number", "person", "question", "at")}


def _decided_by(view: RequestView) -> str:
    """Return who decided how; where it was not approved, approvals are named as what did not carry."""
    decisions = view.history.decisions
    approved = [each.person for each in decisions if each.choice is Choice.APPROVE]
    rejected = [each.person for each in decisions if each.choice is Choice.REJECT]
    if str(view.judgement.verdict) == "promoted":
        return listed([each.person for each in view.judgement.approvers] or approved) or "–"
    ended = [f"{listed(rejected)} rejected"] if rejected else []
    return "; ".join([*ended, *([f"{listed(approved)} had approved"] if approved else [])]) or "–"


def _why(view: RequestView, rules: Sequence[Row]) -> str:
    if reasons := view.judgement.reasons:
        return reasons[0]
    if str(view.judgement.verdict) == "promoted" and rules:
        return "The one rule was met." if len(rules) == 1 else f"All {len(rules)} rules were met."
    return view.history.request.reason


def _result(view: RequestView, rules: Sequence[Row], cases: Row) -> str:
    if view.waits:
        return "It waits for another person to confirm the labelled rows."
    if str(view.judgement.verdict) == "evaluating":
        return "The server is measuring it."
    met = sum(1 for row in rules if row["met"])
    said = (
        [f"All {len(rules)} rules met." if met == len(rules) else f"{met} of {len(rules)} rules met."] if rules else []
    )
    if cases["against"]:
        main = next((row for row in cases["measures"] if row["name"] == cases["main"]), None)
        if main and main["delta_text"]:
            said.append(f"Against the champion: {main['label']} {main['delta_text']} ({main['interval_text']}).")
    elif cases["measures"]:
        main = cases["measures"][0]
        said.append(f"{main['label']} {main['candidate_text']} ({main['interval_text']}).")
    return " ".join(said)


def _lede(roles: Sequence[str], decides: Sequence[str], *, known: bool) -> str:
    if not known:
        return (
            "Your account belongs to nobody in the roles, so nothing waits for you. You can read what MLflow lets you."
        )
    if not roles:
        return "You hold no role, so nothing waits for you."
    if not decides:
        return (
            f"No policy asks your role, {listed(list(roles))}, to decide. Questions about what you made or asked for "
            "stand here."
        )
    return f"You decide as {listed(list(decides))}. What you made or asked for yourself never waits for you."
