"""What a project predicts, about what, and how an answer is judged: config/use_case.yaml as a model.

Everything that is not about one table reads this, so that another table needs another description and no other code.
"""

# pydantic reads the annotations at run time, so they stay real.

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from handrail.config import Moment, Section, as_moment, read_config
from handrail.errors import UnknownReference
from handrail.label_kinds import NUMERIC, LabelKind
from handrail.statistics import METRICS_OF, Metric

FILE = Path("config") / "use_case.yaml"
FieldType = Literal["text", "whole", "number", "truth", "moment"]
WORD = r"^[a-z][a-z0-9_]*$"
NAME = r"^[a-z][a-z0-9_]{0,39}$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ValueError(f"is {name!r}, expected a time zone such as Europe/Berlin or UTC") from err
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as err:
        raise ValueError(f"is not a regular expression: {err}") from err
    return text


Column = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=400)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class Subject(Section):
    """What a prediction is about: the column that identifies it, and how people call one and many of them."""

    column: Column
    one: Words
    many: Annotated[str, Field(pattern=WORD)]


class Times(Section):
    """Columns of moments: when a prediction is made (`event`), when its label becomes known; and the local day.

    Windows are cut by `day`, a calendar day in `zone`.
    """

    event: Column = "event_timestamp"
    known: Column
    day: Column = "day"
    zone: Zone = "UTC"


class Label(Section):
    """What is predicted. `feedback` names the kind of config/feedback.yaml with its maturity and what absence means.

    `positive` and `negative` are what a binary label's 1 and 0 are called; `classes` are a multiclass label's values
    in the order of their codes; `unit` is that of a regression or a count.
    """

    column: Column
    kind: LabelKind
    positive: Words | None = None
    negative: Words | None = None
    classes: Annotated[tuple[Words, ...], Field(min_length=3)] | None = None
    unit: Words | None = None
    feedback: Words = "ground_truth"

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        needed = {"binary": ("positive", "negative"), "multiclass": ("classes",)}.get(self.kind, ())
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"is {self.kind} and lacks {name!r}")
        for name, kind in (("positive", "binary"), ("negative", "binary"), ("classes", "multiclass")):
            if getattr(self, name) is not None and self.kind != kind:
                raise ValueError(f"is {self.kind}, and {name!r} belongs to {kind}")
        if self.unit is not None and self.kind not in NUMERIC:
            raise ValueError(f"is {self.kind}, and 'unit' belongs to regression and count")
        if self.classes is not None and len(set(self.classes)) < len(self.classes):
            raise ValueError("names a class twice")
        return self


class RequestField(Section):
    """One field of a request: its type, what it may hold, and an example for the page at /docs."""

    type: FieldType
    says: Words = "not described"
    example: str | int | float | bool | None = None
    nullable: bool = False
    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: Words | None = None

    @model_validator(mode="after")
    def _bounds_fit_the_type(self) -> Self:
        if self.pattern is not None and self.type != "text":
            raise ValueError(f"is a {self.type}, and 'pattern' belongs to text")
        if (self.at_least, self.at_most) != (None, None) and self.type not in ("whole", "number"):
            raise ValueError(f"is a {self.type}, and bounds belong to whole and number")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_most is {self.at_most:g}, expected at least {self.at_least:g}")
        return self


class Features(Section):
    """Feature sets by name, each the Feast feature service that it is; a changed set is a service with another name."""

    sets: Annotated[dict[str, Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*_v[0-9]+$")]], Field(min_length=1)]
    default: str

    @field_validator("default")
    @classmethod
    def _is_a_set(cls, name: str, info: ValidationInfo) -> str:
        sets = info.data.get("sets", {})
        if sets and name not in sets:
            raise ValueError(f"is {name!r}, expected one of {', '.join(sorted(sets))}")
        return name


class Limit(Section):
    """From where on a figure of production raises an alert, and the objective of config/objectives.yaml behind it."""

    limit: float
    objective: str


class Metrics(Section):
    """How answers are judged: the metric that decides, how much worse a challenger may be, and limits in production."""

    main: str
    margin: Annotated[float, Field(ge=0)]
    limits: dict[str, Limit] = Field(default_factory=dict)


class Costs(Section):
    """What a wrong binary answer costs, in `unit`: a positive that was missed, and a false alarm."""

    unit: Words
    missed: Annotated[float, Field(ge=0)]
    false_alarm: Annotated[float, Field(ge=0)]


class Live(Section):
    """What comes after the last outcome that the table holds; only a replay of recorded data reads it."""

    until: Moment
    outcomes_until: Moment


class UseCase(Section):
    """The whole description. Windows (train, validate, go-live) are in params.yaml: each retraining moves them."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=NAME)]
    question: Words
    subject: Subject
    entities: tuple[Column, ...] = ()
    time: Times
    label: Label
    request: Annotated[dict[Column, RequestField], Field(min_length=1)]
    features: Features
    slices: tuple[Column, ...] = ()
    cluster: Annotated[str, Field(pattern=WORD)] = "day"
    metrics: Metrics
    costs: Costs | None = None
    replay: Live | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        known = {metric.name for metric in METRICS_OF[self.label.kind]}
        for name in (self.metrics.main, *self.metrics.limits):
            if name not in known:
                raise ValueError(f"metrics: {name!r} does not judge a {self.label.kind} label, use {_listed(known)}")
        if self.main_metric.better == "neither":
            raise ValueError(f"metrics: {self.metrics.main!r} describes and does not judge, so it cannot be main")
        if self.costs is not None and self.label.kind != "binary":
            raise ValueError(f"costs belong to a binary label, and {self.label.column!r} is {self.label.kind}")
        if self.subject.column not in self.request:
            raise ValueError(f"request: it lacks {self.subject.column!r}, which names what is asked about")
        if self.label.column in self.request:
            raise ValueError(f"request: it holds the label {self.label.column!r}, which nobody knows yet")
        return self

    @property
    def main_metric(self) -> Metric:
        """The metric that decides."""
        return next(metric for metric in METRICS_OF[self.label.kind] if metric.name == self.metrics.main)

    @property
    def metric_by_name(self) -> Mapping[str, Metric]:
        """Every metric of this kind of label."""
        return {metric.name: metric for metric in METRICS_OF[self.label.kind]}

    @property
    def example(self) -> dict[str, Any]:
        """A request item made of the fields' examples; moments are read."""
        return self.read_item({name: field.example for name, field in self.request.items()})

    def read_item(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request item as JSON holds it with its moments as such.

        Raises:
            ValueError: a moment is not one.
        """
        moments = [name for name, field in self.request.items() if field.type == "moment"]
        return {**item, **{name: as_moment(item[name]) for name in moments if item.get(name) is not None}}

    def service_of(self, feature_set: str) -> str:
        """Return the Feast feature service of a feature set.

        Raises:
            UnknownReference: there is no such set.
        """
        if feature_set not in self.features.sets:
            known = ", ".join(sorted(self.features.sets))
            remedy = f"Write one of {known}, as config/use_case.yaml has them."
            raise UnknownReference("feature set", feature_set, remedy, "feature_set")
        return self.features.sets[feature_set]


def read_use_case(project: Path) -> UseCase:
    """Read and check `project`/config/use_case.yaml.

    Raises:
        Misconfigured: the file is missing, or a key in it is unknown, missing or wrong; the sentence names the line.
    """
    return read_config(project / FILE, UseCase, shown=FILE.as_posix())


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
