"""The questions about a request, with their answers: what is asked, who has to answer, and whether that is news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.approvals import Choice, RequestView, Reviewers
from handrail.entrypoints.console.request_shown import Shown
from handrail.entrypoints.console.words import listed

Row = dict[str, Any]


def answerers_of(view: RequestView, named: Callable[[str], str] = str) -> str:
    """Return who may answer a question about a request: whoever asked for or made the version."""
    request = view.history.request
    accounts = dict.fromkeys((request.requester, *request.authors))
    return listed([named(each) for each in accounts], "or")


def open_askers(view: RequestView) -> list[str]:
    """Return whose questions wait for an answer, each person once."""
    return list(dict.fromkeys(each.asked.person for each in view.questions if each.is_open))


def to_answer(view: RequestView, reviewers: Reviewers | None) -> list[Row]:
    """Return the open questions that wait for the person who looks, because they asked for or made the version."""
    if reviewers is None or not reviewers.is_maker or not view.is_open:
        return []
    return [each.to_json() for each in view.questions if each.is_open]


def questions_of(shown: Shown) -> list[Row]:
    """Return every question, oldest first, with its answer, who answers, and the form for whoever may.

    `fresh` says that it stands above the decision: it waits for an answer, or whoever asked has not decided since.
    """
    view = shown.view
    asking = {each.person for each in view.history.decisions if each.choice is Choice.ASK}
    whom = answerers_of(view, shown.named)
    rows = []
    for each in (question.to_json() for question in view.questions):
        number = int(each["number"])
        fresh = each["open"] or (view.is_open and each["person"] in asking)
        form = {"token": shown.tokens.get(f"answer-{number}", ""), "text": shown.sent.answers.get(number, "")}
        rows.append(each | form | {"of": whom, "fresh": fresh})
    return rows


def answered_for(shown: Shown) -> Row | None:
    """Return the notice to a person whose question was answered and who has not decided since; None for others."""
    me = shown.reviewers.me if shown.reviewers else None
    mine = [each for each in questions_of(shown) if each["fresh"] and each["person"] == me]
    if not mine or shown.past is not None or any(each["open"] for each in mine):
        return None
    last = mine[-1]
    return {
        "kind": "info",
        "title": "Your question is answered. The request waits for your decision.",
        "lines": [f"{last['answered_by']}: “{last['answer']}”"],
    }
