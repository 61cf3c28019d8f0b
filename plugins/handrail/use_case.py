"""What a project predicts, about what, and how an answer is judged: config/use_case.yaml as a model.

Everything that is not about one table reads this, so that another table needs another description and no other code.
"""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from handrail.config import Mistake, Moment, Section, mistaken, read_config, read_yaml
from handrail.errors import UnknownReference
from handrail.everyday import EverydayWords, group_mistakes
from handrail.everyday import Group as Group
from handrail.label_kinds import NUMERIC, LabelKind
from handrail.limits import Fairness, fairness_mistakes
from handrail.limits import Limit as Limit
from handrail.limits import Moves as Moves
from handrail.request_field import FieldType as FieldType
from handrail.request_field import RequestField as RequestField
from handrail.request_field import Words, moment_of
from handrail.statistics import METRICS_OF, Metric

FILE = Path("config") / "use_case.yaml"
KINDS_FILE = Path("config") / "feedback.yaml"
WORD = r"^[a-z][a-z0-9_]*$"
NAME = r"^[a-z][a-z0-9_]{0,39}$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ValueError(f"is {name!r}, expected a time zone such as Europe/Berlin or UTC") from err
    return name


Column = Annotated[str, Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Service = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*_v[0-9]+$")]


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
    feedback: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = "ground_truth"

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if mistakes := [*self._mistakes()]:
            raise mistaken(*mistakes)
        return self

    def _mistakes(self) -> Iterator[Mistake]:
        kinds: dict[str, tuple[str, ...]] = {
            "positive": ("binary",),
            "negative": ("binary",),
            "classes": ("multiclass",),
            "unit": NUMERIC,
        }
        for name, of in kinds.items():
            if getattr(self, name) is None:
                if self.kind in of and name != "unit":
                    yield Mistake((name,), f"is missing, which a {self.kind} label needs", "Add it.")
            elif self.kind not in of:
                yield Mistake((name,), f"belongs to {' and '.join(of)}, and the label is {self.kind}", "Remove it.")
        if self.positive is not None and self.positive == self.negative:
            yield Mistake(("negative",), f"is {self.negative!r}, as 'positive' is", "Give each its own name.")
        if twice := _repeated(self.classes or ()):
            yield Mistake(("classes", twice[0]), f"is {twice[1]!r}, which is there already", "Remove one of the two.")


class Features(Section):
    """Feature sets by name, each a Feast service; a changed set is a new one, and `earlier` has those of old models."""

    sets: Annotated[dict[str, Service], Field(min_length=1)]
    default: str
    earlier: tuple[Service, ...] = ()

    @field_validator("default")
    @classmethod
    def _is_a_set(cls, name: str, info: ValidationInfo) -> str:
        sets = info.data.get("sets", {})
        if sets and name not in sets:
            raise ValueError(f"is {name!r}, expected one of {', '.join(sorted(sets))}")
        return name


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

    @model_validator(mode="after")
    def _outcomes_follow(self) -> Self:
        if self.outcomes_until < self.until:
            is_written, until = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (self.outcomes_until, self.until))
            problem = f"is {is_written}, expected {until} or later, which is 'until'"
            raise mistaken(Mistake(("outcomes_until",), problem))
        return self


