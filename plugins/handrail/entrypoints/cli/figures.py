"""`handrail feedback figures`: how good the answers of a service are by now, and what runs when they are not."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from handrail.bootstrap import open_records
from handrail.clock import parse_moment
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows, read_moment
from handrail.errors import InvalidInput, Unavailable
from handrail.feedback import Clusters, Expected, FeedbackLog, Figure, JudgedWindow, Scope
from handrail.tools import require
from handrail.use_case import FILE, read_use_case

EXAMPLE = "Example: handrail feedback figures --kind ground_truth --metric accuracy --window 30d --at-least 0.70"
ALERT = 3
"""The exit code of an alert; 1 is an error, as everywhere."""
LENGTH = re.compile(r"(\d+)(d|h|m)")
UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the figure and the least coverage; with `if_sure` the whole interval has to lie beyond a bound."""

    at_least: float | None
    at_most: float | None
    coverage: float | None
    if_sure: bool

    def reasons(self, figure: Figure) -> list[str]:
        """Return one sentence for each limit that does not hold; a figure that is not known holds no bound."""
        found = []
        for bound, side in ((self.at_least, "at least"), (self.at_most, "at most")):
            if bound is not None and not self._holds(figure, bound, side):
                seen = "is not known" if figure.value is None else f"is {figure.value:.4g}"
                found.append(f"{figure.metric} {seen}, wanted is {side} {bound:g}.")
        if self.coverage is not None and figure.coverage < self.coverage:
            found.append(f"The outcome of {figure.coverage:.1%} is known, wanted is at least {self.coverage:.1%}.")
        return found

    def _holds(self, figure: Figure, bound: float, side: str) -> bool:
        if figure.value is None:
            return False
        end = figure.high if side == "at least" else figure.low
        best = end if self.if_sure and end is not None else figure.value
        return best >= bound if side == "at least" else best <= bound


Kind = Annotated[str, typer.Option("--kind", help="The kind of feedback that is the truth.")]
Named = Annotated[
    str, typer.Option("--metric", help="roc_auc, log_loss, brier, accuracy, macro_f1, mae, rmse, r2, bias, ...")
]
Window = Annotated[str, typer.Option("--window", help="Length, such as 30d, 12h or 90m: the newest mature one.")]
AtLeast = Annotated[float | None, typer.Option("--at-least", help="Alert below this.")]
AtMost = Annotated[float | None, typer.Option("--at-most", help="Alert above this.")]
CoverageAtLeast = Annotated[
    float | None, typer.Option("--coverage-at-least", min=0, max=1, help="Alert if fewer outcomes are known.")
]
IfSure = Annotated[bool, typer.Option("--if-sure", help="Alert only if the whole interval is beyond the limit.")]
OnAlert = Annotated[
    str | None, typer.Option("--on-alert", help="Command to run on an alert; the figures are JSON on its stdin.")
]
OfDeployment = Annotated[str | None, typer.Option("--deployment", help="Only predictions of this deployment (URI).")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="What was known then; event time now if unset.")]
DrawnBy = Annotated[str, typer.Option("--cluster", help="Drawn for the interval: day, subject or prediction.")]
DayZone = Annotated[str, typer.Option("--zone", help="Time zone of the days.")]


