"""The evidence of a request with its origins, what a decision binds, and every value that the author sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from handrail.approvals import Purpose, RequestView
from handrail.entrypoints.console.words import counted, listed

Row = dict[str, Any]
MOST_NUMBERS, LONGEST, DEEPEST = 400, 200, 20
FIRST_EPOCH = 1_000_000_000_000
"""Milliseconds since 1970, in 2001: a smaller number is no moment of a registration."""


def evidence_of(view: RequestView, row: Row, named: Callable[[str], str] = str) -> Iterator[Row]:
    """Yield each piece of evidence with its level, who answers for it, and its digest; `named` names an account."""
    if evaluated := row["evaluation"]:
        about = evaluated["problem"] or f"scored from the frozen files, on labelled rows {_custody(evaluated, named)}"
        isolation = evaluated.get("isolation") or {}
        how = f"by another process{_network(isolation)}" if isolation else ""
        yield _piece("the gate’s own evaluation", about, "recomputed", how, evaluated["snapshot"])
    for name, digest in row["evidence"].items():
        file, signed = row["evidence_files"].get(name), row["attestations"].get(name)
        if signed:
            who = f"{signed['identity']}, for {signed['owner']}"
            yield _piece(name, "a statement of a pipeline", "attested", who, digest)
        elif file:
            about = f"{file.get('path', '')} of run {file.get('run_id', '')}"
            yield _piece(name, about, "bound", "frozen and read by the gate", digest)
        else:
            sent = f"sent by {named(row['requester'])}; nobody checked it"
            yield _piece(name, "sent with the request", "claimed", sent, digest)
    about = f"the bytes that would be served, {counted(row['files'], 'file')}"
    yield _piece("artifact tree", about, "recomputed", "hashed when asked, and again at the move", row["tree_digest"])
    if tree := view.history.request.incumbent_tree:
        yield _piece("champion’s tree", "what the alias points at", "recomputed", "hashed when asked", tree)
    if traced := row["traced"]:
        yield _piece("lineage", str(traced.get("summary", "")) or "looked for when it was asked", "bound", "", None)
    yield _piece("reason", f"“{row['reason']}”", "claimed", "no rule reads it", None)


def _network(isolation: Mapping[str, Any]) -> str:
    said = {"none": ", without a network", None: ""}
    network = isolation.get("network")
    return said.get(network, f", with {network} network")


def _custody(evaluated: Row, named: Callable[[str], str]) -> str:
    """Say who handed the rows in and who confirmed them, where somebody had to."""
    handed = f"handed in by {listed([named(each) for each in evaluated['custodians']]) or 'nobody who is recorded'}"
    if "confirmed" not in evaluated:
        return f"{handed}; no second person had to confirm them"
    return f"{handed}, confirmed by {listed(list(evaluated['confirmed'])) or 'nobody'}"


def _piece(name: str, about: str, level: str, origin: str, digest: str | None) -> Row:
    return {"name": name, "about": about, "level": level, "origin": origin, "digest": digest}


def bound_of(view: RequestView, row: Row) -> Row:
    """Return what a decision binds."""
    subject = view.history.request.subject
    stays = subject.adopts or subject.purpose is Purpose.CONFIRMATION
    now = subject.version if stays else subject.incumbent
    return {
        "server": subject.server,
        "model": subject.model,
        "version": subject.version,
        "epoch": str(subject.epoch),
        "registered": _registered(subject.epoch),
        "alias": subject.alias,
        "now": "nothing" if now is None else f"{subject.model} {now}",
        "tree": row["tree_digest"],
        "files": row["files"],
        "policy": row["policy_digest"],
        "people": row["people_digest"],
        "snapshot": row.get("snapshot"),
    }


def _registered(epoch: int) -> str | None:
    """Return when a registered model was made: its epoch, in milliseconds; None where that is no such moment."""
    try:
        return datetime.fromtimestamp(epoch / 1000, UTC).isoformat() if epoch > FIRST_EPOCH else None
    except (OverflowError, ValueError, OSError):
        return None


def numbers_of(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the first values that the author sent, by their names."""
    return list(islice(_flat(content), MOST_NUMBERS))


def _flat(content: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if not isinstance(value, Mapping | list):
            yield _cut(f"{before}{key}"), _cut(json.dumps(value, ensure_ascii=False))
        elif depth == DEEPEST or isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
            yield _cut(f"{before}{key}"), f"{counted(len(value), 'value')} with values inside"
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.", depth + 1)
        else:
            yield _cut(f"{before}{key}"), _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