class UseCase(Section):
    """The whole description. Windows (train, validate, go-live) are in params.yaml: each retraining moves them.

    `question` is what is asked of each subject; `purpose` is a sentence for those who decide about a version and do not
    know the model: when it is answered, and for whom.
    """

    version: Literal[1]
    name: Annotated[str, Field(pattern=NAME)]
    question: Words
    purpose: Words | None = None
    subject: Subject
    entities: tuple[Column, ...] = ()
    time: Times
    label: Label
    request: Annotated[dict[Column, RequestField], Field(min_length=1)]
    features: Features
    slices: tuple[Column, ...] = ()
    groups: dict[Column, Group] = Field(default_factory=dict)
    words: EverydayWords | None = None
    fairness: Fairness | None = None
    moves: Moves = Moves()
    cluster: Annotated[str, Field(pattern=WORD)] = "day"
    metrics: Metrics
    costs: Costs | None = None
    replay: Live | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if mistakes := [*self._mistakes_of_metrics(), *self._mistakes_of_columns()]:
            raise mistaken(*mistakes)
        return self

    def _mistakes_of_metrics(self) -> Iterator[Mistake]:
        kind, known = self.label.kind, self.metric_by_name
        judging = [name for name, metric in known.items() if metric.better != "neither"]
        if self.metrics.main not in judging:
            what = "describes" if self.metrics.main in known else "does not judge"
            problem = f"is {self.metrics.main!r}, which {what} a {kind} label"
            yield Mistake(("metrics", "main"), problem, f"Write one of: {_listed(judging)}.")
        for name in self.metrics.limits:
            if name not in known:
                problem = f"limits what does not judge a {kind} label"
                yield Mistake(("metrics", "limits", name), problem, f"Write one of: {_listed(known)}.")
        for key in ("costs", "words"):
            if getattr(self, key) is not None and kind != "binary":
                yield Mistake((key,), f"belongs to a binary label, and {self.label.column!r} is {kind}", "Remove it.")

    def _mistakes_of_columns(self) -> Iterator[Mistake]:
        subject, label = self.subject.column, self.label.column
        if subject not in self.request:
            yield Mistake(("request",), f"lacks {subject!r}, which names what is asked about", "Add that field.")
        if label in self.request:
            yield Mistake(("request", label), "is the label, which nobody knows yet", "Remove it.")
        for place, name in enumerate(self.entities):
            if name not in self.request and name != label:
                problem = f"is {name!r}, which no request holds"
                yield Mistake(("entities", place), problem, f"Write one of: {_listed(self.request)}.")
        yield from self._mistakes_of_parts()
        yield from group_mistakes(self.groups, self.slices, label)
        if self.fairness is not None:
            yield from fairness_mistakes(self.fairness, self.slices, self.label.kind)

    def _mistakes_of_parts(self) -> Iterator[Mistake]:
        """Look at what rows are grouped by: entities, slices and clusters."""
        subject, label = self.subject.column, self.label.column
        for key in ("entities", "slices"):
            names = getattr(self, key)
            if label in names:
                problem = f"is {label!r}, the label, which nobody knows yet"
                yield Mistake((key, names.index(label)), problem, "Remove it.")
            if twice := _repeated(names):
                yield Mistake((key, twice[0]), f"is {twice[1]!r}, which is there already", "Remove one of the two.")
        drawn = {self.time.day, subject, *self.entities, *self.slices, *self.request} - {label}
        if self.cluster not in drawn:
            problem = f"is {self.cluster!r}, which no training row is sure to have"
            yield Mistake(("cluster",), problem, f"Write one of: {_listed(drawn)}.")

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
            InvalidInput: a moment is not one.
        """
        moments = [name for name, field in self.request.items() if field.type == "moment"]
        return {**item, **{name: moment_of(name, item[name]) for name in moments if item.get(name) is not None}}

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
        Misconfigured: the file is missing, a key in it is unknown, missing or wrong, or config/feedback.yaml lacks the
            kind of the label's feedback; the sentence names the line.
    """
    case = read_config(project / FILE, UseCase, shown=FILE.as_posix())
    _require_kind(project, case)
    return case


def _require_kind(project: Path, case: UseCase) -> None:
    """Refuse a kind of feedback that is not declared; what is wrong in its own file is reported by its own reader."""
    if not (project / KINDS_FILE).is_file():
        return
    kinds = read_yaml(project / KINDS_FILE, KINDS_FILE.as_posix()).values.get("kinds")
    if isinstance(kinds, Mapping) and case.label.feedback not in kinds:
        problem = f"is {case.label.feedback!r}, which {KINDS_FILE.as_posix()} does not declare"
        remedy = f"Write one of: {_listed(str(name) for name in kinds)}." if kinds else "Declare it there."
        raise read_yaml(project / FILE, FILE.as_posix()).wrong(("label", "feedback"), problem, remedy)


def _repeated(names: Sequence[str]) -> tuple[int, str] | None:
    """Return the first name that was there before, with its place."""
    return next(((place, name) for place, name in enumerate(names) if name in names[:place]), None)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
