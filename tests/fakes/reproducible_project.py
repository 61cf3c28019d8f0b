"""A small DVC project whose model lineage knows: tracked data, three quick stages, an MLflow model folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.refs import ModelVersion
from handrail.settings import load_settings

SERVER, NAME = "test-5e1f", "toys"
VERSION = ModelVersion(SERVER, NAME, 17, 1)
CLEAN = """
import csv, pyarrow as pa, pyarrow.parquet as pq
from pathlib import Path
rows = list(csv.DictReader(Path("data/input.csv").open()))
Path("data/clean").mkdir(parents=True, exist_ok=True)
table = pa.table({"x": [float(row["x"]) for row in rows], "y": [float(row["y"]) for row in rows]})
pq.write_table(table, "data/clean/rows.parquet")
"""
TRAIN = """
import json, os, time, yaml
from pathlib import Path
import pyarrow.parquet as pq
while os.environ.get("TOY_WAITS_FOR") and not Path(os.environ["TOY_WAITS_FOR"]).exists():
    time.sleep(0.05)
if os.environ.get("TOY_FAILS"):
    raise SystemExit("There is no luck.")
rows = pq.read_table("data/clean/rows.parquet").to_pylist()
slope = sum(row["x"] * row["y"] for row in rows) / sum(row["x"] ** 2 for row in rows)
slope *= yaml.safe_load(Path("params.yaml").read_text())["shrink"]
Path("models/trained").mkdir(parents=True, exist_ok=True)
Path("reports").mkdir(exist_ok=True)
{extra}
Path("models/trained/weights.json").write_text(json.dumps({{"slope": slope}}))
Path("reports/train.json").write_text(json.dumps({{"slope": slope, "rows": len(rows), "note": note}}))
"""
STEADY = 'note = "steady"'
RANDOM_NOTE = 'note = str(time.time_ns()); Path("models/trained/note.txt").write_text(note)'
RANDOM_SLOPE = 'note = "unsteady"; slope += time.time_ns() % 997 / 1e3'
PACKAGE = '''
import shutil
from pathlib import Path
tree = Path("models/package"); (tree / "code").mkdir(parents=True, exist_ok=True)
shutil.copyfile("steps/toy_loader.py", tree / "code" / "toy_loader.py")
for file in Path("models/trained").iterdir():
    shutil.copyfile(file, tree / file.name)
(tree / "requirements.txt").write_text("PyYAML\\n")
(tree / "MLmodel").write_text("""flavors:
  python_function: {loader_module: toy_loader, code: code, data: weights.json, python_version: 3.11.0}
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "double", "required": true}]'
utc_time_created: '1970-01-01 00:00:00.000000'
""")
'''
LOADER = """
import json
class Toy:
    def __init__(self, slope): self.slope = slope
    def predict(self, frame, params=None): return (frame["x"] * self.slope).to_numpy()
def _load_pyfunc(path): return Toy(json.loads(open(path).read())["slope"])
"""
STAGES = {
    "clean": {"cmd": "python steps/clean.py", "deps": ["steps/clean.py", "data/input.csv"], "outs": ["data/clean"]},
    "train": {
        "cmd": "python steps/train.py",
        "deps": ["steps/train.py", "data/clean"],
        "params": ["shrink"],
        "outs": ["models/trained"],
        "metrics": [{"reports/train.json": {"cache": False}}],
    },
    "package": {
        "cmd": "python steps/package.py",
        "deps": ["steps/package.py", "steps/toy_loader.py", "models/trained", "data/clean"],
        "outs": ["models/package"],
    },
}


def environment(project):
    """Return what DVC and the stages need, without what would point them elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "HANDRAIL_", "MLFLOW_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return kept | {"PATH": path, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".dvc" / "tmp" / "site")}


def run(project, *command):
    done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def dvc(project, *arguments):
    return run(project, sys.executable, "-m", "dvc", *arguments)


def commit(project, message, *paths):
    run(project, "git", "add", *(paths or ("-A",)))
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    run(project, "git", *identity, "commit", "-q", "-m", message)
    return run(project, "git", "rev-parse", "HEAD")


def write_project(folder):
    """Write the project's files."""
    for part in ("steps", "config", "data"):
        (folder / part).mkdir(parents=True)
    (folder / "steps" / "clean.py").write_text(CLEAN)
    write_training(folder, STEADY)
    (folder / "steps" / "package.py").write_text(PACKAGE)
    (folder / "steps" / "toy_loader.py").write_text(LOADER)
    (folder / "config" / "handrail.yaml").write_text("repository: toy\n")
    (folder / "params.yaml").write_text("shrink: 0.9\n")
    (folder / "data" / "input.csv").write_text("x,y\n1,2.1\n2,3.9\n3,6.2\n4,8.1\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    (folder / ".gitignore").write_text("/.handrail\n")


def make_project(folder):
    """Write the project, run it once, push its data and commit what it recorded."""
    write_project(folder)
    run(folder, "git", "init", "-q", "--initial-branch", "main")
    dvc(folder, "init", "-q")
    # Relative to .dvc/config: beside the project.
    (folder / ".dvc" / "config").write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../remote\n"
    )
    dvc(folder, "add", "-q", "data/input.csv")
    commit(folder, "Begin")
    run_and_record(folder)
    return folder


def write_training(folder, extra):
    (folder / "steps" / "train.py").write_text(TRAIN.format(extra=extra))


def run_and_record(folder):
    """Run what changed, push it, and commit what the pipeline recorded."""
    dvc(folder, "repro", "-q")
    dvc(folder, "push", "-q")
    return commit(folder, "Record the run")


def tell_lineage(folder):
    """Let lineage know of the project's last run and of the model version that it made."""
    (folder / ".handrail" / "mlflow").mkdir(parents=True, exist_ok=True)
    (folder / ".handrail" / "mlflow" / "server-name").write_text(SERVER)
    platform = open_platform(load_settings(folder))
    platform.lineage.record_pipeline(folder, run(folder, "git", "rev-parse", "HEAD"))
    digest = tree_digest(folder / "models" / "package")
    platform.lineage.record_registration(VERSION, tree_digest=digest)
    platform.close()


def copy_project(made, folder):
    """Copy the project and its remote, so that a test may break them."""
    shutil.copytree(made.parent, folder)
    return folder / made.name


def object_of(project, path, place):
    """Return the file in which a remote or a cache keeps a tracked file's bytes."""
    md5 = yaml.safe_load((project / f"{path}.dvc").read_text())["outs"][0]["md5"]
    return place / "files" / "md5" / md5[:2] / md5[2:]


def tell_lineage_of_next(folder):
    """Let lineage know of another run, as version 2."""
    platform = open_platform(load_settings(folder))
    platform.lineage.record_pipeline(folder, run(folder, "git", "rev-parse", "HEAD"))
    digest = tree_digest(folder / "models" / "package")
    platform.lineage.record_registration(ModelVersion(SERVER, NAME, 17, 2), tree_digest=digest)
    platform.close()
