"""A training project that knows nothing of Handrail: git, a file under DVC, a script that uses MLflow's fluent API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOUR_ROWS = "x,late\n1,0\n2,0\n3,1\n4,1\n"
FIVE_ROWS = FOUR_ROWS + "5,1\n"
SCRIPT = """
import json, sys
import mlflow, mlflow.sklearn, pandas as pd
from mlflow.entities import LoggedModelInput
from sklearn.linear_model import LogisticRegression

name = sys.argv[1]
mlflow.set_experiment(name)
frame = pd.read_csv("data/flights.csv")
model = LogisticRegression().fit(frame[["x"]], frame["late"])
with mlflow.start_run() as run:
    data = mlflow.data.from_pandas(frame, source="dvc://data/flights.csv", name="flights")
    mlflow.log_input(data, context="training")
    mlflow.log_metric("accuracy", model.score(frame[["x"]], frame["late"]))
    logged = mlflow.sklearn.log_model(model, name="model", registered_model_name=name)
with mlflow.start_run() as judged:
    mlflow.log_input(model=LoggedModelInput(logged.model_id))
    other = mlflow.data.from_pandas(frame.head(2), source="https://user:secret@example.org/x.csv?sig=1", name="sample")
    mlflow.log_input(other)
mlflow.MlflowClient().set_registered_model_alias(name, "candidate", "1")
made = {"run": run.info.run_id, "judged": judged.info.run_id, "model": logged.model_id}
print(json.dumps(made | {"user": run.data.tags["mlflow.user"]}))
"""


def write_training(folder: Path, repository: str | None = "shop", data: str = FOUR_ROWS) -> str:
    """Write and commit the project into `folder`; return the commit."""
    (folder / "data").mkdir(parents=True)
    (folder / ".dvc").mkdir()
    (folder / "data" / "flights.csv").write_text(data)
    (folder / "train.py").write_text(SCRIPT)
    if repository:
        (folder / "config").mkdir()
        (folder / "config" / "handrail.yaml").write_text(f"repository: {repository}\n")
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "Begin"), ("rev-parse", "HEAD")):
        done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def environment(tracking_uri: str, **more: str) -> dict[str, str]:
    """Return what a user's shell holds for such a script; nothing of Handrail's."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("HANDRAIL_", "MLFLOW_"))}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "OMP_NUM_THREADS": "1"}
    return plain | quiet | {"MLFLOW_TRACKING_URI": tracking_uri} | more


def train(folder: Path, name: str, env: dict[str, str]) -> str:
    """Run the script under a model name and return what it prints last."""
    words = [sys.executable, "train.py", name]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]
