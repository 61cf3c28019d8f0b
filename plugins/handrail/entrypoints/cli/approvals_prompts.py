"""How the texts of a prompt look on a terminal: what a person would allow, and how it differs from the champion's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals import shown
from handrail.entrypoints.http.gate_client import GateClient

TEXTS = "prompt_texts"
"""Under which name a request of a prompt has its texts here; the gate gives them by a call of their own."""


def with_texts(client: GateClient, row: dict[str, Any]) -> dict[str, Any]:
    """Return a request as it is; one about a prompt with its texts."""
    return row | {TEXTS: client.changes(row["request_id"]).get("prompt", [])} if row.get("prompt") else row


def text_lines(texts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of each file of a prompt, and of its difference; nothing in them is taken for ours."""
    for file in texts:
        yield f"{file['path']}:" if file["is_there"] else f"{file['path']}: this version has none"
        if file["is_there"]:
            yield from (f"  | {shown(line)}" for line in file["text"].split("\n"))
        if file["diff"]:
            yield f"{file['path']}, as it differs from the champion's:"
            yield from (f"  {shown(line)}" for line in file["diff"][2:])
        elif file["was_there"]:
            yield f"{file['path']} is that of the champion"
        if file["left_out"]:
            yield f"{file['left_out']:,} more characters are left out here"
