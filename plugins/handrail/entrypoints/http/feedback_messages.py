"""Predictions and feedback as JSON, in an HTTP body or a line of a file. Nothing here records anything."""

# pydantic reads the annotations at run time, so they stay real.

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from handrail.entrypoints.http.problems import first_fault
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Prediction, Reason, Rejected, Review

MAX_BATCH = 5000

Name = Annotated[str, Field(min_length=1, max_length=500)]
Maybe = Annotated[str, Field(max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]
Whole = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


class FeedbackMessage(BaseModel):
    """What a source reports about a prediction, by its id or by what the business calls its subject."""

    model_config = ConfigDict(extra="forbid", title="Feedback")

    prediction_id: Maybe = Field(default="", description="the id that the prediction was answered with, or a subject")
    subject: Maybe = Field(default="", description="instead of an id: what the prediction is about")
    service: Maybe = Field(default="", description="with a subject: the service in the name of its deployment")
    since: AwareDatetime | None = Field(default=None, description="with a subject: made at this moment or later")
    until: AwareDatetime | None = Field(default=None, description="with a subject: made before this moment")
    kind: Name = Field(description="a kind that config/feedback.yaml declares", examples=["ground_truth"])
    value: Number | None = Field(default=None, description="what is true now; none in a retraction")
    source: Name = Field(description="who reports it", examples=["outcome-feed"])
    revision: Whole = Field(default=0, description="a correction counts up; the highest revision is current")
    occurred_at: AwareDatetime = Field(description="when it became true in the world, with a time zone")
    retracts: bool = Field(default=False, description="withdraw what was reported before")
    event_id: Name | None = Field(default=None, description="your key of this event; its content's digest if left out")
    item: Maybe = Field(default="", description="which of several about one prediction, such as a booking")
    unit: Maybe = Field(default="", description="the currency of an amount; that of its kind if left out")
    text: Text | None = Field(default=None, description="in place of a value: what somebody wrote, for a kind of texts")

    def to_event(self, received_at: datetime) -> Feedback:
        """Return the event as received at that moment.

        Raises:
            InvalidInput: a rule of feedback is broken.
        """
        # `model_dump` would copy what are plain values already, which takes a seventh of the time of a line.
        said = vars(self) | {"received_at": received_at}
        if said.pop("text") is None:
            return Feedback(**said)
        if self.value is not None:
            raise InvalidInput("value", "a text is beside it", "Send one of the two.")
        return Review(**said | {"value": 1.0, "text": self.text})


class FeedbackLine(FeedbackMessage):
    """An event in a file; in a back-fill it names when it first arrived."""

    model_config = ConfigDict(title="FeedbackLine")

    received_at: AwareDatetime | None = Field(default=None, description="when it first arrived; now if left out")


class PredictionMessage(BaseModel):
    """One answer of a service, in a body or a line of a file; there its score distinguishes it from feedback."""

    model_config = ConfigDict(extra="forbid", title="Prediction")

    prediction_id: Name = Field(description="its id, the same whenever it is sent; feedback names it")
    deployment: Name = Field(description="what answered", examples=["deploy://local/espresso/1"])
    subject: Name = Field(description="what it is about; the key of the label in an export")
    made_at: AwareDatetime = Field(description="when it was made, with a time zone")
    score: Number = Field(description="the probability, or the number that was predicted")
    label: Annotated[int, Field(strict=True)] = Field(description="the decision made from the score")
    features_digest: str = Field(default="", description="digest of the features that it was made from")
    feature_service: str = Field(default="", description="where they were read")
    latency_ms: Number | None = Field(default=None, description="how long the answer took; no part of what it says")
    variant: Maybe = Field(default="", description="what the subject was assigned to in a comparison of versions")
    propensity: Share | None = Field(default=None, description="the probability of that assignment")
    sampled: Share | None = Field(default=None, description="the probability with which such a prediction is recorded")
    degraded: Maybe = Field(default="", description="which features it was made without, as away:prices; empty: none")

    def to_prediction(self) -> Prediction:
        """Return the prediction.

        Raises:
            InvalidInput: a rule of predictions is broken.
        """
        return Prediction(**vars(self))


def read_event(content: Any, now: datetime) -> Feedback | Rejected:
    """Read an event of a batch, received `now`; what cannot be read comes back as such, with the field at fault."""
    return _read(content, "feedback", lambda: FeedbackMessage.model_validate(content).to_event(now))


def read_prediction(content: Any) -> Prediction | Rejected:
    """Read a prediction of a batch; what cannot be read comes back as such, with the field at fault."""
    return _read(content, "prediction", lambda: PredictionMessage.model_validate(content).to_prediction())


def read_row(content: Any, now: datetime, origin: str = "") -> Prediction | Feedback | Rejected:
    """Read a row of a file: one with a score is a prediction, any other feedback, received `now` if it does not say."""
    if isinstance(content, dict) and "score" in content:
        return _from(read_prediction(content), origin)

    def event() -> Feedback:
        said = FeedbackLine.model_validate(content)
        return said.to_event(said.received_at or now)

    return _from(_read(content, "feedback", event), origin)


def read_line(line: str, now: datetime, origin: str = "") -> Prediction | Feedback | Rejected:
    """Read one line of an NDJSON file, as `read_row`; one that is not JSON comes back as rejected too."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        problem = "line: it is not JSON. Write one JSON object a line."
        return Rejected("feedback", Reason.MALFORMED, "line", problem, line.rstrip("\r\n"), origin)
    return read_row(content, now, origin)


Row = TypeVar("Row", Prediction, Feedback)


def _read(content: Any, what: str, make: Callable[[], Row]) -> Row | Rejected:
    if not isinstance(content, dict):
        return Rejected(what, Reason.MALFORMED, "row", "row: it is not a JSON object. Send one for each row.", content)
    try:
        return make()
    except ValidationError as err:
        field, said = first_fault(err.errors())
        return Rejected(what, Reason.MALFORMED, field, f"{field}: {said}. Correct the field.", content)
    except InvalidInput as err:
        return Rejected(what, Reason.MALFORMED, err.field, str(err), content)


def _from(row: Prediction | Feedback | Rejected, origin: str) -> Prediction | Feedback | Rejected:
    """Return the row with where it came from, if it is rejected."""
    return replace(row, origin=origin) if isinstance(row, Rejected) and origin else row
