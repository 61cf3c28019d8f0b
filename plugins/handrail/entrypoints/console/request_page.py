"""The page of a promotion request: its facts in the order in which people read them, and the form to decide with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handrail.approvals import RequestView, Reviewers
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_around import behind_of, monitored_of, unrecorded_of
from handrail.entrypoints.console.request_cases import case_charts, cases_of
from handrail.entrypoints.console.request_changed import changed_parts, short_change
from handrail.entrypoints.console.request_evidence import bound_of, evidence_of, numbers_of
from handrail.entrypoints.console.request_form import form_of, renewal_of, why_not
from handrail.entrypoints.console.request_history import history_of
from handrail.entrypoints.console.request_model import model_lines
from handrail.entrypoints.console.request_past import banner_of
from handrail.entrypoints.console.request_questions import answered_for, questions_of
from handrail.entrypoints.console.request_rules import interval_note, rule_charts, rule_rows
from handrail.entrypoints.console.request_short import question_of, short_of, state_of, title_of
from handrail.entrypoints.console.request_shown import Shown

Row = dict[str, Any]


def request_page(shown: Shown) -> Page:
    """Return the page of a request."""
    view, row = shown.view, shown.view.to_json()
    bound = view.history.request.subject
    rules = rule_rows(view, shown.named)
    cases = cases_of(row["evaluation"], bound, shown.named, shown.wording)
    changed = changed_parts(shown.changed, shown.wording.called)
    measure_charts, group_charts = case_charts(cases) if cases["measures"] else ({}, [])
    facts = {
        "request_id": row["request_id"],
        "question": question_of(view),
        "title": title_of(view),
        "about": model_lines(bound, shown.wording),
        "state": state_of(view, shown.reviewers, shown.named),
        "asked": _asked(shown, row),
        "as_of": shown.now.isoformat(),
        "seen": row["seen"],
        "verdict": row["verdict"],
        "past": banner_of(shown),
        "emergency": shown.emergency,
        "alerts": [*filter(None, [answered_for(shown)]), *_alerts(view), *behind_of(shown)],
        "short": [
            *short_of(view, rules, cases),
            *short_change(changed),
            *unrecorded_of(shown.changed),
            *monitored_of(shown),
        ],
        "since": row["changes"],
        **_rules(rules, row["evaluation"]),
        "cases": cases,
        "changed": changed,
        "evidence": list(evidence_of(view, row, shown.named)),
        "bound": bound_of(view, row),
        "votes": _votes(view, shown.reviewers),
        "questions": questions_of(shown),
        "history": history_of(view, shown.named),
    }
    extra = _drawn(shown, rules, row["evaluation"]) | {"case_charts": measure_charts, "group_charts": group_charts}
    return Page("request.html", title_of(view), facts, shown.sent.status, extra)


def _drawn(shown: Shown, rules: list[Row], evaluation: Row | None) -> Row:
    """Return what only the page has and not its JSON: pictures and forms."""
    return {
        "drawn": rule_charts(rules, evaluation),
        "numbers": numbers_of(shown.evidence),
        "said": shown.said,
        "problem": _problem(shown),
        "form": form_of(shown),
        "why_not": why_not(shown),
        "renewal": renewal_of(shown),
    }


def _rules(rules: list[Row], evaluation: Row | None) -> Row:
    return {
        "rules": rules,
        "rules_met": sum(1 for rule in rules if rule["met"]),
        "rules_unchecked": sum(1 for rule in rules if rule["unchecked"]),
        "failures": [rule["failure"] for rule in rules if rule["failure"]],
        "rules_note": interval_note(rules, (evaluation or {}).get("measures") or {}),
    }


def _problem(shown: Shown) -> Row | None:
    """Return why nothing was recorded, and where what was written stands now: in a form, or beside the reason."""
    sent, problem = shown.sent, shown.sent.problem
    if problem is None:
        return None
    number, answer = next(iter(sent.answers.items()), (0, ""))
    kept, where = (answer, f"answer-{number}") if answer else (sent.reason, "reason")
    has_form = shown.tokens.get(f"answer-{number}") if answer else form_of(shown)
    found = {"title": problem.title, "lines": list(problem.lines), "kind": problem.kind}
    return found | ({"kept": "", "where": where} if has_form else {"kept": kept, "where": ""})


def _asked(shown: Shown, row: Row) -> Row:
    account = row["requester"]
    return {"by": shown.named(account), "account": account, "at": row["opened_at"], "reason": row["reason"]}


def _alerts(view: RequestView) -> Iterator[Row]:
    verdict, bound = str(view.judgement.verdict), view.history.request.subject
    reasons = list(view.judgement.reasons)
    if verdict == "refused" and not view.measures:
        yield {"kind": "bad", "title": "Refused: nobody can approve this.", "lines": reasons}
    elif verdict == "void":
        yield {"kind": "warn", "title": "This request is void, and the decisions with it.", "lines": reasons}
    elif verdict == "rejected":
        yield {"kind": "bad", "title": "Rejected. This is final.", "lines": reasons}
    elif verdict == "evaluating" and view.waits:
        title = "It waits for another person to confirm the labelled rows."
        yield {"kind": "info", "title": title, "lines": [view.waits], "snapshot": bound.snapshot, "model": bound.model}
    elif verdict in ("pending", "approved") and (waits := [each for each in reasons if "needs" not in each]):
        yield {"kind": "info", "title": "It waits.", "lines": waits}
    if revoked := view.history.revoked:
        title = f"{revoked.person} took the permit back."
        yield {"kind": "bad", "title": title, "lines": [revoked.reason, "Whoever checks permits loads it no more."]}


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
