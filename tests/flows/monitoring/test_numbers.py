from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flows.steps.monitoring.monitor import alerts, judge_month
from flows.steps.monitoring.month import read_month
from handrail.bootstrap import Platform, open_platform
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from handrail.use_case import Label, Limit, Metrics, UseCase
from tests.fakes.monitored import CASE, DEPLOYMENT, FIRST, ZONE, N, judge_of


def numbers(kind: Any = "count") -> UseCase:
    """Return the description with a label that is a number, whose error may be 1 at most."""
    limits = {"rmse": Limit(limit=1.0, objective="steady-forecasts")}
    label = Label(column="riders", kind=kind, feedback="riders")
    return CASE.model_copy(update={"label": label, "metrics": Metrics(main="rmse", margin=0.1, limits=limits)})


def test_numbers_are_judged_by_their_errors(settings: Settings, platform: Platform) -> None:
    with (settings.config / "feedback.yaml").open("a", encoding="utf-8") as file:
        file.write("  riders:\n    maturity_window_hours: 36\n    absence_means: unknown\n")
    random = np.random.default_rng(3)
    truths = random.poisson(5, N)
    scores = (truths + random.normal(2, 0.5, N)).tolist()
    with open_platform(settings) as opened:
        opened.feedback.record_predictions(
            [Prediction(f"p{n}", DEPLOYMENT, f"s{n}", FIRST, score, 0) for n, score in enumerate(scores)]
        )
        opened.feedback.record_feedback(
            [Feedback(f"p{n}", "riders", float(truth), "counter", 0, FIRST, FIRST) for n, truth in enumerate(truths)]
        )

        record = judge_month(judge_of(settings, opened, case=numbers()), read_month("2013-09", ZONE))

    assert record["performance"]["rmse"] == pytest.approx(np.sqrt(np.mean((scores - truths) ** 2)))
    assert {"poisson_deviance", "mae", "r2", "bias", "mean_label"} <= set(record["performance"])
    assert record["figures"]["mean riders"] == pytest.approx(truths.mean())
    assert [each["figure"] for each in alerts(record) if each["kind"] == "performance"] == ["root mean squared error"]
    assert [(report["name"], len(report["tests"])) for report in record["reports"]] == [
        ("2013-09 drift", 2),
        ("2013-09 regression", 1),
    ]
