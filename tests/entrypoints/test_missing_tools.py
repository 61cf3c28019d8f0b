"""A package that is not installed is one sentence with the install command, wherever it is needed first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""
COMMAND = "from handrail.entrypoints.cli import main; sys.argv[1:] = {words!r}; main()"
MODULE = "import runpy; sys.argv[1:] = {words!r}; runpy.run_module({name!r}, run_name='__main__')"
# A host tool shows what is raised in its own way; the sentence is the error's.
LOADED = """
from handrail.errors import HandrailError
try:
    {statement}
except HandrailError as err:
    sys.exit(f"error: {{err}}")
"""
WINDOW = ("--from", "2013-08-01", "--until", "2013-09-01")


def stage(name):
    return MODULE.format(name="flows.steps", words=[name])


def loaded(statement):
    return LOADED.format(statement=statement)


CASES = {
    "serve": ("uvicorn", "server", COMMAND.format(words=["serve"])),
    "mlflow server": (
        "mlflow",
        "mlflow",
        "from handrail.entrypoints.mlflow.app import create_app; create_app()",
    ),
    "mlflow dataset": ("mlflow", "mlflow", loaded("import handrail.entrypoints.mlflow.dataset_sources")),
    "feast offline store": ("feast", "feast", loaded("import handrail.entrypoints.feast.offline_store")),
    "feast offline store, polars": ("polars", "feast", loaded("import handrail.entrypoints.feast.offline_store")),
    "feast offline store, pyarrow": ("pyarrow", "feast", loaded("import handrail.entrypoints.feast.offline_store")),
    "feast provider": ("feast", "feast", loaded("import handrail.entrypoints.feast.provider")),
    "feast provider, pyarrow": ("pyarrow", "feast", loaded("import handrail.entrypoints.feast.provider")),
    "feast dataset": ("mlflow", "mlflow", loaded("import handrail.entrypoints.mlflow.feast_sources")),
    "join": ("polars", "feast", loaded("import handrail.point_in_time")),
    "report lineage": (
        "evidently",
        "evidently",
        COMMAND.format(words=["lineage", "collect", "evidently", "."]),
    ),
    "gx action": (
        "great_expectations",
        "great-expectations",
        loaded("import handrail.entrypoints.great_expectations.action"),
    ),
    "lineage transport": (
        "openlineage",
        "openlineage",
        loaded(
            "from handrail.lineage.adapters.openlineage import transport as t; "
            "t.OpenLineageTransport('a', {'type': 'console'}, {})"
        ),
    ),
    "bento service": ("bentoml", "bentoml", loaded("import handrail.entrypoints.bentoml.service")),
    "bento": ("bentoml", "bentoml", MODULE.format(name="infra.servers.bento", words=[])),
    "worker": ("prefect", "prefect", MODULE.format(name="infra.servers.worker", words=[])),
    "reports": (
        "evidently",
        "evidently",
        loaded("import flows.steps.monitoring.reports as m; m.add_reports(None, None, None, None, None)"),
    ),
    "acquire": ("polars", "project", stage("acquire")),
    "validate": ("great_expectations", "project", stage("validate")),
    "features": ("feast", "project", stage("features")),
    "train": ("mlflow", "project", stage("train")),
    "evaluate": ("sklearn", "project", stage("evaluate")),
    "package": ("skl2onnx", "project", stage("package")),
}


@pytest.fixture
def environment(tmp_path):
    mine = {"HANDRAIL_PROJECT": str(tmp_path), "HANDRAIL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    return os.environ | mine


def run_without(package, code, environment, folder):
    whole = BLOCK.format(package=package) + code
    done = subprocess.run(
        [sys.executable, "-c", whole], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stderr


def assert_one_sentence(answer, package, extra):
    code, said = answer
    assert (code, said.count("\n")) == (1, 1), said
    assert said.endswith(f"{package}: it is not installed. In Handrail's checkout: pip install '.[{extra}]'.\n")


@pytest.mark.parametrize(("package", "extra", "code"), CASES.values(), ids=CASES)
def test_what_needs_a_missing_package_says_so(environment, tmp_path, package, extra, code):
    assert_one_sentence(run_without(package, code, environment, tmp_path), package, extra)


def test_a_store_on_postgresql_names_its_driver(environment, tmp_path):
    url = {"HANDRAIL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    code = COMMAND.format(words=["feedback", "status"])

    assert_one_sentence(run_without("psycopg", code, environment | url, tmp_path), "psycopg", "postgresql")


def test_exporting_labels_needs_pyarrow_alone(environment, tmp_path):
    take = [
        sys.executable,
        "-c",
        "import sys\n" + COMMAND.format(words=["feedback", "snapshot", "ground_truth", *WINDOW]),
    ]
    (tmp_path / "config").symlink_to(ROOT / "config")
    fill = "from handrail import open_platform; open_platform().feedback.snapshots()"
    subprocess.run([sys.executable, "-c", fill], env=environment, check=True, timeout=120)
    taken = subprocess.run(take, env=environment, capture_output=True, text=True, check=True, timeout=120)
    digest = taken.stdout[:71]
    code = COMMAND.format(words=["feedback", "export", digest, str(tmp_path / "labels.parquet")])

    assert_one_sentence(run_without("pyarrow", code, environment, tmp_path), "pyarrow", "parquet")
    assert run_without("feast", code, environment, tmp_path)[0] == 0
    assert (tmp_path / "labels.parquet").is_file()


def test_asking_for_a_package_does_not_load_it():
    code = "import sys; from handrail.tools import require; require('mlflow', 'mlflow'); print('mlflow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
