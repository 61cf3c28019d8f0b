"""What other ways to prepare features would change: measured on rows that no choice has seen, and recorded."""

import json

import numpy as np
import polars as pl
import pytest
import yaml

from flows.steps.modelling import study
from flows.steps.modelling.candidates import build
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import read_model_params
from flows.steps.modelling.processing import NOW, Processing, by_time, prepare, select
from flows.steps.modelling.study import REPORT, log_study, main, run
from flows.steps.modelling.tracking_store import open_tracking
from flows.steps.modelling.train import fit
from flows.steps.modelling.training_set import read_manifest, read_rows
from handrail.errors import Misconfigured
from handrail.use_case import read_use_case

CHOICES = [
    {"model": "trees", "scaling": "standard"},
    {"model": "trees", "selection": "permutation"},
    {"model": "trees", "scaling": "robust", "extraction": "principal"},
    {"model": "linear", "scaling": "none"},
    {"model": "linear", "scaling": "quantile", "selection": "permutation"},
    {"model": "linear", "scaling": "standard", "extraction": "target"},
]


def with_study(project, choices=CHOICES):
    params = yaml.safe_load((project / "params.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump(params | {"study": choices}))
    return project


def parts(project):
    case, manifest = read_use_case(project), read_manifest(project)
    params = read_model_params(project, case.label.kind)
    rows = {split: read_rows(project, split, manifest, case) for split in ("train", "validate")}
    return Judge(case, params.package.threshold), manifest, params, rows


def test_each_choice_has_its_effect_with_an_interval_of_whole_days(project):
    report = run(with_study(project))

    assert [each["model"] for each in report["choices"]] == [each["model"] for each in CHOICES]
    for entry in report["choices"]:
        effect = entry["effect"]
        assert effect["metric"] == "roc_auc"
        assert effect["ci_low"] <= effect["delta"] <= effect["ci_high"]
        assert effect["delta"] == pytest.approx(effect["challenger_value"] - effect["champion_value"])
        assert isinstance(entry["converged"], bool)
        assert (effect["n"], effect["clusters"]) == (300, 20)
        wanted = "better" if effect["ci_low"] > 0 else "worse" if effect["ci_high"] < 0 else "undecided"
        assert entry["says"] == wanted
    assert json.loads((project / REPORT).read_text()) == report


def test_the_same_rows_give_the_same_report(project):
    one = run(with_study(project, [CHOICES[1], CHOICES[-1]]))

    assert run(project) == one


@pytest.mark.parametrize("now", NOW, ids=lambda each: each.model)
def test_what_is_compared_with_is_how_the_train_stage_prepares_features(project, now):
    """The choice that changes nothing answers as the stage's model does, so that a difference is the choice's."""
    judge, manifest, params, rows = parts(project)
    staged = fit(build(now.of, manifest, params.model), rows["train"])

    again = fit(prepare(now, manifest, manifest.features, params.model), rows["train"])

    answers = [judge.answers(model, rows["validate"].inputs).score for model in (staged, again)]
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_selection_keeps_what_helps_and_leaves_noise_out(project):
    for split in ("train", "validate"):
        file = project / "data" / "training" / f"{split}.parquet"
        frame = pl.read_parquet(file)
        known = pl.Series("temp", frame["late"].to_numpy() + np.random.default_rng(1).normal(0, 0.2, frame.height))
        noise = pl.Series("wind_gust", np.random.default_rng(2).normal(size=frame.height))
        frame.with_columns(known, noise).write_parquet(file)
    judge, manifest, params, rows = parts(project)
    early, late = by_time(rows["train"])
    model = fit(build(NOW[0].of, manifest, params.model), early)

    kept = select(model, late, judge, manifest.features, 0)

    assert "temp" in kept
    assert len(kept) < len(manifest.features)
    assert early.cluster.max() < late.cluster.min(), "it is judged on days after those that it learned from"


def test_rows_that_the_effect_is_measured_on_have_no_say_in_the_selection(project):
    """Other labels to validate on select the same features."""
    first = run(with_study(project, CHOICES[1:2]))
    file = project / "data" / "training" / "validate.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(late=1 - pl.col("late")).write_parquet(file)

    second = run(project)

    assert [each["left_out"] for each in second["choices"]] == [each["left_out"] for each in first["choices"]]
    assert second["choices"][0]["effect"] != first["choices"][0]["effect"]


def test_each_choice_is_a_run_and_logging_again_adds_none(project, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run(with_study(project, CHOICES[:2]))

    again = log_study(project)

    with open_tracking(project) as store:
        found = store.client.search_runs([store.experiment_id])
        shown = store.client.get_run(again[1]).data
    assert {each.info.run_id for each in found} == set(again)
    assert shown.params["selection"] == "permutation"
    assert {"study/delta", "study/ci_low", "study/ci_high"} <= shown.metrics.keys()


def test_the_command_says_what_each_choice_changes(project, capsys):
    assert main(with_study(project, CHOICES[:1])) == 0

    said = capsys.readouterr().out
    assert "roc_auc on 300 rows" in said
    assert "trees: standard" in said


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (None, "study"),
        ([], "study"),
        ([{"model": "trees", "extraction": "principal"}], "needs a scaling"),
        ([{"model": "forest"}], "model"),
        ([{"model": "trees", "scaling": "log"}], "scaling"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(project, choices, said, capsys):
    if choices is not None:
        with_study(project, choices)

    with pytest.raises(Misconfigured, match=said):
        study.run(project)

    assert main(project) == 1
    assert capsys.readouterr().err.startswith("study: ")


def test_a_choice_has_a_name():
    assert [each.name for each in NOW] == ["trees: as they are", "linear: standard"]
    assert Processing("linear", "robust", "permutation", "target").name == "linear: robust + permutation + target"
