"""How a promotion request looks on a terminal: everything that a person decides by, a line for each fact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from rich.markup import escape

from handrail.approvals import shown
from handrail.entrypoints.cli.approvals_cases import case_lines, rule_facts
from handrail.entrypoints.cli.approvals_prompts import TEXTS, text_lines
from handrail.entrypoints.cli.output import messages, print_json, print_rows

MOST_NUMBERS, LONGEST_VALUE = 40, 80


def print_request(row: dict[str, Any], as_json: bool = False) -> None:
    """Print a request as lines, or as JSON."""
    if as_json:
        return print_json(row)
    content = row.get("evidence_content", {})
    print_facts(
        {
            "request": row["request_id"],
            "asks for": _asked(row),
            "because": quoted(row["reason"]),
            "by": f"{row['requester']}, {row['opened_at'][:19]}",
            "made by": ", ".join(row["authors"]) or "nobody who is recorded",
            "files": f"{row['files']}, {row['tree_digest']}",
            "evidence": ", ".join(f"{name} {digest[:19]}" for name, digest in row["evidence"].items()) or "none",
            **_numbers(content),
            **rule_facts(row),
            "verdict": row["verdict"],
            **({"seen": row["seen"]} if "seen" in row else {}),
        }
    )
    texts = text_lines(row.get(TEXTS, ()))
    for line in (*texts, *case_lines(row), *_said(row), *_changed(row), *_found(row)):
        typer.echo(f"  {line}")
    for reason in row["reasons"]:
        messages.print(escape(shown(reason)))
    return None


def _said(row: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that a person said."""
    for question in row.get("questions", ()):
        yield f"{shown(question['person'])} asked question {question['number']}: {quoted(question['question'])}"
        if question["answer"] is not None:
            who = shown(question["answered_by"])
            yield f"{who} answered question {question['number']}: {quoted(question['answer'])}"
        elif question["open"]:
            yield f"question {question['number']} waits for an answer; the clock stands"
    for decision in row["decisions"]:
        if decision["decision"] != "ask":
            yield said_by(decision)
    if revoked := row.get("revoked"):
        yield f"{shown(revoked['person'])} took the permit back: {quoted(revoked['reason'])}"


def said_by(decision: dict[str, Any]) -> str:
    """Return a line about a decision: of whom, what, by which key if it is signed, why, and when."""
    key_id = decision.get("signed_by")
    signed = f", signed by {shown(key_id)}" if key_id else ""
    at = f", {decision['at'][:19]}" if decision.get("at") else ""
    return f"{shown(decision['person'])} said {decision['decision']}{signed}: {quoted(decision['reason'])}{at}"


def _changed(row: dict[str, Any]) -> Iterator[str]:
    """Yield what changed since each approval of the request that this one renews."""
    for since in row.get("changes", ()):
        who = f"{shown(since['person'])} approved {since['request_id']} on {since['at'][:10]}, which this renews"
        yield f"{who}. Since then:"
        yield from (f"  {shown(change)}" for change in since["changes"] or ("Nothing of it changed.",))


def _found(row: dict[str, Any]) -> Iterator[str]:
    """Yield findings that were closed, what pipelines signed, what runs code, and that the gate has measured."""
    for finding in row.get("findings", ()):
        if not finding["open"]:
            found = f"{shown(finding['by'])} found {quoted(finding['text'])}"
            yield f"{found}; {shown(finding['closed_by'])} closed that: {quoted(finding['closed_because'])}"
    for name, said in row.get("attestations", {}).items():
        signer = f"the pipeline {shown(said['identity'])}, for {shown(said['owner'])}"
        yield f"{shown(name)} is signed by {signer}, with the key {said['key_id'][:16]}"
    for kind, where in row.get("formats", {}).items():
        yield f"{shown(where)} is {kind}, which runs code when it is loaded"
    if evaluation := row.get("evaluation"):
        said = f"the gate measured it on {evaluation['snapshot']} at {evaluation['at'][:19]}"
        by = f"handed in by {', '.join(map(shown, evaluation['custodians'])) or 'nobody known'}"
        second = evaluation.get("confirmed")
        yield f"{said}, {by}" + (f", confirmed by {', '.join(map(shown, second))}" if second else "")


def _asked(row: dict[str, Any]) -> str:
    what = f"{row['alias']} of {'the prompt ' if row.get('prompt') else ''}{row['model']}"
    if row.get("adopts"):
        return f"{what}: adopt version {row['version']} as it is, which the gate did not promote, without evidence"
    short = {
        "rollback": "go back to a version that was approved before",
        "break-glass": "at once, by one person, in an emergency",
        "confirmation": f"confirm the emergency {row.get('about')}",
        "revert": f"undo the emergency {row.get('about')}, which nobody confirmed",
    }.get(row.get("purpose", ""))
    moves = f"{what}: {row['incumbent'] or 'nothing'} → version {row['version']}"
    return f"{moves}; {short}" if short else moves


def _numbers(content: dict[str, Any]) -> dict[str, str]:
    """Return what the evidence says, a line for each value; those of the fewest words first, if there are too many."""
    found = sorted(_flat(content), key=lambda pair: pair[0].count("."))
    shown = {f"  {name}": text for name, text in found[:MOST_NUMBERS]}
    more = len(found) - MOST_NUMBERS
    return shown | ({"  ...": f"{more:,} more values: --json has them all"} if more > 0 else {})


def _flat(content: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            yield f"{before}{key}", f"a list of {len(value):,}"
        else:
            text = json.dumps(value, ensure_ascii=False)
            yield f"{before}{key}", text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def quoted(text: str) -> str:
    """Return what a person wrote so that nobody takes it for ours: in quotation marks, and on one line."""
    return shown(json.dumps(text, ensure_ascii=False))


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and their values, one a line."""
    print_rows([(shown(name), shown(str(value))) for name, value in facts.items()])
