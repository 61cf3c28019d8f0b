"""`handrail approvals changes`: what changed since the version that the alias pointed at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer
from rich.markup import escape

from handrail.approvals import shown
from handrail.entrypoints.cli.approvals import RequestId, User, gate_client
from handrail.entrypoints.cli.approvals_prompts import text_lines
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows

EXAMPLE = "Example: handrail approvals changes pr-0123456789abcdef0123"
PARTS = {"files": "path", "settings": "name", "parameters": "name", "environment": "name"}
MOST_WEIGHTS = 5
LONGEST = 80


def changes(request_id: RequestId, user: User, as_json: AsJson = False) -> None:
    """Show what changed since the version before: files, parameters, code, data, features and packages."""
    with gate_client(user, "Showing what changed") as client:
        answer = client.changes(request_id)
    if as_json:
        return print_json(answer)
    before = answer["against"]["version"]
    title = "Since nothing: it is the first version." if before is None else f"Since version {before}:"
    typer.echo(title)
    for line in text_lines(answer.get("prompt", ())):
        typer.echo(f"  {line}")
    if rows := [] if "prompt" in answer else list(_rows(answer)):
        print_rows(rows)
    for sentence in answer["unknown"]:
        messages.print(escape(shown(f"Not known: {sentence}")))
    return None


def _rows(answer: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each difference: the part, what, before and after, and who answers for it."""
    for part, key in PARTS.items():
        # A server of before this release has no settings.
        yield from _of_part(part, answer[part], key) if part in answer else ()
    code, features = answer["code"], answer["features"]
    yield _difference("code", "commit", code["commit"])
    yield _difference("code", "clean checkout", code["clean"])
    yield from _of_part("code", code["files"], "path")
    for row in answer["data"]:
        if row["before"] != row["after"]:
            yield _difference("data", row["what"], row)
    yield _difference("features", "number", features["count"])
    for name in ("added", "removed"):
        yield from (("features", name, shown(feature), "") for feature in features[name])
    yield _difference("features", "service", features["service"])
    for row in features["importances"][:MOST_WEIGHTS]:
        yield _difference("features", f"weight of {row['name']}", row)


def _of_part(part: str, found: dict[str, Any], key: str) -> Iterator[tuple[str, ...]]:
    for name in ("changed", "added", "removed"):
        yield from (_difference(part, row[key], row) for row in found.get(name, ()))
    if found["left_out"]:
        yield part, "...", f"{found['left_out']:,} more", ""
    same = found.get("same", found.get("unchanged"))
    yield part, "unchanged", f"{same:,}", found["origin"]


def _difference(part: str, what: str, row: dict[str, Any]) -> tuple[str, ...]:
    before, after = (_text(row[side], row.get("known", True)) for side in ("before", "after"))
    return part, shown(what), after if before == after else f"{before} → {after}", row["origin"]


def _text(value: Any, known: bool = True) -> str:
    if value is None:
        return "none" if known else "not known"
    if isinstance(value, dict):
        return " ".join(_text(inner) for inner in value.values())
    text = value if isinstance(value, str) else json.dumps(value)
    return shown(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")
