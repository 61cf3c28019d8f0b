"""What the written README sends to the service as an example: a request of the table's own values, and an outcome."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from handrail.scaffold.draft import MADE_SUBJECT, Draft

WIDTH = 110
"""Of a line; a longer value gets a line of its own."""


def example_request(draft: Draft) -> str:
    """Return the body of a request about one item, quoted for a shell: each field of the description, and no other."""
    fields: dict[str, Any] = {} if draft.subject else {MADE_SUBJECT: "1"}
    for column in filter(None, (draft.subject, draft.time, *draft.entities, *draft.features)):
        fields.setdefault(column.field, column.example)
    lines = _packed([f"{_json(name)}: {_json(value)}" for name, value in fields.items()])
    return shlex.quote(f"{{{_json(draft.many)}: [{{\n  {_joined(lines)}}}]}}")


def example_outcome(draft: Draft) -> str:
    """Return the body of an outcome, quoted for a shell."""
    value = {"binary": 1, "multiclass": 0}.get(draft.kind, draft.label.example)
    outcome: Mapping[str, Any] = {
        "prediction_id": "<prediction_id of the answer>",
        "kind": "ground_truth",
        "value": value,
        "source": "<who reports it>",
        "occurred_at": draft.go_live.isoformat().replace("+00:00", "Z"),
    }
    lines = _packed([f"{_json(name)}: {_json(each)}" for name, each in outcome.items()])
    return shlex.quote(f"{{\n  {_joined(lines)}}}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _joined(lines: Sequence[str]) -> str:
    return ",\n  ".join(lines)


def _packed(parts: Sequence[str]) -> list[str]:
    """Return the parts in lines of at most WIDTH."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 2 <= WIDTH:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines
