from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Run

from flows.steps.modelling import tracking
from flows.steps.modelling.candidates import CANDIDATE, MODELS
from flows.steps.modelling.training_set import md5_of
from handrail.errors import Unavailable

ROOT = Path(__file__).parents[3]


def runs_of(store: str) -> list[Run]:
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("flights")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def dataset_inputs(run: Run) -> list[DatasetInput]:
    return list(run.inputs.dataset_inputs) if run.inputs else []


def test_the_stages_logged_one_run_a_model(trained: Path, local_store: str) -> None:
    report = json.loads((trained / "reports" / "train.json").read_text())

    runs = {run.info.run_name: run for run in runs_of(local_store)}

    assert set(runs) == set(MODELS)
    for name, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.data.tags["handrail.stage_inputs"] == report["stage_inputs"]
        metrics = report["models"][name]["metrics"]
        assert run.data.metrics["roc_auc"] == metrics["roc_auc"]["value"]
        assert run.data.metrics["brier_high"] == metrics["brier"]["high"]
        assert run.data.params["feature_service"] == "flights_v1"


def test_dataset_inputs_carry_the_digest_that_dvc_knows(trained: Path, local_store: str) -> None:
    found = {given.dataset.name: given.dataset for given in dataset_inputs(runs_of(local_store)[0])}

    assert set(found) == {"flights-train", "flights-validate"}
    digest = md5_of(trained / "data" / "training" / "train.parquet")
    assert found["flights-train"].digest == digest
    assert json.loads(found["flights-train"].source) == {"uri": "dvc://data/training/train.parquet", "md5": digest}


def test_reviewers_find_plots_evaluation_and_package(trained: Path, local_store: str) -> None:
    client, run_id = MlflowClient(local_store), tracking.log_training(trained)[CANDIDATE]

    def names(folder: str) -> set[str]:
        return {Path(file.path).name for file in client.list_artifacts(run_id, folder)}

    assert names("plots") == {"roc.png", "precision_recall.png", "calibration.png"}
    assert {"evaluation.html", "slices.json", "importance.png"} <= names("evaluation")
    assert {"MLmodel", "scoring.json", "onnx"} <= names(tracking.package_path(trained))


def test_logging_again_changes_nothing(trained: Path, local_store: str) -> None:
    before = sorted((run.info.run_id, run.info.end_time, *run.data.tags.items()) for run in runs_of(local_store))

    ids = tracking.log_training(trained)
    again = (tracking.log_evaluation(trained), tracking.log_package(trained))

    after = sorted((run.info.run_id, run.info.end_time, *run.data.tags.items()) for run in runs_of(local_store))
    assert before == after
    assert set(again) == {ids[CANDIDATE]}


def test_an_interrupted_log_is_completed(trained: Path, local_store: str, tmp_path: Path) -> None:
    client, run_id = MlflowClient(local_store), tracking.log_training(trained)["prior"]
    client.update_run(run_id, status="RUNNING")

    assert tracking.log_training(trained)["prior"] == run_id

    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run_id, "roc_auc")) == 1
    assert len(dataset_inputs(run)) == 2


