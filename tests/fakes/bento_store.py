"""A BentoML store with a tiny bento in it, built by BentoML itself around a model of MLflow's form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMIT = "c0" * 20
SERVICE = """
import bentoml
{line}

@bentoml.service(workers=1)
{decorator}class Iris:
    weights = bentoml.models.BentoModel("iris:one")

    @bentoml.api
    def predict(self, x: int) -> int:
        return x
"""
FILE = f"""
service: "service:Iris"
labels: {{git_sha: "{COMMIT}", team: "blue"}}
include: ["*.py", "carried/*"]
models: ["iris:one"]
python: {{packages: [], lock_packages: false}}
"""
MODEL = """
import bentoml
with bentoml.models.create("iris:one") as model:
    from pathlib import Path
    folder = Path(model.path_of("mlflow_model")); folder.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "weights.bin").write_text("0.5")
    (folder / "registered_model_meta").write_text("added by MLflow")
"""
RECORDED = "from handrail.entrypoints.bentoml.recorded import recorded"


def build_bento(folder: Path, version: str, *, recorded: bool = False) -> Path:
    """Build `iris:<version>` into the store `folder/store`; with `recorded` the service has Handrail's line."""
    context = folder / f"context-{version}"
    (context / "carried").mkdir(parents=True)
    text = SERVICE.format(line=RECORDED if recorded else "", decorator="@recorded\n" if recorded else "")
    (context / "service.py").write_text(text)
    (context / "bentofile.yaml").write_text(FILE)
    (context / "carried" / "MLmodel").write_text("flavors: {onnx: {}}")
    store = folder / "store"
    if not (store / "models" / "iris").exists():
        _run(store, context, "-c", MODEL)
    # BentoML takes a bentofile below its current folder only.
    _run(store, context, "-m", "bentoml", "build", "--version", version, "--output", "tag")
    return store


def _run(store: Path, folder: Path, *arguments: str) -> str:
    """Run Python over the store, in a folder, and return what it printed; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=bento_environment(store),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bento_environment(store: Path) -> dict[str, str]:
    """Return the environment of a process that works on the store."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True", "PATH": tools}
