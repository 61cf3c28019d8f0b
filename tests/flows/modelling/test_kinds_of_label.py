from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient

from flows.steps.modelling import evaluate, package, tracking, train
from flows.steps.modelling.skops_file import read_skops
from flows.steps.modelling.training_set import Rows, read_manifest, read_rows
from handrail.errors import InvalidInput
from handrail.scoring import Scorer
from handrail.statistics import METRICS_OF
from handrail.use_case import read_use_case
from tests.fakes import labelled_orders
from tests.fakes.labelled_orders import MAIN, with_candidates_of, write_orders

KINDS = ("binary", "multiclass", "regression", "count")
COSTS = {"unit": "euros", "missed": 5.0, "false_alarm": 1.0}
PICTURES = {
    "binary": {"roc.png", "precision_recall.png"},
    "multiclass": {"confusion.png"},
    "regression": {"predicted_observed.png", "residuals.png"},
    "count": {"predicted_observed.png", "residuals.png"},
}


@dataclass(frozen=True, slots=True)
class Made:
    """A project whose last three stages ran."""

    kind: str
    project: Path

    def report(self, stage: str) -> Any:
        return json.loads((self.project / "reports" / f"{stage}.json").read_text())

    def detail(self, name: str) -> Any:
        return json.loads((self.project / "reports" / "evaluate" / f"{name}.json").read_text())

    def rows(self) -> Rows:
        return read_rows(self.project, "validate", read_manifest(self.project), read_use_case(self.project))

    @property
    def tree(self) -> Path:
        return self.project / "models" / "package"


