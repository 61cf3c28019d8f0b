"""A small DVC project whose training script logs its model with MLflow, and writes it to no output of a stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.fakes import reproducible_project as toy

TRAIN = """
import json, mlflow, yaml
from pathlib import Path
import pandas as pd
from sklearn.linear_model import LinearRegression
rows = pd.read_csv("data/input.csv")
shrink = yaml.safe_load(Path("params.yaml").read_text())["shrink"]
model = LinearRegression().fit(rows[["x"]], rows["y"] * shrink {extra})
with mlflow.start_run():
    mlflow.sklearn.log_model(model, name="slope", input_example=rows[["x"]].head(2), pip_requirements=["scikit-learn"])
    mlflow.sklearn.log_model(LinearRegression().fit(rows[["x"]], rows["x"]), name="other", pip_requirements=[])
Path("reports").mkdir(exist_ok=True)
Path("reports/train.json").write_text(json.dumps({{"slope": model.coef_[0]}}))
"""
STAGES = {
    "train": {
        "cmd": "python steps/train.py",
        "deps": ["steps/train.py", "data/input.csv"],
        "params": ["shrink"],
        "metrics": [{"reports/train.json": {"cache": False}}],
    }
}


def write_script(folder: Path, extra: str = "") -> None:
    """Write the training script; `extra` follows the target values in it."""
    (folder / "steps" / "train.py").write_text(TRAIN.format(extra=extra))


def make_project(folder: Path) -> Path:
    """Write and commit the project; nothing has run."""
    for part in ("steps", "config", "data"):
        (folder / part).mkdir(parents=True)
    write_script(folder)
    (folder / "config" / "handrail.yaml").write_text("repository: toy\n")
    (folder / "params.yaml").write_text("shrink: 0.9\n")
    (folder / "data" / "input.csv").write_text("x,y\n1,2.1\n2,3.9\n3,6.2\n4,8.1\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    (folder / ".gitignore").write_text("/.handrail\n/mlruns\n")
    toy.run(folder, "git", "init", "-q", "--initial-branch", "main")
    toy.dvc(folder, "init", "-q")
    toy.dvc(folder, "add", "-q", "data/input.csv")
    toy.commit(folder, "Begin")
    return folder


def store_of(folder: Path) -> str:
    """Return the address of the MLflow store beside the project."""
    return f"sqlite:///{folder.parent / 'server' / 'mlflow.db'}"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the variables in which the project is at home."""
    own = {"MLFLOW_TRACKING_URI": store_of(folder), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return {**toy.environment(folder), **own, **more}


def train(folder: Path, *command: str, **more: str) -> None:
    """Run the pipeline, or another command that trains, against the store beside the project."""
    run(folder, environment(folder, **more), *(command or (sys.executable, "-m", "dvc", "repro", "-q")))


REGISTER = """
import mlflow
order = [{"field_name": "creation_timestamp", "ascending": True}]
models = mlflow.MlflowClient().search_logged_models(["0"], order_by=order)
newest = [model for model in models if model.name == "slope"][-1]
print(mlflow.register_model(f"models:/{newest.model_id}", "toys").version)
"""


def register(folder: Path) -> str:
    """Register the newest model as a version of `toys`, and let lineage know; return its number."""
    number = run(folder, environment(folder), sys.executable, "-c", REGISTER).splitlines()[-1]
    handrail = str(Path(sys.executable).with_name("handrail"))
    run(folder, environment(folder), handrail, "lineage", "collect", "mlflow", "--download")
    return number


def run(folder: Path, variables: dict[str, str], *command: str) -> str:
    """Run a command in the project; return what it printed."""
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
