"""The facts that a person is shown before they decide, their digest, and what changed between two looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from handrail.approvals.domain.events import Evaluated, History, Rejection
from handrail.approvals.domain.findings import Finding
from handrail.approvals.domain.policy import Measured
from handrail.approvals.domain.questions import Question, questions_of
from handrail.approvals.domain.subject import PromotionRequest
from handrail.manifest import digest_of

Facts = Mapping[str, Any]
LONGEST = 80


def facts_of(
    history: History, measures: Sequence[Measured], rejections: Sequence[Rejection], findings: Sequence[Finding] = ()
) -> dict[str, Any]:
    """Return all that matters to judge a request: JSON values by name.

    What others have approved is left out: two persons who decide at the same time do not keep each other from it.
    """
    request = history.request
    return {
        "subject": request.subject.to_json(),
        "requester": request.requester,
        "reason": request.reason,
        "authors": list(request.authors),
        "run_id": request.run_id,
        "formats": dict(request.formats or {}),
        "evidence_files": {name: asdict(file) for name, file in request.bound.items()},
        # Only where it is used: facts from before have the digests that persons were shown.
        **({"attestations": _attestations(request)} if request.attested else {}),
        "measures": [one.rule.to_json() | one.to_json() for one in measures],
        "rejections": [rejection.to_json() for rejection in rejections],
        "evaluation": evaluation_json(history.evaluated),
        "findings": [finding.to_json() for finding in findings],
        "questions": [_asked(question) for question in questions_of(history)],
        # Only where it was looked for: what was shown before keeps its digest.
        **({"lineage": request.traced.to_json()} if request.traced else {}),
    }


def _attestations(request: PromotionRequest) -> dict[str, Any]:
    return {name: one.to_json() for name, one in request.attested.items()}


def _asked(question: Question) -> dict[str, Any]:
    """Leave out whether it is open: that a person decided without an answer changes no fact."""
    return {name: value for name, value in question.to_json().items() if name != "open"}


def evaluation_json(evaluated: Evaluated | None) -> dict[str, Any] | None:
    """Return what the gate's evaluator found as JSON values, None while it has not been at work."""
    if evaluated is None:
        return None
    said = asdict(evaluated) | {"at": evaluated.at.isoformat(), "custodians": list(evaluated.custodians)}
    said |= {} if evaluated.confirmed is None else {"confirmed": list(evaluated.confirmed)}
    # Only where it was asked for or looked at: what was shown before keeps its digest.
    return {name: value for name, value in said.items() if name not in ("confirmed", "cases") or value is not None}


def digest_of_facts(facts: Facts) -> str:
    """Return `sha256:<hex>` over the facts, the same for the same facts whatever the order of names."""
    return digest_of(dict(facts))


def changes_between(before: Facts, after: Facts) -> tuple[str, ...]:
    """Return one sentence for each fact in which two looks differ, the earlier one first."""
    return (
        *_subject(before["subject"], after["subject"]),
        *_plain(before, after),
        *_measures(before["measures"], after["measures"]),
        *_evaluation(before["evaluation"], after["evaluation"]),
        *_added(before["rejections"], after["rejections"]),
        *_findings(before["findings"], after["findings"]),
        *_questions(before["questions"], after["questions"]),
    )


def _subject(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if before.get("people_digest") != after.get("people_digest"):
        yield "Who could decide about it, or who answers for its makers, changed in config/roles.yaml."
    was, becomes = before["evidence"], after["evidence"]
    for name in sorted({*was, *becomes}):
        if was.get(name) != becomes.get(name):
            yield f"The evidence {name!r} was {_shown(was.get(name))} and is {_shown(becomes.get(name))}."
    for name in sorted({*before, *after} - {"evidence", "people_digest"}):
        if before.get(name) != after.get(name):
            yield f"Its {name} was {_shown(before.get(name))} and is {_shown(after.get(name))}."


def _plain(before: Facts, after: Facts) -> Iterator[str]:
    words = {"requester": "Who asks", "reason": "The reason", "run_id": "The run", "formats": "What runs code at load"}
    for name, what in words.items():
        if before[name] != after[name]:
            yield f"{what} was {_shown(before[name])} and is {_shown(after[name])}."
    yield from _makers(before["authors"], after["authors"])
    if before.get("attestations") != after.get("attestations"):
        yield "The statements of pipelines, or who signed them, changed."
    if before["evidence_files"] != after["evidence_files"]:
        yield "The files that the gate read as evidence, or who wrote them, changed."


def _makers(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if more := sorted(set(after).difference(before)):
        yield f"Makers came to be known: {', '.join(more)}."
    if fewer := sorted(set(before).difference(after)):
        yield f"No makers of it any more: {', '.join(fewer)}."


def _measures(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    was, becomes = _by_rule(before), _by_rule(after)
    for key in dict.fromkeys([*was, *becomes]):
        one, other = was.get(key), becomes.get(key)
        if one is None and other is not None:
            yield f"A rule on {other['measure']} came, which is {_met(other)}: {_value(other)}."
        elif one is not None and other is None:
            yield f"The rule on {one['measure']} is gone."
        elif one != other and one is not None and other is not None:
            measure = one["measure"]
            yield f"The rule on {measure} was {_met(one)} by {_value(one)}, and is {_met(other)} by {_value(other)}."


def _by_rule(measures: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    known = ("value", "level", "by", "met")
    return {digest_of({name: row[name] for name in row if name not in known}): row for row in measures}


def _met(row: Mapping[str, Any]) -> str:
    return "met" if row["met"] else "not met"


def _value(row: Mapping[str, Any]) -> str:
    return f"{_shown(row['value'])}, {row['level']} by {row['by']}" if row["level"] else "nothing"


def _evaluation(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    if before != after:
        yield "The gate has measured the version." if before is None else "The gate's measurement is another one."


def _added(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in after:
        if row not in before:
            yield f"{row['person']} rejected the same files in {row['request_id']}: {row['reason']!r}."
    if any(row not in after for row in before):
        yield "A rejection of the same files is not there any more."


def _findings(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    known = {row["finding_id"]: row for row in before}
    for row in after:
        if row["finding_id"] not in known:
            yield f"{row['by']} opened the finding {row['finding_id']}: {row['text']!r}."
        if not row["open"] and known.get(row["finding_id"], {"open": True})["open"]:
            yield f"{row['closed_by']} closed the finding {row['finding_id']}: {row['closed_because']!r}."
    if gone := sorted(known.keys() - {row["finding_id"] for row in after}):
        yield f"No longer about it: the findings {', '.join(gone)}."


def _questions(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    known = {row["number"]: row for row in before}
    for row in after:
        if row["number"] not in known:
            yield f"{row['person']} asked: {row['question']!r}."
        if row["answer"] is not None and known.get(row["number"], {}).get("answer") is None:
            yield f"{row['answered_by']} answered {row['person']}: {row['answer']!r}."


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.{LONGEST}}"
