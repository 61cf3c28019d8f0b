"""How requests and events look in the database: versioned JSON, one reader and one writer."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import (
    Answered,
    Choice,
    Decided,
    Evaluated,
    Event,
    MoveAbandoned,
    MoveDone,
    MoveIntended,
    Published,
    Reverting,
    Revoked,
    Voided,
)
from handrail.approvals.domain.signatures import signature_from
from handrail.approvals.domain.subject import Attestation, BoundFile, PromotionRequest, Purpose, Subject
from handrail.approvals.domain.tracing import Traced
from handrail.manifest import Manifest, canonical_json

FORMAT = 1
LATER_FIELDS = ("seen", "renews", "signature", "attested", "traced", "confirmed", "cases")
_KINDS: dict[str, type[Event]] = {
    "decided": Decided,
    "answered": Answered,
    "evaluated": Evaluated,
    "voided": Voided,
    "move-intended": MoveIntended,
    "move-done": MoveDone,
    "move-abandoned": MoveAbandoned,
    "published": Published,
    "revoked": Revoked,
    "reverting": Reverting,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def kind_of(event: Event) -> str:
    """Return the name under which this kind of event is stored."""
    return _NAMES[type(event)]


def event_body(event: Event) -> str:
    """Write an event's fields; those that came later only where they say something."""
    fields = {name: value for name, value in asdict(event).items() if name not in LATER_FIELDS or value is not None}
    return canonical_json(fields | {"at": event.at.isoformat(), "format": FORMAT}).decode("utf-8")


def event_from(kind: str, body: str) -> Event:
    """Read what `event_body` wrote."""
    values: dict[str, Any] = json.loads(body)
    del values["format"]
    values["at"] = datetime.fromisoformat(values["at"])
    for name in ("reasons", "custodians", "approvals", "confirmed"):
        if name in values:
            values[name] = tuple(values[name])
    if "choice" in values:
        values["choice"] = Choice(values["choice"])
        values["signature"] = signature_from(values.get("signature"))
    return _KINDS[kind](**values)


def request_body(request: PromotionRequest) -> str:
    """Write a request with its manifest and evidence."""
    fields = {name: value for name, value in asdict(request).items() if name not in LATER_FIELDS or value}
    return canonical_json(
        fields
        | {
            "format": FORMAT,
            "manifest": request.manifest.to_json(),
            "opened_at": request.opened_at.isoformat(),
        }
    ).decode("utf-8")


def _subject(values: dict[str, Any]) -> Subject:
    purpose = values.get("purpose")
    return Subject(**values | {"purpose": None if purpose is None else Purpose(purpose)})


def _traced(values: dict[str, Any] | None) -> Traced | None:
    if values is None:
        return None
    return Traced(**values | {name: tuple(values[name]) for name in ("commits", "examples")})


def request_from(body: str) -> PromotionRequest:
    """Read what `request_body` wrote."""
    values: dict[str, Any] = json.loads(body)
    del values["format"]
    return PromotionRequest(
        **values
        | {
            "subject": _subject(values["subject"]),
            "manifest": Manifest.from_json(values["manifest"]),
            "authors": tuple(values["authors"]),
            "unrecorded": tuple(values.get("unrecorded", ())),
            "opened_at": datetime.fromisoformat(values["opened_at"]),
            "bound": {
                name: BoundFile(**source | {"writers": tuple(source["writers"])})
                for name, source in values.get("bound", {}).items()
            },
            "attested": {name: Attestation(**said) for name, said in values.get("attested", {}).items()},
            "traced": _traced(values.get("traced")),
        }
    )