def test_a_store_that_lacks_the_runs_gets_them_from_the_outputs(
    trained: Path, local_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"sqlite:///{tmp_path / 'other' / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    monkeypatch.chdir(tmp_path)

    run_id = tracking.log_package(trained)

    assert len(runs_of(other)) == 3
    downloaded = MlflowClient(other).download_artifacts(run_id, tracking.package_path(trained), str(tmp_path))
    tree = trained / "models" / "package"
    assert {file.relative_to(tree): file.read_bytes() for file in tree.rglob("*") if file.is_file()} == {
        file.relative_to(downloaded): file.read_bytes() for file in Path(downloaded).rglob("*") if file.is_file()
    }
    assert not (tmp_path / "mlruns").exists()


def test_one_tree_is_registered_once_and_another_beside_it(trained: Path, local_store: str, tmp_path: Path) -> None:
    first = [tracking.register_package(trained, "flights")[0] for _ in range(2)]
    changed = shutil.copytree(trained, tmp_path / "changed")
    report = changed / "reports" / "package.json"
    report.write_text(report.read_text().replace(json.loads(report.read_text())["content"], "f" * 64))

    second, _ = tracking.register_package(changed, "flights")

    assert (first, second) == ([1, 1], 2)
    versions = MlflowClient(local_store).search_model_versions("name = 'flights'")
    assert len({version.source for version in versions}) == 2
    assert len({version.run_id for version in versions}) == 1


def test_another_evaluation_of_the_same_model_goes_beside_the_first(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name = f"sqlite:///{tmp_path / 'own.db'}", "slices.json"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    run_id, client = tracking.log_evaluation(trained), MlflowClient(store)
    before = client.get_run(run_id).data
    changed = shutil.copytree(trained, tmp_path / "changed")
    (changed / "reports" / "evaluate" / name).write_text('{"another": "threshold"}')

    assert [tracking.log_evaluation(changed) for _ in range(2)] == [run_id, run_id]

    after = client.get_run(run_id).data
    (added,) = set(after.tags) - set(before.tags)
    kept = Path(client.download_artifacts(run_id, "evaluation", str(tmp_path)))
    assert (kept / name).read_bytes() == (trained / "reports" / "evaluate" / name).read_bytes()
    assert (kept / after.tags[added][:12] / name).read_text() == '{"another": "threshold"}'
    assert after.metrics == before.metrics
    assert all(after.tags[each] == before.tags[each] for each in before.tags)


def test_a_version_names_the_place_of_its_files_and_one_that_named_its_run_is_known(
    trained: Path, local_store: str
) -> None:
    client, run_id = MlflowClient(local_store), tracking.log_package(trained)
    place = f"{client.get_run(run_id).info.artifact_uri}/{tracking.package_path(trained)}"
    client.create_registered_model("older")
    older = client.create_model_version("older", f"runs:/{run_id}/{tracking.package_path(trained)}", run_id)

    version, _ = tracking.register_package(trained, "newer")

    assert client.get_model_version("newer", str(version)).source == place
    assert tracking.register_package(trained, "older")[0] == int(older.version)


def test_an_evaluation_of_an_earlier_model_is_not_logged_to_the_new_run(
    trained: Path, local_store: str, tmp_path: Path
) -> None:
    stale = shutil.copytree(trained, tmp_path / "stale")
    for name in ("evaluate", "package"):
        report = stale / "reports" / f"{name}.json"
        sha256 = json.loads((stale / "reports" / "train.json").read_text())["models"][CANDIDATE]["sha256"]
        report.write_text(report.read_text().replace(sha256, "0" * 64))

    with pytest.raises(Unavailable, match="dvc repro evaluate"):
        tracking.log_evaluation(stale)
    with pytest.raises(Unavailable, match="dvc repro package"):
        tracking.log_package(stale)


def test_artifacts_that_cannot_be_written_are_one_sentence(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "artifacts").write_text("a file where a folder must be")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")

    with pytest.raises(Unavailable, match="MLflow at sqlite"):
        tracking.log_training(trained)


def test_an_unreachable_server_is_one_sentence(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")

    with pytest.raises(Unavailable, match=r"MLflow at http://127\.0\.0\.1:1: it does not answer"):
        tracking.log_training(trained)


def test_outputs_that_are_not_there_name_the_stage(project: Path) -> None:
    with pytest.raises(Unavailable, match="dvc repro train"):
        tracking.log_training(project)


def test_logging_to_mlflow_does_not_load_feast() -> None:
    code = """
import sys
from flows.steps.modelling.tracking_store import FEAST_HEADERS, load_request_headers
load_request_headers()
from mlflow.tracking.request_header.registry import resolve_request_headers
print("feast" in sys.modules, FEAST_HEADERS in sys.modules, "User-Agent" in resolve_request_headers())
"""

    run = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True, cwd=ROOT
    )

    assert run.stdout.split() == ["False", "False", "True"], run.stderr


def test_runs_and_versions_say_which_window_judged_them(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, store = shutil.copytree(trained, tmp_path / "named"), f"sqlite:///{tmp_path / 'named.db'}"
    windows = "train: {from: '2013-06-01', until: '2013-07-01'}\nvalidate: {from: '2013-07-01', until: '2013-08-01'}\n"
    (project / "params.yaml").write_text((project / "params.yaml").read_text() + windows)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)

    version, run_id = tracking.register_package(project, "flights")

    run = MlflowClient(store).get_run(run_id)
    assert run.info.run_name == f"go-live {CANDIDATE}, judged on 2013-07"
    assert (run.data.params["judged_on"], run.data.params["trained_on"]) == ("2013-07", "2013-06")
    assert "flights of 2013-07" in run.data.tags["mlflow.note.content"]
    described = MlflowClient(store).get_model_version("flights", str(version)).description
    assert described is not None
    assert described.startswith(f"go-live {CANDIDATE}, judged on 2013-07. ")