def show_figures(  # noqa: PLR0913 - typer reads the options from the signature
    kind: Kind,
    metric: Named,
    window: Window = "30d",
    at_least: AtLeast = None,
    at_most: AtMost = None,
    coverage: CoverageAtLeast = None,
    if_sure: IfSure = False,
    on_alert: OnAlert = None,
    deployment: OfDeployment = None,
    as_of: AsOf = None,
    cluster: DrawnBy = "day",
    zone: DayZone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Judge the newest mature predictions of any service, with a 95 % interval; exit code 3 is an alert.

    Only mature predictions whose outcome is known count, so that no lateness bends the figure; the share of known
    outcomes is shown beside it.
    """
    require("numpy", "figures")
    limits = Limits(at_least, at_most, coverage, if_sure)
    about = About(kind, metric, read_length(window), deployment, Clusters(_cluster(cluster), _zone(zone)))
    answer = about.judge(None if as_of is None else read_moment("--as-of", as_of))
    reasons = limits.reasons(answer.figure)
    shown = answer.as_json(reasons)
    if as_json:
        print_json(shown)
    else:
        answer.print(reasons)
    if reasons:
        if on_alert is not None:
            run_on_alert(on_alert, shown)
        raise typer.Exit(ALERT)


@dataclass(frozen=True, slots=True)
class About:
    """What is asked: the kind that is the truth, the metric, the window's length, one deployment or all."""

    kind: str
    metric: str
    length: timedelta
    deployment: str | None
    clusters: Clusters

    def judge(self, as_of: datetime | None) -> Answer:
        """Judge the newest window whose predictions are all mature at that moment, event time now if None."""
        with open_records() as platform:
            settings = platform.settings
            _check_metric(settings.project, self.kind, self.metric)
            log, known = platform.feedback, as_of or platform.event_clock()
            start, end = log.due_window(self.kind, self.length, known)
            judged = self._figure(log, Scope(self.kind, start, end, known, self.deployment))
            early = None if judged.figure.predictions else self._so_far(log, end, known)
            expected = log.expected(self.kind, self.metric, known, self.deployment)
        now = _replayed(settings.home / "replay" / "now")
        return Answer(judged.figure, self.kind, start, end, judged.deployments, now, early, expected)

    def _figure(self, log: FeedbackLog, scope: Scope) -> JudgedWindow:
        """Judge part by part, or all at once where pyarrow is not installed: the extra `figures` is enough."""
        if find_spec("pyarrow") is not None:
            return log.labels.judge(scope, self.metric, self.clusters)
        cohort = log.cohort(scope.deployment, scope.kind, scope.start, scope.end, scope.as_of)
        return JudgedWindow(log.figure(cohort, self.metric, self.clusters), tuple(sorted(set(cohort.deployment))))

    def _so_far(self, log: FeedbackLog, start: datetime, known: datetime) -> Figure | None:
        """Judge what is known of predictions that are not mature yet, None if there are none."""
        young = log.cohort(self.deployment, self.kind, start, known + timedelta(microseconds=1), known)
        if not len(young):
            return None
        return log.figure(replace(young, mature=(True,) * len(young)), self.metric, self.clusters)


@dataclass(frozen=True, slots=True)
class Answer:
    """A figure, and what it is about."""

    figure: Figure
    kind: str
    start: datetime
    end: datetime
    deployments: tuple[str, ...]
    replayed: datetime | None = None
    """Where the event time of a replay stands, if there was one."""
    so_far: Figure | None = None
    """The same figure of predictions that are not mature yet, where no other is there: early outcomes are not like
    late ones, so that no limit is held against it."""

    expected: Expected | None = None
    """What the figure of the newest predictions will probably be; no limit is held against it."""

    def as_json(self, reasons: list[str]) -> dict[str, Any]:
        """Return what a program reads; `state` is ok or alert."""
        moments = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        facts = {"kind": self.kind, "deployments": list(self.deployments), "as_of": self.figure.as_of.isoformat()}
        state = {"state": "alert" if reasons else "ok", "reasons": reasons}
        early = {"so_far": None if self.so_far is None else asdict(self.so_far)}
        early |= {"expected": None if self.expected is None else asdict(self.expected)}
        return asdict(self.figure) | moments | facts | state | early

    def _nothing(self) -> str:
        """Say why a window may be empty, and how to choose another one."""
        said = f"No mature prediction was made in that window; newer ones still wait for their {self.kind}."
        if self.replayed:
            return f"{said} What a demo replayed is judged with --as-of {self.replayed:%Y-%m-%dT%H:%MZ}."
        return f"{said} Older ones are judged with --as-of MOMENT or a longer --window."

    def _early(self, figure: Figure) -> str:
        value = "not known" if figure.value is None else f"{figure.value:.4g}"
        return f"{value}, by the {figure.subjects:,} of {figure.predictions:,} predictions whose outcome came early"

    def print(self, reasons: list[str]) -> None:
        """Print the figure as a small table, and the reasons of an alert on stderr."""
        figure = self.figure
        value = "not known" if figure.value is None else f"{figure.value:.4g}"
        interval = "" if figure.low is None else f" (95 %: {figure.low:.4g} to {figure.high:.4g})"
        window = f"{self.start:%Y-%m-%d %H:%MZ} until {self.end:%Y-%m-%d %H:%MZ}"
        known = f"{figure.subjects:,} ({figure.coverage:.1%}), as of {figure.as_of:%Y-%m-%d %H:%MZ}"
        rows = [
            (figure.metric, f"{value}{interval}"),
            ("predictions", f"{figure.predictions:,} from {window}"),
            ("outcomes known", known),
            ("deployments", ", ".join(self.deployments) or "none"),
        ]
        if self.so_far is not None:
            rows.append(("so far", self._early(self.so_far)))
        print_rows([*rows, *_awaited(self.expected)])
        if not figure.predictions:
            messages.print(self._nothing(), highlight=False, markup=False, soft_wrap=True)
        for reason in reasons:
            messages.print(f"alert: {reason}", highlight=False, markup=False)


def _awaited(expected: Expected | None) -> list[tuple[str, str]]:
    """Say what is expected before labels come, and how well the same estimate did."""
    if expected is None:
        return []
    then = expected.hindsight
    value = f"{expected.value:.4g} (95 %: {expected.low:.4g} to {expected.high:.4g})"
    held = "within" if then.held else "outside"
    was = (
        f"{then.estimated:.4g} was expected of the newest {then.predictions:,} with outcomes, {then.realised:.4g} came"
    )
    return [
        ("expected", f"{value}, of {expected.predictions:,} predictions that wait for outcomes"),
        ("how well", f"{was}: {held} {then.low:.4g} to {then.high:.4g}"),
    ]


def read_length(text: str, option: str = "--window") -> timedelta:
    """Read a length of time such as 30d, 12h or 90m.

    Raises:
        InvalidInput: it is none, or longer than a thousand years.
    """
    match = LENGTH.fullmatch(text.strip())
    if match is None or int(match[1]) == 0 or len(match[1]) > 6:
        raise InvalidInput(option, f"{text!r} is not a length of time", "Write it as 30d, 12h or 90m.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def run_on_alert(command: str, shown: dict[str, Any]) -> None:
    """Run a command, without a shell, with the figures as JSON on its input, and wait for its end.

    Raises:
        InvalidInput: it is no command.
        Unavailable: it cannot be started, or it failed.
    """
    try:
        words = shlex.split(command)
    except ValueError as err:
        raise InvalidInput("--on-alert", f"{command!r} is no command: {err}", "Close its quotes.") from err
    if not words:
        raise InvalidInput("--on-alert", "it is empty", "Give a command, such as 'mail -s alert me'.")
    text = json.dumps(shown, default=str)
    try:
        run = subprocess.run(words, input=text, text=True, env=dict(os.environ))
    except OSError as err:
        raise Unavailable(
            words[0], f"it cannot be started: {(err.strerror or str(err)).lower()}", "Correct it."
        ) from err
    if run.returncode:
        raise Unavailable(words[0], f"it ended with exit code {run.returncode}", "See what it printed.")


def _check_metric(project: Path, kind: str, metric: str) -> None:
    """Refuse a metric of classes for the numbers of a described use case, and the other way round.

    Answers to a binary label are probabilities and decisions: every metric of labels 0 and 1 or of classes fits.
    """
    from handrail.statistics import METRICS_OF

    if not (project / FILE).is_file():
        return
    label = read_use_case(project).label
    fitting = [each.name for each in METRICS_OF[label.kind]]
    known = {each.name for metrics in METRICS_OF.values() for each in metrics}
    if label.feedback == kind and label.kind != "binary" and metric in known and metric not in fitting:
        problem = f"{metric!r} does not judge a {label.kind} label, which {label.column!r} is"
        raise InvalidInput("--metric", problem, f"Use one of {', '.join(fitting)}.")


def _replayed(file: Path) -> datetime | None:
    return parse_moment(file.read_text(encoding="ascii")) if file.is_file() else None


def _cluster(text: str) -> Any:
    if text not in ("day", "subject", "prediction"):
        raise InvalidInput("--cluster", f"{text!r} is unknown", "Use day, subject or prediction.")
    return text


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise InvalidInput("--zone", f"{text!r} is not a time zone", "Write it as UTC or Europe/Berlin.") from err
