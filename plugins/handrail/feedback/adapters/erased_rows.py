"""What is left of a subject's rows: the same figures under a random name, and nothing that leads to the subject."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.feedback.adapters.sql_tables import (
    arrival,
    deployment,
    event,
    prediction,
    quarantine,
    quarantine_step,
    with_digest,
)
from handrail.feedback.domain.erasure import PREFIX, Marked
from handrail.feedback.domain.quarantine import Reason, digest_of
from handrail.feedback.domain.values import Feedback, Prediction

GONE = "What it held was about a subject that was erased. There is nothing left to repair."
_TEXTS = ("content", "identifier", "problem", "origin")


def a_name() -> str:
    """Return a random name."""
    return f"{PREFIX}{secrets.token_hex(16)}"


def names_for(old: Iterable[str]) -> dict[str, str]:
    """Give each a random name; they sort as those of before, because of equals the greatest counts."""
    held = sorted(set(old))
    return dict(zip(held, sorted(a_name() for _ in held), strict=True))


def mentions(names: Sequence[str]) -> re.Pattern[str]:
    """Match a text that has one of the names, as it is or as JSON writes it, and not as a part of a longer word."""
    ways = {way for name in names for way in (name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1])}
    return re.compile(f"(?<![0-9A-Za-z])(?:{'|'.join(map(re.escape, sorted(ways)))})(?![0-9A-Za-z])")


@dataclass
class SubjectRows:
    """The rows of a subject in a transaction, under its names: found first, changed then."""

    connection: sa.Connection
    names: Sequence[str]
    name: str = field(default_factory=a_name)
    predictions: Sequence[Any] = ()
    events: Sequence[Any] = ()
    quarantined: Sequence[Any] = ()

    def __post_init__(self) -> None:
        """Find them."""
        about = prediction.c.subject.in_(self.names)
        uri = deployment.c.uri.label("deployment")
        served = prediction.c.deployment_id == deployment.c.id
        made = sa.select(*prediction.c, uri).join_from(prediction, deployment, served).where(about)
        self.predictions = self.connection.execute(made).all()
        ids = sa.select(prediction.c.prediction_id).where(about)
        said = sa.or_(event.c.subject.in_(self.names), event.c.prediction_id.in_(ids))
        self.events = self.connection.execute(sa.select(event).where(said)).all()
        self._has_name = mentions(self.names)
        self._leads_to_it = mentions([*self.names, *(row.prediction_id for row in self.predictions)])
        rows = self.connection.execute(sa.select(quarantine)).all()
        of_steps = {row.number for row in self.connection.execute(sa.select(quarantine_step)) if self._names(row)}
        self.quarantined = [row for row in rows if row.seq in of_steps or self._names(row)]

    def _names(self, row: Any) -> bool:
        texts = (getattr(row, name, None) or "" for name in (*_TEXTS, "note"))
        return any(self._leads_to_it.search(text) for text in texts)

    def take_out(self, by: str, at: datetime) -> list[Marked]:
        """Change every row; return each as it is now. What waited in quarantine is dropped."""
        ids = names_for(row.prediction_id for row in self.predictions)
        ids |= {row.prediction_id: a_name() for row in self.events if self._is_named(row.prediction_id, ids)}
        return [*self._predictions(ids), *self._events(ids), *self._quarantine(by, at)]

    def _is_named(self, text: str, ids: Mapping[str, str]) -> bool:
        return bool(text) and text not in ids and self._has_name.search(text) is not None

    def _without(self, text: str) -> str:
        return self._has_name.sub("erased", text)

    def _predictions(self, ids: Mapping[str, str]) -> list[Marked]:
        marked: list[Marked] = []
        for row in self.predictions:
            fields = {name: getattr(row, name) for name in Prediction.__slots__}
            texts = {name: self._without(fields[name]) for name in ("feature_service", "variant")}
            changed = {"prediction_id": ids[row.prediction_id], "subject": self.name, "features_digest": "", **texts}
            body = Prediction(**fields | changed).body_digest()
            where = prediction.c.seq == row.seq
            self.connection.execute(sa.update(prediction).where(where).values(**changed, body=body))
            marked.append(("prediction", row.seq, body))
        return marked

    def _events(self, ids: Mapping[str, str]) -> list[Marked]:
        marked: list[Marked] = []
        keys = names_for(row.event_id for row in self.events)
        for row in self.events:
            fields = {name: getattr(row, name) for name in Feedback.__slots__ if name != "retracts"}
            changed = {name: self._without(fields[name]) for name in ("source", "service", "item")}
            changed |= {"event_id": keys[row.event_id], "prediction_id": ids.get(row.prediction_id, row.prediction_id)}
            changed |= {"subject": self.name} if row.subject else {}
            body = Feedback(**fields | changed, retracts=row.value is None).body_digest()
            self.connection.execute(sa.update(event).where(event.c.seq == row.seq).values(**changed, body=body))
            renamed = sa.update(arrival).where(arrival.c.event_id == row.event_id)
            self.connection.execute(renamed.values(event_id=keys[row.event_id]))
            marked.append(("feedback", row.seq, body))
        return marked

    def _quarantine(self, by: str, at: datetime) -> list[Marked]:
        marked: list[Marked] = []
        for row in self.quarantined:
            # A word of its own: equal rows are kept once.
            content = json.dumps({"erased": a_name()})
            said = {"reason": str(Reason.ERASED), "field": "", "problem": GONE, "content": content}
            body = digest_of(row.what, said["reason"], "", content)
            emptied = row._asdict() | said | {"identifier": "", "origin": "", "body": body}
            values = with_digest(quarantine, emptied)
            self.connection.execute(sa.update(quarantine).where(quarantine.c.seq == row.seq).values(**values))
            marked.append(("quarantine", row.seq, body))
            self._steps(row.seq)
            dropped = {"number": row.seq, "state": "dropped", "by": by, "at": at, "note": "erased", "content": None}
            self.connection.execute(sa.insert(quarantine_step), with_digest(quarantine_step, dropped))
        return marked

    def _steps(self, number: int) -> None:
        for step in self.connection.execute(sa.select(quarantine_step).where(quarantine_step.c.number == number)).all():
            values = with_digest(quarantine_step, step._asdict() | {"note": "erased", "content": None})
            where = quarantine_step.c.seq == step.seq
            self.connection.execute(sa.update(quarantine_step).where(where).values(**values))
