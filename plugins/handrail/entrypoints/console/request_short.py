"""What a request's page says first: its question, its state, and a few sentences made of the facts below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals import RequestView, Reviewers
from handrail.entrypoints.console.request_difference import Said, difference_of, differing, groups_of
from handrail.entrypoints.console.request_questions import answerers_of, open_askers
from handrail.entrypoints.console.words import counted, listed, number, when

Row = dict[str, Any]
FINISHED = {"promoted": "good", "rejected": "bad", "refused": "bad", "void": "warn"}


def question_of(view: RequestView) -> str:
    """Return what is asked, as a question."""
    bound = view.history.request.subject
    version, alias = f"{bound.model} {bound.version}", bound.alias
    instead = f"{bound.model} {bound.incumbent}" if bound.incumbent is not None else ""
    if bound.adopts:
        return f"Should {version} stay {alias}, as it was before the gate?"
    asked = {
        "rollback": f"Should {alias} go back from {instead or 'nothing'} to {version}?",
        "break-glass": f"{version} as {alias} at once, by one person, in an emergency",
        "confirmation": f"Was the emergency right that made {version} {alias}?",
        "revert": f"{alias} goes back to {version}: nobody confirmed the emergency",
    }.get(str(bound.purpose or ""))
    if asked:
        return asked
    return f"Should {version} replace {instead} as {alias}?" if instead else f"Should {version} become {alias}?"


def title_of(view: RequestView) -> str:
    """Return the question while it is open, and afterwards how it ended."""
    bound, verdict = view.history.request.subject, str(view.judgement.verdict)
    version, alias = f"{bound.model} {bound.version}", bound.alias
    if bound.purpose is not None or bound.adopts or view.is_open:
        return question_of(view)
    replaced = f"replaced {bound.model} {bound.incumbent} as" if bound.incumbent is not None else "became"
    return {
        "promoted": f"{version} {replaced} {alias}",
        "rejected": f"{version} was rejected as {alias}",
        "refused": f"The policy refused {version} as {alias}",
    }.get(verdict, question_of(view))


def ended_of(view: RequestView) -> str:
    """Return when and how the request ended, as `was decided at 10:20:30 UTC (promoted)`; empty while it is open."""
    if view.is_open:
        return ""
    history, verdict = view.history, str(view.judgement.verdict)
    if history.voided:
        return f"became void at {when(history.voided.at)}"
    moments = [each.at for each in history.decisions] + ([history.done.at] if history.done else [])
    if verdict == "refused" or not moments:
        return f"is closed ({verdict})"
    return f"was decided at {when(max(moments))} ({verdict})"


def state_of(view: RequestView, reviewers: Reviewers | None, named: Callable[[str], str] = str) -> Row:
    """Return where the request stands: the kind of its sign, its words, and whether it is open."""
    verdict = str(view.judgement.verdict)
    if verdict in FINISHED:
        words = {"promoted": "Promoted", "rejected": "Rejected", "refused": "Refused by the policy", "void": "Void"}
        revoked = view.history.revoked is not None
        text = "Promoted; its permit was taken back" if revoked else words[verdict]
        return {"kind": "warn" if revoked else FINISHED[verdict], "text": text, "open": False, "verdict": verdict}
    asked = open_askers(view)
    if view.waits:
        text = "Open: its labelled rows wait for a second person"
    elif verdict == "evaluating":
        text = "Open: the server is measuring it"
    elif asked:
        text = f"Open: waits for {answerers_of(view, named)} to answer {listed(asked)}"
    elif verdict == "approved":
        text = "Approved: the move is under way"
    elif reviewers is None:
        text = "Open"
    else:
        needed = sum(place.needed for step in reviewers.steps for place in step)
        text = f"Open: {needed - reviewers.missing} of {counted(needed, 'approval')}"
    return {"kind": "open", "text": text, "open": True, "verdict": verdict}


def short_of(view: RequestView, rules: Sequence[Row], cases: Mapping[str, Any]) -> list[Row]:
    """Return the sentences of *In short*: the kind of the sign, what is said first, and the rest."""
    return [
        {"kind": kind, "what": what, "more": more}
        for kind, what, more in (
            *_rules(view, rules),
            *difference_of(cases),
            *_unjudged(rules, cases),
            *groups_of(cases),
            *_warnings(view),
        )
    ]


def _rules(view: RequestView, rules: Sequence[Row]) -> Said:
    if not rules:
        if view.history.request.subject.adopts:
            yield "warn", "No rule asks for evidence:", "the version was there before the gate, and is taken as it is."
        elif view.history.request.subject.purpose is not None:
            yield "flat", "No rule asks for evidence:", "persons alone decide about this kind of request."
        return
    unmet = [row for row in rules if not row["met"]]
    if view.waits:
        yield "open", "The version is not measured yet.", "Another person has to confirm its labelled rows first."
    elif str(view.judgement.verdict) == "evaluating":
        yield "open", "The server is measuring the version.", "Load the page again in a moment."
    elif unmet:
        first = "; ".join(f"{row['label']} is {row['value_text']}, limit {row['limit_text']}" for row in unmet[:3])
        many = f"{len(unmet)} of {counted(len(rules), 'rule')} {'is' if len(unmet) == 1 else 'are'} not met."
        yield "bad", f"{many} Nobody can approve this.", f"{first}."
    else:
        tightest = min((row for row in rules if _room(row) is not None), key=lambda row: _room(row) or 0, default=None)
        more = [*([_tightest(tightest)] if tightest else []), *_on_word(rules)]
        every = "The one rule" if len(rules) == 1 else f"All {len(rules)} rules"
        yield "good", f"{every} of the policy {'is' if len(rules) == 1 else 'are'} met.", " ".join(more)


def _on_word(rules: Sequence[Row]) -> Iterator[str]:
    """Say of how many rules the value is the author's word alone."""
    count = sum(1 for row in rules if row["unchecked"])
    if count:
        whom = "the author’s word alone: nobody checked it."
        yield f"{count} of them {'rests' if count == 1 else 'rest'} on {whom}"


