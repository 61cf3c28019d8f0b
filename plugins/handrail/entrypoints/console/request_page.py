"""The page of a promotion request: its facts in the order in which people read them, and the form to decide with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from handrail.approvals import Choice, RequestView, Reviewers
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_cases import case_charts, cases_of
from handrail.entrypoints.console.request_changed import changed_parts
from handrail.entrypoints.console.request_history import history_of
from handrail.entrypoints.console.request_rules import interval_note, rule_charts, rule_rows
from handrail.entrypoints.console.request_short import question_of, short_of, state_of
from handrail.entrypoints.console.words import counted, listed

Row = dict[str, Any]
MOST_NUMBERS, LONGEST, DEEPEST = 400, 200, 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Why what was sent was not recorded, in sentences; it stands at the form."""

    title: str
    lines: tuple[str, ...] = ()
    kind: str = "bad"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a person sent and that was not recorded: it stands in the form again."""

    problem: Problem | None = None
    choice: str = ""
    reason: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page is made of.

    Attributes:
        view: the request as it is now.
        reviewers: who decides, for the account that looks; None where it has no policy any more.
        evidence: the content that it was opened with, by name.
        changed: what changed since the champion, as JSON values; None if that is not known.
        tokens: for the form by its name: `decision`, `renewal`, `answer-<number>`; without one there is no form.
        now: the moment of the look, system time.
        said: what was recorded just now, to be confirmed on top.
        sent: what was sent and not recorded.
    """

    view: RequestView
    reviewers: Reviewers | None
    evidence: Mapping[str, Any]
    now: datetime
    changed: Mapping[str, Any] | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    said: Row | None = None
    sent: Sent = Sent()


def request_page(shown: Shown) -> Page:
    """Return the page of a request."""
    view, row = shown.view, shown.view.to_json()
    bound = view.history.request.subject
    rules = rule_rows(view)
    cases = cases_of(row["evaluation"], bound.model, bound.version, bound.incumbent)
    measures = (row["evaluation"] or {}).get("measures") or {}
    measure_charts, group_charts = case_charts(cases) if cases["measures"] else ([], [])
    facts = {
        "request_id": row["request_id"],
        "question": question_of(view),
        "state": state_of(view, shown.reviewers),
        "asked": {"by": row["requester"], "at": row["opened_at"], "reason": row["reason"]},
        "as_of": shown.now.isoformat(),
        "seen": row["seen"],
        "verdict": row["verdict"],
        "alerts": list(_alerts(view)),
        "short": short_of(view, rules, cases),
        "since": row["changes"],
        "rules": rules,
        "rules_met": sum(1 for rule in rules if rule["met"]),
        "failures": [rule["failure"] for rule in rules if rule["failure"]],
        "rules_note": interval_note(rules, measures),
        "cases": cases,
        "changed": changed_parts(shown.changed),
        "evidence": list(_evidence(view, row)),
        "bound": _bound(view, row),
        "votes": _votes(view, shown.reviewers),
        "questions": [_question(each, shown) for each in row["questions"] if each["open"]],
        "history": history_of(view),
    }
    extra = {
        "drawn": rule_charts(rules, row["evaluation"]),
        "case_charts": measure_charts,
        "group_charts": group_charts,
        "numbers": list(islice(_flat(shown.evidence), MOST_NUMBERS)),
        "said": shown.said,
        "problem": shown.sent.problem,
        "form": _form(shown),
        "why_not": _why_not(shown),
        "renewal": _renewal(shown),
    }
    return Page("request.html", question_of(view), facts, shown.sent.status, extra)


def _alerts(view: RequestView) -> Iterator[Row]:
    verdict = str(view.judgement.verdict)
    reasons = list(view.judgement.reasons)
    if verdict == "refused" and not view.measures:
        yield {"kind": "bad", "title": "Refused: nobody can approve this.", "lines": reasons}
    elif verdict == "void":
        yield {"kind": "warn", "title": "This request is void, and the decisions with it.", "lines": reasons}
    elif verdict == "rejected":
        yield {"kind": "bad", "title": "Rejected. This is final.", "lines": reasons}
    elif verdict in ("pending", "approved") and (waits := [each for each in reasons if "needs" not in each]):
        yield {"kind": "info", "title": "It waits.", "lines": waits}
    if revoked := view.history.revoked:
        title = f"{revoked.person} took the permit back."
        yield {"kind": "bad", "title": title, "lines": [revoked.reason, "Whoever checks permits loads it no more."]}


