"""What the page of a request is made of: the request as it is or was, who looks, and what they sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handrail.approvals import PastView, RequestView, Reviewers, Wording
from handrail.monitored import MonitoringAlert

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why what was sent was not recorded, in sentences; it stands at the form."""

    title: str
    lines: tuple[str, ...] = ()
    kind: str = "bad"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a person sent and that was not recorded: it stands in the form again."""

    problem: Problem | None = None
    choice: str = ""
    reason: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page is made of.

    Attributes:
        view: the request as it is now.
        reviewers: who decides, for the account that looks; None where it has no policy any more.
        evidence: the content that it was opened with, by name.
        changed: what changed since the champion, as JSON values; None if that is not known.
        tokens: for the form by its name: `decision`, `renewal`, `answer-<number>`; without one there is no form.
        now: the moment that the page is about, system time: that of the look, or the earlier one that was asked for.
        said: what was recorded just now, to be confirmed on top.
        sent: what was sent and not recorded.
        named: gives the person behind an account.
        past: how the request was at `now`, if that is an earlier moment: then nothing can be decided on the page.
        wording: what people call the model's answers, and what they are about.
        emergency: what waits for a confirmation, as JSON values, if this is about an emergency that does.
        behind: the slots that answer with another version of the model, as JSON values; None where the alias is not at
            this version, or moved on.
        alerts: what monitoring reported about the period that the request's comparison names.
    """

    view: RequestView
    reviewers: Reviewers | None
    evidence: Mapping[str, Any]
    now: datetime
    changed: Mapping[str, Any] | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    said: Row | None = None
    sent: Sent = Sent()
    named: Callable[[str], str] = str
    past: PastView | None = None
    emergency: Row | None = None
    wording: Wording = Wording()
    behind: Sequence[Mapping[str, Any]] | None = None
    alerts: Sequence[MonitoringAlert] = ()
