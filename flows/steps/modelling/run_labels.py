"""How a training run is called: what it was for and which window judged it, so that nobody compares two windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flows.steps.project.params import FILE
from handrail.config import read_yaml
from handrail.use_case import UseCase

DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""


@dataclass(frozen=True, slots=True)
class RunLabels:
    """Whether a graph was run for `go-live` or for a `challenger`, and the windows that it trained and judged on."""

    purpose: str
    trained_on: str
    judged_on: str

    @property
    def params(self) -> dict[str, str]:
        """What MLflow shows as parameters, first in its table that compares runs."""
        return {"judged_on": self.judged_on, "trained_on": self.trained_on}

    def name(self, model: str) -> str:
        """Return the name of the run of a model."""
        return f"{self.purpose} {model}, judged on {self.judged_on}"

    def sentence(self, case: UseCase) -> str:
        """Return the description of a run or of a version."""
        return (
            f"Trained on {self.trained_on}, judged on {case.subject.many} of {self.judged_on}, which it never saw. "
            f"Metrics of a run that was judged on another window say nothing beside these: what both models answered "
            f"about the same {case.subject.many} is in the folder comparison of a challenger's run."
        )


def labels_of(project: Path) -> RunLabels | None:
    """Return how the runs of a project are called by its params.yaml; None if it names no windows."""
    values: Mapping[str, Any] = read_yaml(project / FILE).values
    trained, judged = (_window(values.get(name)) for name in ("train", "validate"))
    if trained is None or judged is None:
        return None
    snapshot = values.get("labels_snapshot") or {}
    return RunLabels("challenger" if snapshot.get("path") else "go-live", trained, judged)


def _window(said: Any) -> str | None:
    """Return a half-open span of days as people name it: whole months as months."""
    try:
        first, after = (date.fromisoformat(str(said[name])) for name in ("from", "until"))
    except (TypeError, KeyError, ValueError):
        return None
    last = after - timedelta(days=1)
    if first.day == after.day == 1:
        return _span(f"{first:%Y-%m}", f"{last:%Y-%m}")
    return _span(first.isoformat(), last.isoformat())


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