def _evidence(view: RequestView, row: Row) -> Iterator[Row]:
    if evaluated := row["evaluation"]:
        about = evaluated["problem"] or "scored from the frozen files, on the labelled rows"
        isolation = evaluated.get("isolation") or {}
        how = f"by another process, network {isolation.get('network', 'unknown')}" if isolation else ""
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
            yield _piece(
                name, "sent with the request", "claimed", f"sent by {row['requester']}; nobody checked it", digest
            )
    about = f"the bytes that would be served, {counted(row['files'], 'file')}"
    yield _piece("artifact tree", about, "recomputed", "hashed when asked, and again at the move", row["tree_digest"])
    if tree := view.history.request.incumbent_tree:
        yield _piece("champion’s tree", "what the alias points at", "recomputed", "hashed when asked", tree)
    if traced := row["traced"]:
        yield _piece("lineage", str(traced.get("summary", "")) or "looked for when it was asked", "bound", "", None)
    yield _piece("reason", f"“{row['reason']}”", "claimed", "no rule reads it", None)


def _piece(name: str, about: str, level: str, origin: str, digest: str | None) -> Row:
    return {"name": name, "about": about, "level": level, "origin": origin, "digest": digest}


def _bound(view: RequestView, row: Row) -> Row:
    subject = view.history.request.subject
    points = f"{subject.model} {subject.incumbent}" if subject.incumbent is not None else "nothing"
    return {
        "server": subject.server,
        "model": subject.model,
        "version": subject.version,
        "epoch": str(subject.epoch),
        "alias": subject.alias,
        "now": points,
        "tree": row["tree_digest"],
        "files": row["files"],
        "policy": row["policy_digest"],
        "people": row["people_digest"],
        "snapshot": row.get("snapshot"),
    }


def _votes(view: RequestView, reviewers: Reviewers | None) -> Row | None:
    if reviewers is None:
        return None
    found = reviewers.to_json()
    for step, places in zip(found["steps"], reviewers.steps, strict=True):
        for place, known in zip(step, places, strict=True):
            place["missing"] = known.missing
    counted_names = {each["person"] for step in found["steps"] for place in step for each in place["given"]}
    did = {
        "reject": ("rejected", "bad"),
        "approve": ("approved, which does not count", "warn"),
        "ask": ("asked", "open"),
    }
    found["others"] = [
        {"person": each.person, "did": did[str(each.choice)][0], "kind": did[str(each.choice)][1]}
        | {"at": each.at.isoformat(), "reason": each.reason}
        for each in view.history.decisions
        if each.person not in counted_names
    ]
    return found


def _question(asked: Row, shown: Shown) -> Row:
    number = int(asked["number"])
    return asked | {"token": shown.tokens.get(f"answer-{number}", ""), "text": shown.sent.answers.get(number, "")}


def _form(shown: Shown) -> Row | None:
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
    files = counted(len(view.history.request.manifest.files), "file")
    last = reviewers is not None and reviewers.missing == 1
    moves = f"The alias moves at once. A permit for exactly these {files} is signed."
    needed = 0 if reviewers is None else reviewers.missing - 1
    waits = (
        f"Recorded. {counted(needed, 'more approval')} {'is' if needed == 1 else 'are'} needed before the alias moves."
    )
    stays = f"{bound.model} {bound.incumbent} stays {bound.alias}" if bound.incumbent is not None else "nothing changes"
    return [
        (Choice.APPROVE, "Approve", moves if last else waits),
        (Choice.REJECT, "Reject", f"Final. The request closes; {stays}."),
        (Choice.ASK, "Ask", f"A question to {view.history.request.requester}. The alias waits until it is answered."),
    ]


def _why_not(shown: Shown) -> Row | None:
    reviewers = shown.reviewers
    if _form(shown) is not None or not shown.view.is_open:
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


def _renewal(shown: Shown) -> Row | None:
    token = shown.tokens.get("renewal", "")
    return {"token": token} if token and str(shown.view.judgement.verdict) == "void" else None


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
