"""Who answers beside the champion of a slot, and how it ended for those before: rows of the page of deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handrail.delivery import CHAMPION, Change, End, Role, Slot, Splits

Row = dict[str, Any]
MOST_ENDED = 5
MOST_CHANGES = 50
SAYS = {
    Role.SHADOW: "in shadow: recorded, shown to nobody",
    Role.CANARY: "canary: its share grows",
    Role.VARIANT: "variant: its share stays, to be compared",
}
KINDS = {End.PROMOTED: "good", End.ROLLED_BACK: "bad", End.INCONCLUSIVE: "flat", End.ERRORED: "bad"}


def beside(splits: Splits, slot: Slot, reads: Callable[[str], bool], named: Callable[[str], str]) -> Row:
    """Return the challengers of a slot that a person may read, the last ends, and the champion's share.

    Args:
        splits: what was recorded of all slots.
        slot: the slot.
        reads: whether the person may read a model, by the URI of its version.
        named: gives the person behind an account.
    """
    changes = splits.changes(slot, MOST_CHANGES)
    split = changes[0].split if changes else None
    mine = [each for each in split.challengers if reads(each.model_version)] if split else []
    rows = [
        {
            "name": each.name,
            "role": each.role.value,
            "says": SAYS[each.role],
            "share": each.share,
            "model_version": each.model_version,
            "tree_digest": each.tree_digest,
            "deployment": each.deployment,
            "alias": each.alias,
        }
        | _since(changes, each.name, named)
        for each in mine
    ]
    return {
        "champion": split.shares()[CHAMPION] if split else 1.0,
        "rows": rows,
        "hidden": len(split.challengers) - len(mine) if split else 0,
        "ended": [row for row in (_ended(changes, at, reads, named) for at in range(len(changes))) if row][:MOST_ENDED],
    }


def _since(changes: Sequence[Change], name: str, named: Callable[[str], str]) -> Row:
    """Return since when a challenger has its share, who gave it, and why; `changes` are the newest first."""
    share = None
    found: Change | None = None
    for change in changes:
        theirs = next((each.share for each in change.split.challengers if each.name == name), None)
        if theirs is None or (share is not None and theirs != share):
            break
        share, found = theirs, change
    assert found is not None
    return {"since": found.at.isoformat(), "by": named(found.by), "reason": found.reason}


def _ended(changes: Sequence[Change], at: int, reads: Callable[[str], bool], named: Callable[[str], str]) -> Row | None:
    """Return how a challenger ended by a change, None if none did or the person may not read its model."""
    change = changes[at]
    before = changes[at + 1].split if at + 1 < len(changes) else None
    who = next((each for each in before.challengers if each.name == change.ended), None) if before else None
    if change.end is None or who is None or not reads(who.model_version):
        return None
    return {
        "name": change.ended,
        "model_version": who.model_version,
        "role": who.role.value,
        "share": who.share,
        "end": change.end.value,
        "kind": KINDS[change.end],
        "at": change.at.isoformat(),
        "by": named(change.by),
        "reason": change.reason,
    }