@pytest.fixture(scope="session")
def made_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Return the project of a kind of label, made once. Read it only."""

    @functools.cache
    def make(kind: str) -> Made:
        costs = {"costs": COSTS} if kind == "binary" else {}
        project = write_orders(tmp_path_factory.mktemp(kind) / "project", kind, **costs)
        with pytest.MonkeyPatch.context() as patch:
            with_candidates_of(kind, patch)
            for stage in (train, evaluate, package):
                stage.run(project)
        return Made(kind, project)

    return make


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, made_of: Callable[[str], Made]) -> Made:
    return made_of(request.param)


def test_the_page_names_the_question_the_days_and_the_baseline_beside_the_candidate(made: Made) -> None:
    page = (made.project / "reports" / "evaluate" / "evaluation.html").read_text()
    case, days = read_use_case(made.project), made.rows().subjects["week"]
    prior = made.report("train")["models"]["prior"]["metrics"][case.metrics.main]["value"]
    shown = f"{prior:.4g}" if made.kind in ("regression", "count") else f"{prior:.4f}"

    assert "What happens to an order?" in page
    assert f"from {days.min()} to {days.max()}" in page
    assert "<th>candidate</th><th>low</th><th>high</th><th>prior</th>" in page
    row = page.partition(f"<td>{case.main_metric.title}</td>")[2].partition("</tr>")[0]
    assert row.endswith(f"<td>{shown}</td>")


def test_counts_say_how_much_more_they_vary_than_poisson_counts(made_of: Callable[[str], Made]) -> None:
    made = made_of("count")
    rows, model = made.rows(), read_skops(made.project / "models" / "train" / "gradient_boosting" / "model.skops")
    answers = np.asarray(model.predict(rows.inputs))

    expected = float(np.mean((rows.label - answers) ** 2 / answers))

    assert made.report("evaluate")["pearson_dispersion"] == pytest.approx(expected, abs=1e-8)
    assert f"varies {expected:.3g} times" in (made.project / "reports" / "evaluate" / "evaluation.html").read_text()


def test_each_kind_has_its_metrics_and_learns_something(made: Made) -> None:
    prior, boosted = (made.report("train")["models"][name]["metrics"] for name in labelled_orders.MODELS)
    metric = read_use_case(made.project).main_metric

    assert set(boosted) == {known.name for known in METRICS_OF[made.kind]}
    assert metric.gain(boosted[metric.name]["value"], prior[metric.name]["value"]) > 0
    assert all(of["low"] <= of["value"] <= of["high"] for of in boosted.values())
    assert made.report("evaluate")[MAIN[made.kind]] == boosted[MAIN[made.kind]]["value"]


def test_each_kind_has_its_pictures(made: Made) -> None:
    trained = {file.name for file in (made.project / "reports" / "train" / "gradient_boosting").iterdir()}
    evaluated = {file.name for file in (made.project / "reports" / "evaluate").glob("*.png")}

    assert trained == PICTURES[made.kind] | {"calibration.png"}
    common = {"calibration.png", "slices_shop.png", "importance.png", "robustness.png"}
    assert evaluated == common | (set() if made.kind == "binary" else PICTURES[made.kind])


def test_the_summary_is_in_the_words_of_the_description(made: Made) -> None:
    report, metric = made.report("evaluate"), MAIN[made.kind]

    assert (report["rows"], report["weeks"]) == (300, 8)
    assert {f"noise_{metric}_lost", f"worst_missing_{metric}_lost", "calibration_error"} <= set(report)
    assert ("threshold" in report) == ("recall" in report) == (made.kind == "binary")
    page = (made.project / "reports" / "evaluate" / "evaluation.html").read_text()
    assert "300 orders of 8 weeks that the model never saw" in page
    assert not re.search(r"flight|\blate\b|\bnan\b", re.sub('base64,[^"]*', "", page), re.IGNORECASE)


def test_the_worst_slice_is_the_worst_on_the_side_of_the_metric(made: Made) -> None:
    metric = read_use_case(made.project).main_metric
    found, slices = made.report("evaluate")["worst_slices"]["shop"], made.detail("slices")["shop"]

    values = {name: of[metric.name]["value"] for name, of in slices.items()}
    if metric.better == "lower":
        assert found["group"] == max(values, key=lambda name: values[name])
        assert found[f"{metric.name}_low"] == slices[found["group"]][metric.name]["low"]
    else:
        assert found["group"] == min(values, key=lambda name: values[name]) == "harbour"
        assert found[f"{metric.name}_high"] == slices[found["group"]][metric.name]["high"]


def test_what_the_label_was_made_from_is_lost_most(made: Made) -> None:
    importance = {of["feature"]: of["value"] for of in made.detail("importance")}
    noise = made.detail("robustness")["noise"]
    metric = MAIN[made.kind]

    assert next(iter(importance)) == "price"
    assert importance["price"] > max(0, importance["rain"])
    assert noise["0.5"][f"{metric}_lost"] > 0
    assert ("labels_flipped" in noise["0.5"]) == (made.kind in ("binary", "multiclass"))


def test_calibration_compares_ten_groups_with_what_was_observed(made: Made) -> None:
    groups = made.detail("calibration")

    assert [group["rows"] for group in groups] == [30] * 10
    if made.kind == "multiclass":
        right = made.report("evaluate")["accuracy"]
        assert sum(group["observed"] for group in groups) / 10 == pytest.approx(right)
    else:
        assert groups[0]["observed"] < groups[-1]["observed"]


def test_the_packaged_model_answers_as_the_reviewed_one(made: Made) -> None:
    rows, report = made.rows(), made.report("package")
    model = read_skops(made.project / "models" / "train" / "gradient_boosting" / "model.skops")
    columns = {name: rows.inputs[name].tolist() for name in rows.inputs.columns}

    answered = Scorer.load(made.tree).answer(columns)

    assert report["max_difference"] <= 1e-5
    assert report["labels_differ"] == 0
    if made.kind in ("regression", "count"):
        expected, label = model.predict(rows.inputs), np.zeros(300)
    elif made.kind == "binary":
        expected = model.predict_proba(rows.inputs)[:, 1]
        label = expected >= 0.4
    else:
        expected, label = model.predict_proba(rows.inputs).max(axis=1), model.predict(rows.inputs)
    assert answered.score == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert answered.label.tolist() == label.astype(int).tolist()


def test_the_tree_says_its_kind_unless_it_is_binary_as_older_trees_are(made: Made) -> None:
    stored, scorer = json.loads((made.tree / "scoring.json").read_text()), Scorer.load(made.tree)

    assert stored.get("kind", "binary") == scorer.kind == made.kind
    assert ("kind" in stored) == ("threshold" not in stored) == (made.kind != "binary")
    assert scorer.classes == (labelled_orders.SIZES if made.kind == "multiclass" else ())


def test_mlflow_answers_in_the_shape_that_its_signature_says(made: Made) -> None:
    rows = made.rows()

    loaded = mlflow.pyfunc.load_model(str(made.tree))
    answer = np.asarray(loaded.predict(rows.inputs))

    shape = loaded.metadata.signature.outputs.inputs[0].shape
    assert answer.shape == (300, *shape[1:])


def test_costs_are_those_of_the_threshold_and_of_the_cheapest_one(made_of: Callable[[str], Made]) -> None:
    made = made_of("binary")
    report, rows = made.report("evaluate"), made.rows()
    model = read_skops(made.project / "models" / "train" / "gradient_boosting" / "model.skops")
    score, positive = model.predict_proba(rows.inputs)[:, 1], rows.label == 1

    def cost(threshold: float) -> float:
        called = score >= threshold
        return float((5.0 * (positive & ~called) + 1.0 * (~positive & called)).mean())

    assert report["cost"] == pytest.approx(cost(0.4))
    assert report["cost_low"] < report["cost"] < report["cost_high"]
    assert report["cheapest_cost"] == pytest.approx(min(cost(threshold) for threshold in (*score, 2.0)))
    assert cost(report["cheapest_threshold"] - 1e-9) == pytest.approx(report["cheapest_cost"])
    assert "euros" in (made.project / "reports" / "evaluate" / "evaluation.html").read_text()


def test_slices_that_the_description_does_not_list_are_refused(
    made_of: Callable[[str], Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_of("count")
    monkeypatch.setattr(evaluate, "slice_values", lambda rows: {"town": rows["shop"].to_numpy()})

    with pytest.raises(InvalidInput, match=r"it gives town, and slices in config/use_case\.yaml are shop"):
        evaluate.run(made.project)


def test_mlflow_gets_experiment_and_data_under_the_name_of_the_use_case(
    made_of: Callable[[str], Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, store = made_of("count"), f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))

    run_id = tracking.log_package(made.project)
    tracking.log_evaluation(made.project)

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("orders")
    run = client.get_run(run_id)
    assert experiment is not None
    assert run.info.experiment_id == experiment.experiment_id
    assert run.data.metrics["poisson_deviance"] == made.report("evaluate")["poisson_deviance"]
    assert "evaluation/noise_poisson_deviance_lost" in run.data.metrics
    assert "evaluation/poisson_deviance" not in run.data.metrics
    assert run.data.metrics["parity/labels_differ"] == 0
    sets = {given.dataset.name: json.loads(given.dataset.schema) for given in run.inputs.dataset_inputs}
    assert set(sets) == {"orders-train", "orders-validate"}
    assert sets["orders-train"]["mlflow_colspec"][-1] == {"type": "long", "name": "items", "required": False}
