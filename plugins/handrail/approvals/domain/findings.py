"""Findings about a model: something is wrong, or may be. While one is open, the gate is shut for what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.people import folded
from handrail.approvals.domain.subject import Purpose, Subject


class Severity(StrEnum):
    """How bad it is, for people; the gate is shut by each."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class FindingOpened:
    """A person, or a service such as a check or monitoring, found something; `by` is the name of who it was.

    Without a version it is about each version of the model, without an alias about each alias.
    """

    at: datetime
    finding_id: str
    model: str
    text: str
    severity: Severity
    account: str
    by: str
    version: int | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class FindingClosed:
    """A person closed a finding, with a reason."""

    at: datetime
    finding_id: str
    account: str
    person: str
    reason: str


FindingEvent = FindingOpened | FindingClosed


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, and how it was closed if it was."""

    opened: FindingOpened
    closed: FindingClosed | None = None

    @property
    def is_open(self) -> bool:
        """Whether it shuts the gate."""
        return self.closed is None

    @property
    def sentence(self) -> str:
        """Return that it is open, for those who wait for the gate."""
        opened = self.opened
        what = f"{opened.by} found {opened.text!r}"
        return f"A finding of {opened.severity} severity is open, {opened.finding_id}: {what}. Close it first."

    def concerns(self, subject: Subject) -> bool:
        """Whether it is about what a request asks for."""
        opened = self.opened
        return (
            opened.model == subject.model
            and opened.version in (None, subject.version)
            and (opened.alias is None or folded(opened.alias) == folded(subject.alias))
        )

    def shuts(self, subject: Subject) -> bool:
        """Whether it keeps the alias where it is while it is open.

        The way back is open unless it is about that version, and an emergency, like the end of one, does not wait.
        """
        if not self.is_open or subject.purpose in (Purpose.BREAK_GLASS, Purpose.REVERT):
            return False
        return self.concerns(subject) and (subject.purpose is not Purpose.ROLLBACK or self.opened.version is not None)

    def to_json(self) -> dict[str, Any]:
        """Return who found what, and who closed it why, as JSON values."""
        opened, closed = self.opened, self.closed
        return {
            "finding_id": opened.finding_id,
            "model": opened.model,
            "version": opened.version,
            "alias": opened.alias,
            "severity": str(opened.severity),
            "text": opened.text,
            "by": opened.by,
            "account": opened.account,
            "opened_at": opened.at.isoformat(),
            "open": self.is_open,
            "closed_by": closed.person if closed else None,
            "closed_at": closed.at.isoformat() if closed else None,
            "closed_because": closed.reason if closed else None,
        }


def findings_in(events: Iterable[FindingEvent]) -> tuple[Finding, ...]:
    """Return the findings of a model, oldest first, from everything that happened to them."""
    found: dict[str, Finding] = {}
    for event in events:
        if isinstance(event, FindingOpened):
            found[event.finding_id] = Finding(event)
        elif event.finding_id in found:
            found[event.finding_id] = Finding(found[event.finding_id].opened, event)
    return tuple(found.values())


def as_of(findings: Iterable[Finding], moment: datetime) -> tuple[Finding, ...]:
    """Return the findings as they were at a moment."""
    return tuple(
        Finding(each.opened, each.closed if each.closed and each.closed.at <= moment else None)
        for each in findings
        if each.opened.at <= moment
    )
