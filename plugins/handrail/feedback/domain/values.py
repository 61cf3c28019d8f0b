"""What is recorded: deployments, predictions, feedback events; and what recording answers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from operator import index
from uuid import NAMESPACE_URL, uuid5

from handrail.errors import InvalidInput
from handrail.feedback.domain.quarantine import Refusal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_TEXT = 500
MAX_WHOLE = 2**31 - 1


def moment_text(moment: datetime) -> str:
    """Write an aware moment as UTC with microseconds: equal moments give equal texts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def microseconds(moment: datetime) -> int:
    """Turn an aware moment into whole microseconds since 1970 UTC."""
    return (moment - EPOCH) // MICROSECOND


def prediction_id_for(deployment: str, subject: str, made_at: datetime) -> str:
    """Name a prediction by what it is, so that answering the same request twice records it once (UUID 5)."""
    return str(uuid5(NAMESPACE_URL, json.dumps([deployment, subject, moment_text(made_at)])))


def _digest_lines(lines: Iterable[str]) -> bytes:
    # Unambiguous: no text that was let in holds a line break.
    return sha256("\n".join(lines).encode()).digest()


def _said(**values: str | float | datetime | None) -> Iterator[str]:
    """Yield a line for each value that is said: bodies from before a field existed keep their digest."""
    for name, value in values.items():
        if value not in ("", None):
            yield f"{name}={moment_text(value) if isinstance(value, datetime) else _plain(value)}"


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else repr(float(value))


def _check_text(field: str, text: str, optional: bool = False) -> None:
    if optional and text == "":
        return
    if not isinstance(text, str) or not text or len(text) > MAX_TEXT or not text.isprintable():
        raise InvalidInput(
            field,
            f"{str(text)[:40]!r} is not a name",
            f"Send 1 to {MAX_TEXT} printable characters, without line breaks.",
        )


def _check_moment(field: str, moment: datetime) -> None:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidInput(
            field, f"{str(moment)!r} has no time zone", "Send an aware moment such as 2013-08-01T04:00Z."
        )


def _check_number(field: str, number: float | None) -> None:
    try:
        finite = number is None or math.isfinite(number)
    except (TypeError, OverflowError):
        finite = False
    if not finite:
        raise InvalidInput(field, f"{number!r} is not a finite number", "Send a finite number.")


def _check_probability(field: str, number: float | None) -> None:
    _check_number(field, number)
    if number is not None and not 0 < number <= 1:
        raise InvalidInput(field, f"{number!r} is not a probability above 0", "Send a number above 0, at most 1.")


