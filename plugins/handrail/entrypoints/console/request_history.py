"""What happened to a request, one sentence an event, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from handrail.approvals import JUST_BEFORE, RequestView
from handrail.entrypoints.console.words import beside, listed

Row = dict[str, Any]
DID = {"approve": "approved", "reject": "rejected", "ask": "asked"}


def history_of(view: RequestView, named: Callable[[str], str] = str) -> list[Row]:
    """Return moment, sentence, and a person's own words of each event, oldest first.

    A decision has the moment just before it too, `shown_at`: what its person was shown. `named` gives the person
    behind an account.
    """
    row = view.to_json()
    made = f"Request opened by {named(row['requester'])}; made by {_names([named(each) for each in row['authors']])}."
    rows = [_event(row["opened_at"], made, row["reason"]), *_said(view, row), *_found(row), *_moved(view)]
    return sorted(rows, key=lambda event: str(event["at"]))


def _said(view: RequestView, row: Row) -> Iterator[Row]:
    if evaluated := row["evaluation"]:
        yield _event(evaluated["at"], evaluated["problem"] or "The gate measured the version itself.")
    for each in view.history.said:
        what = f"{beside(each.person, each.account)} {DID[str(each.choice)]}{_signed(each)}:"
        yield _event(each.at.isoformat(), what, each.reason) | {"shown_at": (each.at - JUST_BEFORE).isoformat()}
    for each in row["questions"]:
        if each["answer"] is not None:
            yield _event(each["answered_at"], f"{each['answered_by']} answered {each['person']}:", each["answer"])


def _found(row: Row) -> Iterator[Row]:
    for each in row["findings"]:
        what = f"{beside(each['by'], each['account'])} opened the finding {each['finding_id']}:"
        yield _event(each["opened_at"], what, each["text"])
        if not each["open"]:
            yield _event(each["closed_at"], f"{each['closed_by']} closed it:", each["closed_because"])


def _moved(view: RequestView) -> Iterator[Row]:
    bound = view.history.request.subject
    if done := view.history.done:
        moved = f"{bound.alias} of {bound.model} moved to version {bound.version}; the permit was signed."
        yield _event(done.at.isoformat(), moved)
    if voided := view.history.voided:
        yield _event(voided.at.isoformat(), f"It became void. {' '.join(voided.reasons)}")
    if revoked := view.history.revoked:
        what = f"{beside(revoked.person, revoked.account)} took the permit back:"
        yield _event(revoked.at.isoformat(), what, revoked.reason)


def _event(at: str, what: str, words: str = "") -> Row:
    return {"at": at, "what": what, "words": words, "shown_at": None}


def _names(names: list[str]) -> str:
    return listed(names) or "nobody who is recorded"


def _signed(decision: Any) -> str:
    return f", signed by {decision.signature.key_id}" if decision.signature else ""