def _unjudged(rules: Sequence[Row], cases: Mapping[str, Any]) -> Said:
    """Name what differs beyond chance and is judged by no rule."""
    judged = {row["measure"].rpartition(".")[2].removesuffix("_low").removesuffix("_high") for row in rules}
    if any(row["measure"].startswith("comparison.") for row in rules):
        judged.add(cases.get("main", ""))
    names = [row["label"] for row in differing(cases) if row["name"] not in judged]
    if rules and names:
        yield "warn", "No rule judges this:", f"{listed(names)}. Whether it is wanted is yours to judge."


def _room(row: Row) -> float | None:
    value, limit = row["value"], row["limit"]
    if limit in (None, 0) or not row["forbidden"] or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(abs(value - limit) / abs(limit))


def _tightest(row: Row) -> str:
    return f"The tightest: {row['label']}, {row['value_text']} with a limit of {number(row['limit'])}."


def _warnings(view: RequestView) -> Said:
    row = view.to_json()
    for finding in row["findings"]:
        if finding["open"]:
            yield "bad", "An open finding shuts the gate:", f"“{finding['text']}”, by {finding['by']}."
        else:
            closed = f"“{finding['text']}”; {finding['closed_by']}: “{finding['closed_because']}”."
            yield "flat", "A finding was closed since it was asked:", closed
    for rejection in row["rejections"]:
        because = f"“{rejection['reason']}” in {rejection['request_id']}."
        yield "warn", f"{rejection['person']} rejected the same files before:", because
    for kind, where in row["formats"].items():
        yield "warn", f"{where} is {kind}", "and runs code when it is loaded."
    if row["attestations"]:
        signers = listed(sorted({each["identity"] for each in row["attestations"].values()}))
        yield "flat", "Evidence is signed by a pipeline:", f"{signers}."
