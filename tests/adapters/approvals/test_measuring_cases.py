"""Both versions on the same cases, beside scikit-learn and NumPy on the same draws of whole days."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    precision_score,
    recall_score,
    roc_auc_score,
)

from handrail.approvals.adapters.measuring import measure
from handrail.approvals.domain.cases import CasesPlan, Grouping, Measure
from handrail.approvals.domain.evaluation import read_answer
from handrail.scoring import Scorer
from tests.fakes.approvals_evidence import CASES
from tests.fakes.labelled_rows import labelled_rows
from tests.fakes.questions import Questions

CANDIDATE, CHAMPION = (-0.030, 0.0010), (-0.028, 0.0011)
NAMES = ("roc_auc", "average_precision", "log_loss", "brier")
QUANTILES = (0.025, 0.975)
CARRIERS = ("AA", "UA", "ZZ")
APART = 1e-8
FEW_DRAWS = 40
BY_SCORE = {
    "roc_auc": roc_auc_score,
    "average_precision": average_precision_score,
    "log_loss": log_loss,
    "brier": brier_score_loss,
}
BY_CALL = {
    "found": partial(recall_score, zero_division=np.nan),
    "right": partial(precision_score, zero_division=np.nan),
    "called": lambda label, called, sample_weight: np.average(called, weights=sample_weight),
}


@pytest.fixture
def questions(tmp_path):
    return Questions(tmp_path)


@pytest.fixture
def rows():
    source = np.random.default_rng(5)
    hours, count = source.choice([5, 6, 17, 18, 23], 900, p=[0.3, 0.3, 0.2, 0.18, 0.02]), 900
    carrier = source.choice(CARRIERS, count, p=[0.6, 0.37, 0.03])
    return labelled_rows(count, carrier=carrier, minute_of_day=hours * 60.0 + source.integers(0, 60, count))


def _plan(metrics=NAMES):
    more = tuple(Measure(name, name, better="lower" if name in ("log_loss", "brier") else "higher") for name in metrics)
    everyday = tuple(measure for measure in CASES.measures if measure.unit)
    return {"metrics": metrics, "cases": replace(CASES, measures=(*more, *everyday)), "draws": FEW_DRAWS}


def _measured(question):
    trees = {"candidate": question.candidate, "incumbent": question.incumbent}
    files = {f"{name}.scoring": tree.scoring for name, tree in trees.items() if tree}
    files |= {f"{name}.network": tree.network for name, tree in trees.items() if tree}
    answer = measure(asdict(question.plan), files | {"snapshot": Path(question.snapshot).read_bytes()})
    return read_answer(json.dumps(answer).encode(), question)


def _answered(package, rows):
    scorer = Scorer.read(package.scoring, package.network, "a model")
    return scorer.answer({name: rows[name].to_list() for name in scorer.features})


def _weights(rows, draws):
    """Return the draws of whole days as weights of rows, the whole first: (draws + 1, n)."""
    day = np.unique(rows["day"].to_numpy(), return_inverse=True)[1]
    days = day.max() + 1
    drawn = np.random.default_rng(0).multinomial(days, np.full(days, 1 / days), size=draws)
    return np.vstack([np.ones(days), drawn])[:, day].astype(float)


def _paired(judge, label, first, second, weights):
    """Return value, difference, and its interval of two versions, on the same drawn rows."""
    values = []
    for drawn in weights:
        kept = drawn > 0
        pair = [judge(label[kept], of[kept], sample_weight=drawn[kept]) for of in (first, second)]
        values.append(pair)
    values = np.array(values)
    gains = values[:, 0] - values[:, 1]
    alone = values[1:, 0]
    return {
        "candidate": values[0, 0],
        "champion": values[0, 1],
        "delta": gains[0],
        **dict(zip(("low", "high"), np.nanquantile(gains[1:], QUANTILES), strict=True)),
        **dict(zip(("candidate_low", "candidate_high"), np.nanquantile(alone, QUANTILES), strict=True)),
    }


def test_each_measure_is_that_of_scikit_learn_on_the_same_draws_of_days(questions, rows):
    question = questions.ask(CANDIDATE, CHAMPION, rows, **_plan())
    first, second = (_answered(package, rows) for package in (question.candidate, question.incumbent))
    label, weights = rows["late"].to_numpy(), _weights(rows, FEW_DRAWS)

    found = {row["name"]: row for row in _measured(question).cases["measures"]}

    assert 0.2 < found["called"]["candidate"] < 0.8
    for name, judge in {**BY_SCORE, **BY_CALL}.items():
        values = (first.score, second.score) if name in BY_SCORE else (first.label, second.label)
        expected = _paired(judge, label, *map(np.float64, values), weights)
        # The interval of the metric that decides is that of the comparison, over more draws.
        keys = ("champion", "candidate", "delta", *(() if name == "roc_auc" else ("low", "high")))
        assert {key: found[name][key] for key in keys} == pytest.approx({key: expected[key] for key in keys}, abs=APART)
    alone = _paired(log_loss, label, np.float64(first.score), np.float64(second.score), weights)
    for end in ("candidate_low", "candidate_high"):
        assert found["log_loss"][end] == pytest.approx(alone[end], abs=APART)


def test_each_group_is_judged_on_the_draws_of_the_whole(questions, rows):
    question = questions.ask(CANDIDATE, CHAMPION, rows, **_plan())
    first, second = (_answered(package, rows) for package in (question.candidate, question.incumbent))
    label, weights = rows["late"].to_numpy(), _weights(rows, FEW_DRAWS)
    hour = rows["minute_of_day"].to_numpy() // 60
    carrier = rows["carrier"].to_numpy()
    expected = {
        "carrier AA": carrier == "AA",
        "carrier UA": carrier == "UA",
        "all other carriers": carrier == "ZZ",
        "departs at 05 h": hour == 5,
        "departs at 06 h": hour == 6,
        "departs at 17 h": hour == 17,
        "departs at 18 h": hour == 18,
        "departs at any other hour": hour == 23,
    }

    groups = {group["label"]: group for group in _measured(question).cases["groups"]}

    assert set(groups) == set(expected)
    for name, chosen in expected.items():
        group, drawn = groups[name], weights[:, chosen]
        assert group["rows"] == chosen.sum()
        scores = (np.float64(of.score[chosen]) for of in (first, second))
        whole = drawn[[_has_both(label[chosen], each) for each in drawn]]
        paired = _paired(roc_auc_score, label[chosen], *scores, whole)
        assert {key: group[key] for key in paired} == pytest.approx(paired, abs=APART)
        for who, of in (("candidate", first), ("champion", second)):
            found = recall_score(label[chosen], of.label[chosen])
            assert group[f"found_{who}"] == pytest.approx(found, abs=APART)


def _has_both(label, drawn):
    return len(np.unique(label[drawn > 0])) == 2


def test_the_worst_group_comes_first_and_says_so(questions, rows):
    label = rows["late"].to_numpy().copy()
    ua = rows["carrier"].to_numpy() == "UA"
    label[ua] = (rows["temp"].to_numpy()[ua] > 60).astype(int)
    question = questions.ask((0.0, 0.001), (0.03, -0.0001), rows.with_columns(late=label))

    groups = _measured(question).cases["groups"]

    assert (groups[0]["label"], groups[0]["worse"]) == ("carrier UA", True)
    assert [group["delta"] for group in groups] == sorted(group["delta"] for group in groups)
    assert not groups[-1]["worse"]


def test_groups_in_which_nobody_is_called_are_named(questions, rows):
    early = rows["minute_of_day"].to_numpy() < 420
    cold = rows.with_columns(temp=np.where(early, 5000.0, rows["temp"].to_numpy()))

    cases = _measured(questions.ask(CANDIDATE, CHAMPION, cold)).cases

    assert sorted(cases["silent"]) == ["departs at 05 h", "departs at 06 h"]
    silent = next(group for group in cases["groups"] if group["label"] == "departs at 05 h")
    assert (silent["found_candidate"], silent["found_champion"]) == (0.0, 0.0)


def test_a_group_in_which_one_version_calls_is_not_silent(questions, rows):
    assert _measured(questions.ask((-1.0, 0.0), CHAMPION, rows)).cases["silent"] == []
    assert len(_measured(questions.ask((-1.0, 0.0), None, rows)).cases["silent"]) == 8


def test_draws_without_a_row_of_a_group_say_nothing_about_it(questions, rows):
    days = np.array([int(day[-2:]) for day in rows["day"]])
    apart = rows.with_columns(carrier=np.where(days <= 5, "UA", "AA"))
    package = questions.package(CANDIDATE, kind="multiclass")
    plan = {"kind": "multiclass", "main": "macro_f1", "metrics": ("macro_f1",), "classes": ("a", "b", "c")}

    cases = _measured(questions.ask(package, None, apart, draws=400, cases=replace(CASES, measures=()), **plan)).cases

    chosen = days <= 5
    label, mine = apart["late"].to_numpy()[chosen], _answered(package, apart).label[chosen]
    drawn = [weights for weights in _weights(apart, 400)[1:, chosen] if weights.any()]
    values = [f1_score(label[of > 0], mine[of > 0], average="macro", sample_weight=of[of > 0]) for of in drawn]
    group = next(group for group in cases["groups"] if group["label"] == "carrier UA")
    assert len(drawn) < 400
    assert (group["candidate_low"], group["candidate_high"]) == pytest.approx(np.quantile(values, QUANTILES), abs=APART)


def test_a_candidate_alone_has_values_with_intervals_and_no_difference(questions, rows):
    cases = _measured(questions.ask(CANDIDATE, None, rows)).cases

    for row in (*cases["measures"], *cases["groups"]):
        assert row["champion"] is row["delta"] is row["low"] is row["high"] is None
        assert row["candidate_low"] <= row["candidate"] <= row["candidate_high"]
    values = [group["candidate"] for group in cases["groups"]]
    assert values == sorted(values)
    assert not any(group["worse"] for group in cases["groups"])


def test_what_rows_cannot_say_is_left_open(questions, rows):
    one_day = np.where(rows["carrier"].to_numpy() == "UA", "2013-07-01", rows["day"].to_numpy())
    label = np.where(rows["carrier"].to_numpy() == "ZZ", 0, rows["late"].to_numpy())

    cases = _measured(questions.ask(CANDIDATE, CHAMPION, rows.with_columns(day=one_day, late=label))).cases

    groups = {group["label"]: group for group in cases["groups"]}
    assert groups["carrier UA"]["delta"] is not None
    assert groups["carrier UA"]["low"] is groups["carrier UA"]["candidate_high"] is None
    assert not groups["carrier UA"]["worse"]
    assert groups["all other carriers"]["delta"] is groups["all other carriers"]["candidate"] is None
    assert groups["all other carriers"]["found_candidate"] is None
    assert cases["groups"][-1]["label"] == "all other carriers"


def test_a_slice_without_a_column_is_named(questions, rows):
    plan = replace(CASES, groupings=(*CASES.groupings, Grouping("airport", "origin", "from {value}", "others")))

    cases = _measured(questions.ask(CANDIDATE, CHAMPION, rows, cases=plan)).cases

    assert cases["missing"] == ["airport"]
    assert {group["column"] for group in cases["groups"]} == {"carrier", "hour"}


def test_two_equal_versions_differ_in_nothing(questions, rows):
    cases = _measured(questions.ask(CANDIDATE, CANDIDATE, rows)).cases

    for row in (*cases["measures"], *cases["groups"]):
        assert (row["delta"], row["low"], row["high"]) == (0.0, 0.0, 0.0)


def test_classes_are_judged_one_by_one(questions, rows):
    source = np.random.default_rng(1)
    label = np.where(source.random(len(rows)) < 0.3, 2, rows["late"].to_numpy())
    packages = [questions.package(weights, kind="multiclass") for weights in (CANDIDATE, CHAMPION)]
    measures = tuple(Measure(name, name) for name in ("accuracy", "macro_f1", "found_0", "right_1", "found_2"))
    plan = {"kind": "multiclass", "main": "accuracy", "metrics": ("accuracy",), "classes": ("early", "late", "never")}
    question = questions.ask(packages[0], None, rows.with_columns(late=label), cases=CasesPlan(measures), **plan)

    cases = _measured(replace(question, incumbent=packages[1])).cases

    mine = _answered(packages[0], rows).label
    said = {row["name"]: row["candidate"] for row in cases["measures"]}
    expected = {
        "accuracy": accuracy_score(label, mine),
        "macro_f1": f1_score(label, mine, average="macro", zero_division=0),
        "found_0": recall_score(label, mine, labels=[0], average=None)[0],
        "right_1": precision_score(label, mine, labels=[1], average=None)[0],
        "found_2": recall_score(label, mine, labels=[2], average=None)[0],
    }
    assert said == pytest.approx(expected, abs=APART)


def test_numbers_have_a_sign_of_their_own(questions, rows):
    packages = [questions.package(weights, kind="regression") for weights in (CANDIDATE, CHAMPION)]
    measures = (Measure("mae", "MAE", better="lower"), Measure("bias", "Mean error", better="neither"))
    plan = {"kind": "regression", "main": "mae", "better": "lower", "metrics": ("mae",)}
    question = questions.ask(packages[0], None, rows, cases=replace(CASES, measures=measures), **plan)

    found = _measured(replace(question, incumbent=packages[1]))

    label = rows["late"].to_numpy()
    mine, theirs = (_answered(package, rows).score.astype(float) for package in packages)
    mae, bias = found.cases["measures"]
    delta = mean_absolute_error(label, mine) - mean_absolute_error(label, theirs)
    assert mae["delta"] == pytest.approx(delta, abs=APART)
    assert mae["delta"] == pytest.approx(-found.comparison["delta"], abs=APART)
    assert (mae["low"], mae["high"]) == pytest.approx(
        (-found.comparison["ci_high"], -found.comparison["ci_low"]), abs=APART
    )
    assert bias["candidate"] == pytest.approx((mine - label).mean(), abs=APART)
    deltas = [group["delta"] for group in found.cases["groups"]]
    assert deltas == sorted(deltas, reverse=True)
    assert all(group["found_candidate"] is None for group in found.cases["groups"])
    assert found.cases["silent"] == []
