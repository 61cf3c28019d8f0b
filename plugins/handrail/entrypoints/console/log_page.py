"""The page of the gate's log: how long it is, who has signed its checkpoint, and what happened last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.words import beside, counted

Row = dict[str, Any]
WORDS = {
    "opened": "asked",
    "decided": "decided",
    "answered": "answered",
    "evaluated": "measured by the gate",
    "voided": "became void",
    "move-intended": "a move was begun",
    "move-done": "the alias moved, the permit was signed",
    "move-abandoned": "a move was given up",
    "published": "the permit was published",
    "revoked": "a permit was taken back",
    "attempt-refused": "an attempt was refused",
    "rules": "rules came into force",
    "finding-opened": "a finding was opened",
    "finding-closed": "a finding was closed",
}
ACCOUNTS = ("account", "requester", "by")
SHOWN = ("choice", "attempt", "model", "version", "alias", "purpose", "sentence", "way", "count")


def log_page(state: Mapping[str, Any] | None, sentences: Sequence[str], named: Callable[[str], str] = str) -> Page:
    """Return the page.

    Args:
        state: origin, size, root, signers and the latest leaves; None while nothing was published.
        sentences: what the gate's watch has to say of aliases and files, nothing if all agrees.
        named: gives the person behind an account.
    """
    facts: Row = {"state": None, "leaves": [], "sentences": list(sentences)}
    if state is not None:
        own, *others = state["signers"]
        facts["state"] = {name: state[name] for name in ("origin", "size", "root")} | {"own": own, "witnesses": others}
        facts["leaves"] = [_leaf(leaf, named) for leaf in state["leaves"]]
    title = "The log is empty" if state is None else f"The log has {counted(state['size'], 'leaf', 'leaves')}"
    return Page("log.html", title, facts, 200, {"title": title})


def _leaf(leaf: Mapping[str, Any], named: Callable[[str], str]) -> Row:
    facts = leaf.get("facts") or {}
    shown = [f"{name} {facts[name]}" for name in SHOWN if facts.get(name) not in (None, "", 1)]
    return {
        "number": leaf.get("number"),
        "at": leaf.get("at"),
        "what": WORDS.get(str(leaf.get("kind")), str(leaf.get("kind")).replace("-", " ")),
        "kind": leaf.get("kind"),
        "who": _who(facts, named),
        "request_id": leaf.get("request_id"),
        "is_request": str(leaf.get("request_id")).startswith("pr-"),
        "about": "; ".join(shown),
        "alarm": bool(facts.get("alarm")),
        "json": json.dumps(leaf, ensure_ascii=False, sort_keys=True),
    }


def _who(facts: Mapping[str, Any], named: Callable[[str], str]) -> str:
    """Return the person that a leaf names with the account beside it, or who it is by the roles as they stand."""
    account = next((str(facts[name]) for name in ACCOUNTS if facts.get(name)), "")
    if person := facts.get("person"):
        return beside(str(person), account or str(person))
    return named(account) if account else "the gate"
