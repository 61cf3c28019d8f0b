"""What stands on top of a request's page as of an earlier moment: that it is the past, and who decided about it."""

from __future__ import annotations

from typing import Any

from handrail.approvals import Choice
from handrail.entrypoints.console.request_shown import Shown
from handrail.entrypoints.console.words import beside, when

DID = {Choice.APPROVE: "approved", Choice.REJECT: "rejected", Choice.ASK: "asked about"}


def banner_of(shown: Shown) -> dict[str, Any] | None:
    """Return the kind and the sentences about the moment that is shown; None if that is now."""
    past = shown.past
    if past is None:
        return None
    sentences = [
        f"{beside(each.person, each.account)} {DID[each.choice]} exactly these facts, {when(each.at)}: the decision "
        "carries their digest."
        for each in past.about
    ]
    made = past.made
    if made is None or made in past.about:
        return {"kind": "info", "sentences": sentences}
    who = f"{beside(made.person, made.account)} {DID[made.choice]} it just after this moment"
    if made.seen is None:
        why = f"{who}, and sent no digest of what was shown. These are the facts that the server would have shown."
        return {"kind": "info", "sentences": [*sentences, why]}
    why = (
        f"{who}, and the decision carries the digest of other facts: {made.seen}. Do not take these for what was shown."
    )
    return {"kind": "bad", "sentences": [*sentences, why]}
