"""Groups compared on mature outcomes of a month, findings that need certainty, and what answers were made of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from flows.steps.monitoring.findings import Subject
from flows.steps.monitoring.month import Forecasts
from flows.steps.monitoring.quality import (
    EXPLAINED_ROWS,
    changed_since,
    check_fairness_limits,
    contributions,
    cut,
    fairness_finding,
    month_quality,
)
from flows.steps.monitoring.report_tables import SUBJECT, MonthFeatures
from handrail.errors import Misconfigured, Unavailable
from handrail.everyday import Group
from handrail.limits import Fairness, Limit
from handrail.monitored import record_file
from handrail.objectives import read_objectives
from handrail.settings import Settings
from handrail.use_case import read_use_case

ROOT = Path(__file__).resolve().parents[3]
CASE, OBJECTIVES = read_use_case(ROOT), read_objectives(ROOT / "config")
FIGURE = "carrier.false_negative_rate.difference"
ABOUT = Subject("flights", "2013-09", datetime(2013, 10, 2, tzinfo=UTC), "sha256:00")


def _case(limit=0.1, **fairness):
    limits = {FIGURE: Limit(limit=limit, objective="even-service")}
    wanted = Fairness(**{"segments": ("carrier",), "least_rows": 50, "limits": limits} | fairness)
    return CASE.model_copy(update={"fairness": wanted})


def _month(missed_more=0.4, rows=3000):
    """Make forecasts of a month in which late flights of UA are missed more often than those of AA."""
    source = np.random.default_rng(0)
    carrier = source.choice(["AA", "UA"], rows)
    late = (source.random(rows) < 0.4).astype(float)
    missed = source.random(rows) < np.where(carrier == "UA", 0.2 + missed_more, 0.2)
    called = np.where(late == 1, ~missed, source.random(rows) < 0.1).astype(int)
    start = datetime(2013, 9, 1, 12, tzinfo=UTC)
    subject = [f"s-{place}" for place in range(rows)]
    table = pl.DataFrame(
        {
            "subject": subject,
            "made_at": [start + timedelta(days=place % 30) for place in range(rows)],
            "score": called * 0.9,
            "predicted": called,
            "outcome": late,
            "mature": [True] * rows,
            "latency_ms": [1.0] * rows,
        }
    )
    features = pl.DataFrame({SUBJECT: subject, "carrier": carrier})
    return Forecasts(table, "sha256:00", ABOUT.as_of, "deploy://local/flights/1", 0), MonthFeatures(features, "kept")


def test_a_difference_that_is_surely_beyond_the_limit_alerts():
    forecasts, features = _month()
    quality = month_quality(_case(), forecasts, features, None)

    finding = fairness_finding(ABOUT, quality, _case(), OBJECTIVES)

    assert (finding.kind, finding.state, finding.objective) == ("fairness", "alert", "even-service")
    assert "UA over AA" in finding.reasons[0]
    assert finding.value == quality.fairness["carrier"]["false_negative_rate"]["difference_low"] > 0.1


def test_a_difference_that_may_be_chance_does_not():
    forecasts, features = _month(missed_more=0.1, rows=600)
    quality = month_quality(_case(), forecasts, features, None)

    finding = fairness_finding(ABOUT, quality, _case(limit=0.05), OBJECTIVES)

    assert quality.fairness["carrier"]["false_negative_rate"]["difference"] > 0.05
    assert finding.state == "ok"


def test_outcomes_that_are_not_mature_do_not_count():
    forecasts, features = _month()
    young = replace(forecasts, rows=forecasts.rows.with_columns(mature=pl.col("made_at").dt.day() <= 10))

    found = month_quality(_case(), young, features, None).fairness["carrier"]

    assert found["rows"] == young.rows["mature"].sum() < forecasts.rows.height


def test_without_features_or_segments_there_is_no_finding():
    forecasts, features = _month()
    nowhere = MonthFeatures(None, "nowhere", "no table")

    for case, known in ((_case(), nowhere), (CASE.model_copy(update={"fairness": None}), features)):
        quality = month_quality(case, forecasts, known, None)
        assert quality.as_json() == {}
        assert fairness_finding(ABOUT, quality, case, OBJECTIVES) is None


def test_a_segment_without_a_column_is_named():
    forecasts, features = _month()

    quality = month_quality(_case(segments=("carrier", "origin")), forecasts, features, None)

    assert quality.as_json()["segments_unknown"] == ["origin"]


def test_numbers_are_cut_as_the_description_says():
    minutes = pl.Series([0.0, 59.0, 60.0, 150.0])

    assert cut(minutes, Group(per=60)).tolist() == ["0", "0", "1", "2"]
    assert cut(minutes, Group(edges=(59, 100))).tolist() == ["0", "1", "1", "2"]


@pytest.mark.parametrize(
    ("figure", "objective"), [(FIGURE, "nobody"), (FIGURE, "ranking"), ("carrier.error_rate.ratio", "even-service")]
)
def test_a_limit_cites_an_objective_of_its_side(figure, objective):
    case = _case(limits={figure: Limit(limit=0.1, objective=objective)})

    with pytest.raises(Misconfigured, match="cites the objective"):
        check_fairness_limits(case, OBJECTIVES)


def test_the_project_cites_objectives_that_fit():
    check_fairness_limits(CASE, OBJECTIVES)


@pytest.fixture
def settings(tmp_path):
    return Settings(project=ROOT, home=tmp_path)


def _model(matters):
    source = np.random.default_rng(0)
    inputs = source.normal(size=(2000, 3))
    return HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(inputs, inputs[:, matters] > 0)


def _rows(order=1):
    source = np.random.default_rng(1)
    table = pl.DataFrame(
        {SUBJECT: [f"s-{place}" for place in range(1500)]} | {n: source.normal(size=1500) for n in "abc"}
    )
    return MonthFeatures(table[::order], "kept")


SCORER = SimpleNamespace(
    features=("a", "b", "c"), encode=lambda of: np.column_stack([of[name] for name in "abc"]).astype(np.float32)
)
FORECASTS = Forecasts(pl.DataFrame(), "sha256:00", ABOUT.as_of, "deploy://local/flights/1", 0)


def test_what_answers_were_made_of_is_a_function_of_the_rows_alone(settings):
    trees = _model(1)
    one, other = (contributions(settings, FORECASTS, _rows(order), SCORER, lambda *_: trees) for order in (1, -1))

    assert one == other
    assert one["rows"] == EXPLAINED_ROWS
    assert next(iter(one["mean_absolute"])) == "b"


def test_a_bento_that_is_gone_is_said_and_stops_nothing(settings):
    def gone(*_):
        raise Unavailable("The bento", "it is not in the local store", "Deploy again.")

    assert "local store" in contributions(settings, FORECASTS, _rows(), SCORER, gone)["reason"]


def test_the_features_that_moved_most_since_the_month_before_are_named(settings):
    before, now = (contributions(settings, FORECASTS, _rows(), SCORER, lambda *_, m=m: _model(m)) for m in (0, 2))
    file = record_file(settings.home, "2013-08")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"explanations": before}))

    change = changed_since(settings, "2013-08", now)

    assert {*list(change["most"])[:2]} == {"a", "c"}
    assert change["moved"] > 0.8
    assert changed_since(settings, "2013-07", now) == {}
    assert changed_since(settings, "2013-08", before)["moved"] == 0
