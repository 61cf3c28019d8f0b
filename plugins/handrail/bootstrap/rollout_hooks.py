"""What is known of a challenger for the hooks of other systems: split, permits, and the last recorded comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_splits
from handrail.clock import parse_moment
from handrail.compared import read_comparisons
from handrail.delivery import Change, End, Role, Splitter, Standing
from handrail.errors import Refused, UnknownReference

__all__ = ["read_standing"]

MOST_CHANGES = 1_000


def read_standing(platform: Platform, service: str, name: str) -> Standing:
    """Return what is known of a challenger of a service, whether it is beside the champion or was.

    Raises:
        UnknownReference: the split of the service never had such a challenger.
        Misconfigured: no permit can be verified here.
    """
    splitter = open_splits(platform, service)
    changes = splitter.splits.changes(splitter.slot, MOST_CHANGES)
    found = next((each for change in changes for each in change.split.challengers if each.name == name), None)
    if found is None:
        raise UnknownReference("challenger", name, f"The service {service!r} never had one of that name.")
    now = changes[0].split
    here = next((each for each in now.challengers if each.name == name), None)
    end, reason = _end(changes, name) if here is None else (None, "")
    since = None if here is None or platform.settings.replay else splitter.since(name)
    return Standing(
        name=name,
        champion=splitter.use.alias,
        permitted=_permitted(splitter, found.tree_digest),
        verdicts=_verdicts(platform, service, name, here.role if here else None, since),
        role=here.role if here else None,
        share=here.share if here else None,
        ended=end,
        reason=reason,
    )


def _end(changes: Sequence[Change], name: str) -> tuple[End | None, str]:
    last = next((change for change in changes if change.ended == name), None)
    return (last.end, last.reason) if last else (None, "")


def _permitted(splitter: Splitter, tree_digest: str) -> frozenset[str]:
    """Return as which aliases a permit that verifies now allows the tree."""
    found = set()
    for alias in (Role.SHADOW.value, Role.CANARY.value, splitter.use.alias):
        try:
            splitter.permits.find(tree_digest, replace(splitter.use, alias=alias))
        except (UnknownReference, Refused):
            continue
        found.add(alias)
    return frozenset(found)


def _verdicts(
    platform: Platform, service: str, name: str, role: Role | None, since: datetime | None
) -> dict[Role, str]:
    """Return the last recorded answer in each role; in the present role only one that is of the present share."""
    files = {each["name"]: each for each in read_comparisons(platform.settings.home)}
    found = {}
    for each in Role:
        row = files.get(f"{service}-{name}-{each.value}".lower())
        if row is None or (each is role and since is not None and parse_moment(row["as_of"]) < since):
            continue
        found[each] = str(row["answer"])
    return found
