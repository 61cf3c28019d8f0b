"""The page of persons and policies: what rules, who may do what, what files only propose, and what was changed when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.words import LEVELS, metric, number

Row = dict[str, Any]
STATES = {"pending": ("open", "open"), "in-force": ("good", "in force"), "rejected": ("bad", "rejected")}


def rules_page(found: Mapping[str, Any], named: Callable[[str], str] = str) -> Page:
    """Return the page.

    Args:
        found: `in_force` and `changes` as JSON values of the gate; `policies` and `persons` and `services` as rows;
            `files`, a sentence for each file that only proposes; `token` for the form that proposes, empty for none;
            `problem` and `reason`, what was not recorded.
        named: gives the person behind an account.
    """
    facts = {
        "in_force": found["in_force"],
        "policies": found["policies"],
        "persons": found["persons"],
        "services": found["services"],
        "files": list(found["files"]),
        "changes": [change_row(each, named) for each in reversed(found["changes"])],
    }
    extra = {name: found.get(name, "") for name in ("token", "problem", "reason")}
    return Page("rules.html", "Who may decide what", facts, int(found.get("status", 200)), extra)


def change_page(change: Mapping[str, Any], extra: Mapping[str, Any], named: Callable[[str], str] = str) -> Page:
    """Return the page of a proposed change; `extra` has the form's token, why there is none, and what went wrong."""
    row = change_row(change, named)
    names = {name: extra.get(name, "") for name in ("token", "why_not", "problem", "reason", "chosen", "said")}
    title = f"Should {_listed(list(change['diffs']))} change?"
    return Page("rule_change.html", title, {"change": row, "title": title}, int(extra.get("status", 200)), names)


def change_row(change: Mapping[str, Any], named: Callable[[str], str] = str) -> Row:
    """Return a proposed change as the pages show it."""
    kind, words = STATES.get(change["state"], ("warn", change["state"]))
    quorum = [{"role": role, "needed": count} for role, count in sorted(change["quorum"].items())]
    return dict(change) | {
        "kind": kind,
        "words": words,
        "places": quorum,
        "by": named(change["proposer"]),
        "names": _listed(list(change["diffs"])),
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def policy_row(name: str, policy: Any) -> Row:
    """Return a policy as rows of words: what it is about, who decides in which step, who may what, and its rules."""
    said = policy.to_json()
    return {
        "name": name,
        "about": str(policy.scope) if policy.scope else policy.alias,
        "digest": policy.digest,
        "steps": [[{"role": role, "needed": count} for role, count in sorted(step.items())] for step in policy.steps],
        "rights": [{"what": what.replace("_", " "), "roles": roles} for what, roles in said.get("rights", {}).items()],
        "seen": policy.seen_required,
        "signed": policy.signed,
        "days": policy.request_days,
        "rules": [_rule(rule) for rule in said["rules"]],
    }


def _rule(rule: Mapping[str, Any]) -> Row:
    bounds = {"at_least": "at least", "at_most": "at most", "equals": "exactly"}
    limits = [f"{words} {number(rule[name])}" for name, words in bounds.items() if rule.get(name) is not None]
    if rule.get("is_incumbent"):
        limits.append("the files that the alias points at")
    if rule.get("is_candidate"):
        limits.append("the files of the version asked for")
    return {
        "measure": rule["measure"],
        "label": metric(rule["measure"]),
        "limit": " and ".join(limits),
        "because": rule["because"],
        "level": rule.get("level", "claimed"),
        "level_words": LEVELS[rule.get("level", "claimed")],
        "if_replacing": rule["if_replacing"],
    }
