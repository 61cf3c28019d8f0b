"""What a person may do about a request: the form to decide with, or why there is none and who could."""

from __future__ import annotations

from typing import Any

from handrail.approvals import Choice, Purpose
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
    last = reviewers.missing == 1 and Choice.APPROVE not in refused
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
    view, reviewers = shown.view, shown.reviewers
    bound = view.history.request.subject
    author = shown.named(view.history.request.requester)
    last = reviewers is not None and reviewers.missing == 1
    needed = 0 if reviewers is None else reviewers.missing - 1
    more = f"{counted(needed, 'more approval')} {'is' if needed == 1 else 'are'} needed"
    if bound.purpose is Purpose.CONFIRMATION:
        lasts = f"{bound.model} {bound.version} gets an ordinary permit, and the emergency ends."
        ends = "Final. Nobody can confirm it any more, so the emergency ends with its short permit."
        waits = f"Recorded. {more} before the emergency ends."
        return [
            (Choice.APPROVE, "Approve", lasts if last else waits),
            (Choice.REJECT, "Reject", ends),
            (Choice.ASK, "Ask", f"A question to {author}. The confirmation waits until it is answered."),
        ]
    files = counted(len(view.history.request.manifest.files), "file")
    moves = f"The alias moves at once. A permit for exactly these {files} is signed."
    stays = f"{bound.model} {bound.incumbent} stays {bound.alias}" if bound.incumbent is not None else "nothing changes"
    waits = f"Recorded. {more} before the alias moves."
    return [
        (Choice.APPROVE, "Approve", moves if last else waits),
        (Choice.REJECT, "Reject", f"Final. The request closes; {stays}."),
        (Choice.ASK, "Ask", f"A question to {author}. The alias waits until it is answered."),
    ]


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
