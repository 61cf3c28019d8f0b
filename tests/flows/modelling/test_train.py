from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sklearn.metrics import roc_auc_score

from flows.steps.data.flight_times import with_times
from flows.steps.data.sources.package import open_package
from flows.steps.modelling import evaluate, package, train
from flows.steps.modelling.candidates import CANDIDATE, MODELS, build
from flows.steps.modelling.model_params import BoostingParams
from flows.steps.modelling.training_set import Manifest
from flows.steps.stages import run_stage
from handrail.errors import HandrailError

REPOSITORY = Path(__file__).parents[3]
STAGES = "from pathlib import Path\nfrom flows.steps.modelling import evaluate, package, train\n"
RUN = STAGES + "for stage in (train, evaluate, package):\n    stage.run(Path.cwd())\n"


def outputs(project: Path) -> dict[str, str]:
    files = [file for folder in ("models", "reports") for file in (project / folder).rglob("*") if file.is_file()]
    return {str(file.relative_to(project)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_another_process_with_another_number_of_threads_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    twin = tmp_path / "elsewhere" / "project"
    shutil.copytree(trained, twin, ignore=shutil.ignore_patterns("models", "reports"))
    threads = "1" if os.environ.get("OMP_NUM_THREADS") != "1" else "2"
    told = {"OMP_NUM_THREADS": threads, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "7"}
    home = {"HANDRAIL_HOME": str(tmp_path / "home"), "HANDRAIL_PROJECT": str(twin)}
    nowhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}

    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=twin, env={**os.environ, **told, **home, **nowhere}, capture_output=True
    )

    assert done.returncode == 0, done.stderr.decode()
    assert outputs(twin) == outputs(trained)
    assert len(outputs(twin)) > 25


def test_outputs_hold_no_path_of_this_machine_and_no_run_id(trained: Path) -> None:
    for file in (trained / "reports").glob("*.json"):
        assert str(trained.parent) not in file.read_text()
    for name in ("MLmodel", "scoring.json", "conda.yaml"):
        text = (trained / "models" / "package" / name).read_text()
        assert str(trained.parent) not in text
        assert "run_id" not in text


def test_boosting_beats_the_prior_and_every_figure_has_bounds(trained: Path) -> None:
    report = json.loads((trained / "reports" / "train.json").read_text())

    assert set(report["models"]) == set(MODELS)
    prior, boosted = (report["models"][name]["metrics"] for name in ("prior", CANDIDATE))
    assert prior["roc_auc"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert boosted["roc_auc"]["low"] > 0.6
    assert boosted["log_loss"]["value"] < prior["log_loss"]["value"]
    assert all(of["low"] <= of["value"] <= of["high"] for of in boosted.values())
    assert set(boosted) == {"roc_auc", "average_precision", "log_loss", "brier", "base_rate"}


def test_each_model_has_its_pictures(trained: Path) -> None:
    for name in MODELS:
        pictures = sorted((trained / "reports" / "train" / name).iterdir())
        assert [file.name for file in pictures] == ["calibration.png", "precision_recall.png", "roc.png"]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in pictures)


def test_without_mlflow_the_stage_says_so_and_is_complete(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_stage("train", project)

    said = capfd.readouterr().err
    assert "Not logged to MLflow" in said
    assert "MLFLOW_TRACKING_URI" in said
    assert (project / "reports" / "train.json").exists()


@pytest.mark.parametrize("stage", [evaluate, package])
def test_a_stage_before_its_inputs_names_what_to_run(project: Path, stage: object) -> None:
    with pytest.raises(HandrailError, match="dvc repro"):
        stage.run(project)  # type: ignore[attr-defined]

    assert not (project / "models" / "package").exists()


def test_an_interrupted_training_leaves_the_models_of_before(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train.run(project)
    before = outputs(project)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "draw_performance", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train.run(project)

    assert outputs(project) == before


def test_a_model_that_knows_the_departure_delay_exceeds_the_leak_rule() -> None:
    policy = yaml.safe_load((REPOSITORY / "config" / "policies" / "champion.yaml").read_text())
    limits = [
        rule["at_most"] for rule in policy["rules"] if rule["measure"] == "evaluation.roc_auc" and "at_most" in rule
    ]

    honest, leaking = (_auc_of_january(("minute", "distance", *extra)) for extra in ((), ("dep_delay",)))

    assert leaking > limits[0] > honest


def _auc_of_january(numbers: tuple[str, ...]) -> float:
    source = open_package()
    flights = with_times(source.read("flights"), source.read("airports"))
    landed = flights.filter(flights["arr_delay"].is_not_null() & (flights["month"] == 1))
    manifest = Manifest(("carrier", "origin", *numbers), ("carrier", "origin"), {}, {})
    model = build("gradient_boosting", manifest, BoostingParams(40, 0.1, 15, 50, 1.0, 0))
    parts = [landed.filter(landed["day"] <= 20), landed.filter(landed["day"] > 20)]
    inputs = [part.select(manifest.features).to_pandas() for part in parts]
    late = [(part["arr_delay"] > 15).to_numpy() for part in parts]
    return float(roc_auc_score(late[1], model.fit(inputs[0], late[0]).predict_proba(inputs[1])[:, 1]))
