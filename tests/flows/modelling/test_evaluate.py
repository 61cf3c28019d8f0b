from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from flows.steps.modelling.evaluate import summary
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.slices import POOLED, judge_slices, pooled, worst
from handrail.statistics import Intervals, Scored, metrics_of
from handrail.use_case import read_use_case

FLIGHTS = Judge(read_use_case(Path(__file__).parents[3]), 0.5)


def read(project: Path, name: str) -> Any:
    return json.loads((project / "reports" / "evaluate" / f"{name}.json").read_text())


def test_slices_cover_every_flight_once(trained: Path) -> None:
    slices = read(trained, "slices")

    assert set(slices) == {"carrier", "origin", "hour"}
    assert all(sum(group["rows"] for group in groups.values()) == 750 for groups in slices.values())
    assert all(group["rows"] >= 60 for groups in slices.values() for name, group in groups.items() if name != POOLED)
    assert POOLED in slices["hour"]


def test_the_summary_cites_the_figures_a_policy_knows(trained: Path) -> None:
    report = json.loads((trained / "reports" / "evaluate.json").read_text())
    trained_report = json.loads((trained / "reports" / "train.json").read_text())

    assert report["roc_auc"] == trained_report["models"]["gradient_boosting"]["metrics"]["roc_auc"]["value"]
    assert report["roc_auc_low"] < report["roc_auc"] < report["roc_auc_high"]
    assert 0 < report["calibration_error"] < 0.2
    assert set(report["worst_slices"]) == {"carrier", "origin", "hour"}


def test_what_the_label_was_made_from_is_found_important(trained: Path) -> None:
    lost = read(trained, "importance")

    assert {of["feature"] for of in lost[:2]} == {"origin_dep_delay_3h", "minute_of_day"}


def test_taking_away_what_matters_costs_more_than_what_does_not(trained: Path) -> None:
    missing = read(trained, "robustness")["missing"]

    assert set(missing) == {"weather", "origin_ops"}
    assert missing["origin_ops"]["roc_auc_lost"] > missing["weather"]["roc_auc_lost"]


def test_the_page_needs_no_other_file(trained: Path) -> None:
    page = (trained / "reports" / "evaluate" / "evaluation.html").read_text()

    assert page.count("data:image/png;base64,") == 6
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "By carrier" in page


def test_small_groups_are_pooled() -> None:
    groups = np.array(["UA"] * 5 + ["AA"] * 2 + ["OO"])

    assert pooled(groups, 3).tolist() == ["UA"] * 5 + [POOLED] * 3


def test_a_group_with_one_outcome_has_no_area() -> None:
    scored = Scored(np.array([0.1, 0.9, 0.4, 0.6]), np.array([0, 1, 0, 0], dtype=np.int8), np.array([0, 0, 1, 1]))

    judged = judge_slices(scored, np.array(["A", "A", "B", "B"]), FLIGHTS, Intervals(20, 0))

    assert judged["A"]["roc_auc"]["value"] == 1.0
    assert judged["B"]["roc_auc"] is None
    assert judged["B"]["missed_rate"] is None
    assert worst(judged, FLIGHTS.metric) == ("A", 1.0, 1.0)


def details(calibration: list[dict[str, float]], missing: dict[str, Any], slices: dict[str, Any]) -> dict[str, Any]:
    noise = {level: {"roc_auc_lost": float(level)} for level in ("0.05", "0.1", "0.25")}
    return {"calibration": calibration, "robustness": {"noise": noise, "missing": missing}, "slices": slices}


def test_a_summary_is_what_follows_from_the_details_at_the_threshold() -> None:
    scored = Scored(np.array([0.5, 0.9, 0.49, 0.1, 0.95]), np.array([1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 2]))
    area = {"value": 0.6, "low": 0.5, "high": 0.7}
    shown = details(
        [{"rows": 4, "predicted": 0.3, "observed": 0.2}, {"rows": 1, "predicted": 0.5, "observed": 1.0}],
        {"weather": {"roc_auc_lost": 0.01}, "tail": {"roc_auc_lost": 0.03}},
        {"carrier": {"UA": {"roc_auc": area}, "OO": {"roc_auc": None}}, "hour": {"05": {"roc_auc": None}}},
    )

    found = summary(scored, shown, FLIGHTS, Intervals(20, 0))

    assert (found["rows"], found["days"], found["threshold"]) == (5, 3, 0.5)
    assert (found["precision"], found["recall"]) == (0.666666667, 0.666666667)
    assert found["calibration_error"] == 0.18
    assert (found["noise_roc_auc_lost"], found["worst_missing_roc_auc_lost"]) == (0.1, 0.03)
    assert found["worst_slices"] == {"carrier": {"group": "UA", "roc_auc": 0.6, "roc_auc_high": 0.7}}
    for name, of in metrics_of("binary", scored, Intervals(20, 0)).items():
        assert [found[f"{name}{end}"] for end in ("", "_low", "_high")] == list(of.as_dict().values())


def test_where_nothing_is_called_positive_nothing_is_precise_and_nothing_missing_costs_nothing() -> None:
    found = summary(
        Scored(np.zeros(2), np.array([0, 1]), np.zeros(2, int)), details([], {}, {}), FLIGHTS, Intervals(2, 0)
    )

    assert (found["precision"], found["recall"], found["worst_missing_roc_auc_lost"]) == (0.0, 0.0, 0.0)
