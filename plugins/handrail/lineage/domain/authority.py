"""Whose word counts about what: one table for every answer.

Whoever has a token may state anything about anything, and all of it is stored. About some kinds of things only one
source can know: who approved is in the gate's own record. What others state about these is shown as what they assert,
and decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from handrail.lineage.domain.facts import Facts, NodeFact
from handrail.lineage.domain.names import kind_of

GATE = "approvals"
AUTHORITIES: Mapping[str, str] = {"permit": GATE, "promotion-decision": GATE}
"""By the kind of a thing the only source whose statements about it count; about other kinds every source counts."""


def counts(effect: str, asserted_by: Collection[str]) -> bool:
    """Return whether statements about the thing with the URI `effect` count, if these sources make them."""
    authority = AUTHORITIES.get(kind_of(effect))
    return authority is None or authority in asserted_by


def as_asserted(facts: Facts, sender: str) -> Facts:
    """Return the facts of a sender: what it says of a thing that only another source can know bears its name.

    Statements bear their source anyway. Attributes do not, so they are renamed, and times are left out.
    """
    return replace(facts, nodes=frozenset(_as_asserted(node, sender) for node in facts.nodes))


def _as_asserted(node: NodeFact, sender: str) -> NodeFact:
    if counts(node.uri, (sender,)):
        return node
    claims = frozenset((f"asserted by {sender}", f"{name}: {value}") for name, value in node.attributes)
    return replace(node, attributes=claims, started=None, ended=None)
