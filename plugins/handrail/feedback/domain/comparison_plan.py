"""What is compared, by which rule, and the answer: plain values, so that a plan can be written down before it is used.

NumPy is not needed here: `handrail.feedback.domain.comparing` computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from handrail.errors import InvalidInput

if TYPE_CHECKING:
    from handrail.statistics import Guardrail, Simulation, Verdict

Better = Literal["higher", "lower"]
Design = Literal["open_ended", "fixed_horizon"]
Unit = Literal["subject", "day"]

BETTER: dict[str, Better | None] = {
    "brier": "lower",
    "log_loss": "lower",
    "accuracy": "higher",
    "mae": "lower",
    "mse": "lower",
    "conversion": "higher",
    "revenue_per_prediction": "higher",
    "cost_per_prediction": "lower",
    "latency_ms": "lower",
    "mean_label": None,
}
"""The metrics that a comparison can follow, each a mean over predictions, and on which side each is better."""

IN_SHARES = ("brier", "log_loss", "accuracy", "conversion")
USUAL_MATTERS = 0.01
"""The smallest gain that matters in metrics of shares and probabilities, if nobody says another one."""
FEWEST = {"subject": 200, "day": 30}
"""How many units an arm needs before anything is said: the rules hold for many."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of one kind of feedback, and on which side it is better.

    Raises:
        InvalidInput: the metric is unknown, or nothing says which side is better.
    """

    kind: str
    metric: str
    better: Better | None = None

    def __post_init__(self) -> None:
        if self.metric not in BETTER:
            problem = f"{self.metric!r} is no mean over predictions that can be followed"
            raise InvalidInput("metric", problem, f"Use one of {', '.join(BETTER)}.")
        if self.side is None:
            problem = f"nothing says whether a high {self.metric} of {self.kind!r} is good"
            raise InvalidInput("better", problem, "Say higher or lower.")

    @property
    def side(self) -> Better | None:
        """The side on which it is better: what was said, else what the metric's name means."""
        return self.better or BETTER[self.metric]


@dataclass(frozen=True, slots=True)
class Guard:
    """A metric that must not get worse by more than `margin`, in its own unit, above 0."""

    measure: Measure
    margin: float

    def __post_init__(self) -> None:
        if not 0 < self.margin < float("inf"):
            raise InvalidInput("margin", f"{self.margin!r} is not above 0", "Say how much worse is still acceptable.")


@dataclass(frozen=True, slots=True)
class Sides:
    """The two versions: values of `variant`, or URIs of deployments."""

    by: Literal["variant", "deployment"]
    champion: str
    challenger: str

    def __post_init__(self) -> None:
        if not self.champion or not self.challenger or self.champion == self.challenger:
            problem = f"{self.champion!r} and {self.challenger!r} are not two of them"
            raise InvalidInput(f"{self.by}s", problem, "Name the champion, then the challenger.")


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """Everything that should be decided before the first look.

    `matters` is the smallest gain that matters, in the metric's unit: within it there is no difference that matters,
    and an `open_ended` design is tuned to it. `horizon` is how many units an arm a `fixed_horizon` design has. `unit`
    is what counts as one observation: a subject with all its predictions, or a day with all its subjects, where those
    of a day share what happens to them. `shares` are the intended shares of champion and challenger; if None they are
    what the predictions' propensities say. `paired` says that both answered the same cases (a shadow); None: see the
    data.

    Raises:
        InvalidInput: a number is out of range, or is missing for the design.
    """

    sides: Sides
    measure: Measure
    design: Design = "open_ended"
    matters: float | None = None
    horizon: int | None = None
    guards: tuple[Guard, ...] = ()
    unit: Unit = "subject"
    shares: tuple[float, float] | None = None
    paired: bool | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if self.design == "fixed_horizon" and not (self.horizon and self.horizon > 0):
            raise InvalidInput("horizon", "a fixed_horizon needs one", "Say how many subjects an arm there will be.")
        if self.design == "open_ended" and self.horizon is not None:
            raise InvalidInput("horizon", "an open_ended design has none", "Leave it out, or use fixed_horizon.")
        if self.matters is not None and not 0 < self.matters < float("inf"):
            raise InvalidInput("matters", f"{self.matters!r} is not above 0", "Give the smallest gain that matters.")
        if self.design == "open_ended" and self.smallest is None:
            problem = f"nothing says which gain in {self.measure.metric} matters"
            raise InvalidInput("matters", problem, "Give the smallest one, in the metric's own unit.")
        if self.shares is not None and not (min(self.shares) > 0 and abs(sum(self.shares) - 1) < 1e-9):
            raise InvalidInput("shares", f"{self.shares!r} do not sum to 1", "Give two numbers such as 0.5 0.5.")

    @property
    def smallest(self) -> float | None:
        """The smallest gain that matters: what was said, else `USUAL_MATTERS` for metrics of shares."""
        if self.matters is None and self.measure.metric in IN_SHARES:
            return USUAL_MATTERS
        return self.matters

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of feedback that is read, the main one first."""
        return tuple(dict.fromkeys([self.measure.kind, *(guard.measure.kind for guard in self.guards)]))


@dataclass(frozen=True, slots=True)
class ComparisonArm:
    """One version in a comparison: what it answered, and what is known of it.

    `judged` counts the mature predictions whose outcome is known, `mean` is the metric over them (None: there is none).
    """

    name: str
    deployments: tuple[str, ...]
    predictions: int
    subjects: int
    judged: int
    coverage: float
    mean: float | None


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """The answer about two versions at one moment, and what it rests on.

    `ratio_p` is the p-value of the arms' shares, of all subjects and of those with an outcome, whichever is smaller; 1
    where both answered the same cases. `pairs` counts those cases, `crossed` the subjects that were left out because
    both arms have them. `looks` counts the days on which something was added, `days_left` is about how long an
    inconclusive one needs, None where that is not known. `simulated` is what the rule and naive peeking do where
    nothing differs, None where there is too little to simulate.
    """

    plan: ComparisonPlan
    verdict: Verdict
    champion: ComparisonArm
    challenger: ComparisonArm
    paired: bool
    pairs: int
    crossed: int
    ratio_p: float
    mature: bool
    looks: int
    units: float
    days_left: float | None
    guardrails: tuple[Guardrail, ...]
    simulated: Simulation | None
    start: datetime | None
    end: datetime
    as_of: datetime