def _check_whole(field: str, number: int, least: int) -> None:
    try:
        fits = least <= index(number) <= MAX_WHOLE
    except TypeError:
        fits = False
    if not fits:
        problem = f"{str(number)[:40]!r} is not a whole number from {least} to {MAX_WHOLE}"
        raise InvalidInput(field, problem, "Send one that is.")


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """One rollout and the bytes it serves. Facts are None while only its predictions are known."""

    uri: str
    tree_digest: str | None = None
    model_version_uri: str | None = None
    bento_uri: str | None = None
    started_at: datetime | None = None

    def __post_init__(self) -> None:
        _check_text("uri", self.uri)
        if self.started_at is not None:
            _check_moment("started_at", self.started_at)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer of a deployment about a subject.

    `made_at` is event time. `score` is the probability, `label` the decision made from it. `latency_ms` is a
    measurement of one answer, not part of the prediction: repeating it with another latency does not conflict.
    `variant` is what the subject was assigned to in a comparison of versions, with which probability `propensity`;
    `sampled` is the probability with which a prediction like this is recorded at all; None: nobody said.
    `degraded` says in short which features it was made without, such as `away:prices`; empty: none that matter.
    """

    prediction_id: str
    deployment: str
    subject: str
    made_at: datetime
    score: float
    label: int
    features_digest: str = ""
    feature_service: str = ""
    latency_ms: float | None = None
    variant: str = ""
    propensity: float | None = None
    sampled: float | None = None
    degraded: str = ""

    def __post_init__(self) -> None:
        _check_text("prediction_id", self.prediction_id)
        _check_text("deployment", self.deployment)
        _check_text("subject", self.subject)
        _check_text("features_digest", self.features_digest, optional=True)
        _check_text("feature_service", self.feature_service, optional=True)
        _check_moment("made_at", self.made_at)
        _check_number("score", self.score)
        _check_whole("label", self.label, -MAX_WHOLE)
        _check_number("latency_ms", self.latency_ms)
        _check_text("variant", self.variant, optional=True)
        _check_probability("propensity", self.propensity)
        _check_probability("sampled", self.sampled)
        _check_text("degraded", self.degraded, optional=True)

    def body_digest(self) -> bytes:
        """Digest everything that must be equal when the same id comes again (sha256, 32 bytes)."""
        body = (
            "prediction/1",
            self.prediction_id,
            self.deployment,
            self.subject,
            moment_text(self.made_at),
            repr(float(self.score)),
            repr(int(self.label)),
            self.features_digest,
            self.feature_service,
        )
        later = ("variant", "propensity", "sampled", "degraded")
        return _digest_lines((*body, *_said(**{name: getattr(self, name) for name in later})))


@dataclass(frozen=True, slots=True)
class Feedback:
    """One statement of a source about a prediction; a later revision supersedes an earlier one.

    A retraction withdraws what was said and carries no value. `received_at` is when Handrail first heard it;
    repeating the event at another time does not conflict. Without an `event_id` the event is named by its content.

    What it is about is a `prediction_id`, or where that is empty a business key: `subject`, if need be with the
    `service` that answered and when its prediction was made, in [since, until). `item` distinguishes several things of
    one kind about one prediction, such as two bookings, each with its own revisions. `unit` is the currency of an
    amount.
    """

    prediction_id: str
    kind: str
    value: float | None
    source: str
    revision: int
    occurred_at: datetime
    received_at: datetime
    event_id: str | None = None
    retracts: bool = False
    subject: str = ""
    service: str = ""
    since: datetime | None = None
    until: datetime | None = None
    item: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        self._check_address()
        for name in ("item", "unit"):
            _check_text(name, getattr(self, name), optional=True)
        _check_text("kind", self.kind)
        _check_text("source", self.source)
        _check_moment("occurred_at", self.occurred_at)
        _check_moment("received_at", self.received_at)
        _check_number("value", self.value)
        if self.event_id is not None:
            _check_text("event_id", self.event_id)
        _check_whole("revision", self.revision, 0)
        if self.retracts != (self.value is None):
            problem = "a retraction carries no value" if self.retracts else "it is missing"
            raise InvalidInput("value", problem, "Send either a value, or retracts: true without one.")

    def _check_address(self) -> None:
        for name in ("prediction_id", "subject", "service"):
            _check_text(name, getattr(self, name), optional=True)
        if bool(self.prediction_id) == bool(self.subject):
            problem = "a subject is named beside it" if self.subject else "it is missing, and so is a subject"
            raise InvalidInput("prediction_id", problem, "Name either the prediction_id or the subject.")
        if self.prediction_id and (self.service or self.since or self.until):
            raise InvalidInput("prediction_id", "a service or a window is named beside it", "They go with a subject.")
        for name in ("since", "until"):
            if getattr(self, name) is not None:
                _check_moment(name, getattr(self, name))
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("until", f"{self.until} is not after since", "Give a later moment.")

    @property
    def key(self) -> str:
        """The event's id: the client's, else the hex digest of its content."""
        return self.event_id or self.body_digest().hex()

    def body_digest(self) -> bytes:
        """Digest everything that must be equal when the same id comes again.

        The sha256 (32 bytes) of source, prediction id, kind, revision, occurred_at and value, a line each; then a line
        for what else is said.
        """
        value = "" if self.value is None else repr(float(self.value))
        occurred_at = moment_text(self.occurred_at)
        first = (self.source, self.prediction_id, self.kind, str(int(self.revision)), occurred_at, value)
        later = ("subject", "service", "since", "until", "item", "unit")
        return _digest_lines((*first, *_said(**{name: getattr(self, name) for name in later})))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: newly kept, known already, ids that came again with another body, and refused rows.

    A conflicting body is kept in quarantine, and the first one stands; a refused row is kept there too.
    """

    accepted: int = 0
    repeated: int = 0
    conflicts: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: Receipt) -> Receipt:
        counts = (self.accepted + other.accepted, self.repeated + other.repeated)
        return Receipt(*counts, self.conflicts + other.conflicts, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class Damage:
    """A row that is not as it was recorded; `kind` is stable and short, `detail` says what shows it."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """How much the log holds; an orphan is feedback whose prediction has not come (yet).

    `conflicts` counts ids that came again with another body, `quarantined` what waits in quarantine for a person.
    """

    deployments: int
    predictions: int
    feedback: int
    orphans: int
    conflicts: int
    snapshots: int
    quarantined: int = 0

    @property
    def orphan_share(self) -> float:
        """Share of feedback events without a prediction, 0 to 1."""
        return self.orphans / self.feedback if self.feedback else 0.0
