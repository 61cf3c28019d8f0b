"""A version of a prompt as a tree of files: what of it is approved, and so what its digest binds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.requirements import LINEAGE_GAPS
from handrail.manifest import FileEntry, Manifest

TEXT, MESSAGES, MODEL_CONFIG, RESPONSE_FORMAT = (
    "template.txt",
    "messages.json",
    "model_config.json",
    "response_format.json",
)
TEMPLATES = (TEXT, MESSAGES)
_FILES = frozenset({*TEMPLATES, MODEL_CONFIG, RESPONSE_FORMAT})
REMEDY = "Give prompts a policy of their own, whose rules say `level: claimed`, `bound` or `attested`."


def prompt_texts(
    template: str | Sequence[Mapping[str, Any]], model_config: Any = None, response_format: Any = None
) -> dict[str, str]:
    """Return the files of a prompt by path: its template as it is, all else as JSON with sorted keys.

    A template of chat messages is a list; None means that the prompt has no such part.

    Raises:
        ValueError: a part cannot be written as JSON or as UTF-8, or a template has no messages.
    """
    if not isinstance(template, str) and not template:
        raise ValueError("its template has no messages")
    texts = {TEXT: template} if isinstance(template, str) else {MESSAGES: _json(template)}
    parts = {MODEL_CONFIG: model_config, RESPONSE_FORMAT: response_format}
    texts |= {path: _json(value) for path, value in parts.items() if value is not None}
    for text in texts.values():
        text.encode("utf-8")
    return texts


def manifest_of_texts(texts: Mapping[str, str]) -> Manifest:
    """Return the list of files that have these texts by path."""
    return Manifest.of([entry_of(path, text.encode("utf-8")) for path, text in texts.items()])


def entry_of(path: str, content: bytes) -> FileEntry:
    """Return the entry of a file with this content."""
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


def is_of_prompt(manifest: Manifest) -> bool:
    """Say whether a tree holds exactly what a prompt has: one template, and nothing but a prompt's files."""
    paths = {entry.path for entry in manifest.files}
    return paths <= _FILES and len(paths.intersection(TEMPLATES)) == 1


def prompt_address(name: str, version: int) -> str:
    """Return the URI of a version of a prompt, which has no folder."""
    return f"prompts:/{name}/{version}"


def why_no_prompt(policy: Policy, snapshot: str | None) -> tuple[str, ...]:
    """Return why a prompt cannot be promoted by a policy, one sentence for each thing that no prompt can have."""
    return tuple(_lacking(policy, snapshot))


def _lacking(policy: Policy, snapshot: str | None) -> Iterator[str]:
    if snapshot is not None:
        yield "A prompt has no scored rows, so nothing of it is measured on a snapshot. Leave the snapshot out."
    for rule in policy.rules:
        if rule.measure == LINEAGE_GAPS:
            yield f"The policy requires lineage, which is not recorded of prompts. {REMEDY}"
        elif rule.level in (Level.RECOMPUTED, Level.PROSPECTIVE):
            needed = f"The policy asks for {rule.measure!r} as {rule.level} evidence"
            yield f"{needed}, and a prompt has no scored rows. {REMEDY}"


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError) as err:
        raise ValueError(str(err)) from err
    return f"{text}\n"
