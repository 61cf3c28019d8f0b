"""What a person may do about a request: the form to decide with, or why there is none and who could."""

from __future__ import annotations

from typing import Any

from handrail.approvals import Choice, Purpose
from handrail.entrypoints.console.request_questions import answerers_of, open_askers
from handrail.entrypoints.console.request_shown import Shown
from handrail.entrypoints.console.words import counted, listed

Row = dict[str, Any]


def form_of(shown: Shown) -> Row | None:
    """Return the form to decide with; None for who may not decide now, and for the past."""
    reviewers, token = shown.reviewers, shown.tokens.get("decision", "")
    if reviewers is None or not token or not reviewers.may_decide:
        return None
    refused = reviewers.refusals
    choices = [
        {"value": str(choice), "name": name, "means": means}
        for choice, name, means in _choices(shown)
        if choice not in refused
    ]
    role = listed(list(reviewers.roles)) or "a person with a role"
    last = reviewers.missing == 1 and Choice.APPROVE not in refused and not open_askers(shown.view)
    whom = f"As {role}." + (" Yours is the last approval needed." if last else "")
    mine = next((each for each in shown.view.history.decisions if each.person == reviewers.me), None)
    if mine and mine.choice is Choice.APPROVE:
        whom = "You approved. You can still reject until the alias has moved."
        choices = [each for each in choices if each["value"] != "approve"]
    return {
        "token": token,
        "as_whom": whom,
        "choices": choices,
        "chosen": shown.sent.choice,
        "reason": shown.sent.reason,
    }


def _choices(shown: Shown) -> list[tuple[Choice, str, str]]:
    bound, whom = shown.view.history.request.subject, answerers_of(shown.view, shown.named)
    if bound.purpose is Purpose.CONFIRMATION:
        ends = "Final. Nobody can confirm it any more, so the emergency ends with its short permit."
        return [
            (Choice.APPROVE, "Approve", _approval(shown)),
            (Choice.REJECT, "Reject", ends),
            (Choice.ASK, "Ask", f"A question to {whom}. The confirmation waits until it is answered."),
        ]
    stays = f"{bound.model} {bound.incumbent} stays {bound.alias}" if bound.incumbent is not None else "nothing changes"
    return [
        (Choice.APPROVE, "Approve", _approval(shown)),
        (Choice.REJECT, "Reject", f"Final. The request closes; {stays}."),
        (Choice.ASK, "Ask", f"A question to {whom}. The alias waits until it is answered."),
    ]


def _approval(shown: Shown) -> str:
    """Return what an approval does now; one's own question ends with it, and another's holds it up."""
    view, reviewers = shown.view, shown.reviewers
    asking = open_askers(view)
    others = [name for name in asking if reviewers is None or name != reviewers.me]
    if others:
        return f"Counts once {answerers_of(view, shown.named)} has answered {listed(others)}. Nothing moves now."
    ends = "Your question ends without an answer. " if asking else ""
    bound, needed = view.history.request.subject, 0 if reviewers is None else reviewers.missing - 1
    confirms = bound.purpose is Purpose.CONFIRMATION
    if needed > 0:
        before = "the emergency ends" if confirms else "the alias moves"
        more = f"{counted(needed, 'more approval')} {'is' if needed == 1 else 'are'} needed"
        return f"{ends}Recorded. {more} before {before}."
    if confirms:
        return f"{ends}{bound.model} {bound.version} gets an ordinary permit, and the emergency ends."
    files = counted(len(view.history.request.manifest.files), "file")
    return f"{ends}The alias moves at once. A permit for exactly these {files} is signed.{_later(shown)}"


def _later(shown: Shown) -> str:
    """Say that a service that answers with another version of the model does so until its next deployment."""
    names = listed(sorted({f"{row['service']}" for row in shown.behind or ()}))
    return f" What answers in {names} changes with its next deployment." if names else ""


def why_not(shown: Shown) -> Row | None:
    """Return why there is no form where the request is open, and who could decide."""
    reviewers = shown.reviewers
    if shown.past is not None or form_of(shown) is not None or not shown.view.is_open:
        return None
    if reviewers is None:
        return {"title": "Nobody can decide now.", "lines": list(shown.view.judgement.reasons)}
    who = sorted({name for step in reviewers.steps for place in step for name in place.could})
    could = [f"It could be decided by {listed(who, 'or')}."] if who else []
    if reviewers.me is None:
        lines = ["Your account belongs to nobody in the roles; being an admin of MLflow gives no role.", *could]
        return {"title": "You have no role here.", "lines": lines}
    refusals = [why for choice, why in reviewers.refusals.items() if choice is not Choice.ASK]
    return {"title": "You can read this, but not decide.", "lines": [*dict.fromkeys(refusals), *could]}


def renewal_of(shown: Shown) -> Row | None:
    """Return the form that asks again for what became void."""
    token = shown.tokens.get("renewal", "")
    return {"token": token} if token and str(shown.view.judgement.verdict) == "void" else None
