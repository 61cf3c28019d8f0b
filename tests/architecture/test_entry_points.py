"""What tools load: every entry point resolves, and loading one imports no other tool."""

import importlib
import subprocess
import sys
from importlib.metadata import distribution

import pytest

TOOLS = ("mlflow", "feast", "prefect", "bentoml", "great_expectations", "evidently", "dvc")
HEAVY = (*TOOLS, "sqlalchemy", "alembic", "pandas", "polars", "duckdb", "onnxruntime", "sklearn")
OURS = sorted(
    (point for point in distribution("handrail").entry_points if point.value.startswith("handrail.")),
    key=lambda point: (point.group, point.name),
)
ALLOWED = {
    "handrail.entrypoints.mlflow.app": {"mlflow"},
    "handrail.entrypoints.mlflow.context": {"mlflow"},
    "handrail.entrypoints.mlflow.dataset_sources": {"mlflow"},
    "handrail.entrypoints.mlflow.permitted_models": {"mlflow"},
    "handrail.entrypoints.mlflow.feast_sources": {"mlflow"},
    "handrail.entrypoints.feast.identity": set(),
    "handrail.entrypoints.feast.provider": {"feast"},
    "handrail.entrypoints.prefect.blocks": {"prefect"},
    "handrail.entrypoints.http.feedback_guard": set(),
    "handrail.entrypoints.bentoml.recorded": set(),
    "handrail.entrypoints.evidently.reports": set(),
    "handrail.entrypoints.great_expectations.action": {"great_expectations"},
    "handrail.entrypoints.great_expectations.validation": set(),
    "handrail.entrypoints.http.feedback": set(),
    "handrail.entrypoints.http.gate_client": set(),
    "handrail.entrypoints.cli": set(),
    "handrail.bootstrap": {"sqlalchemy", "alembic"},
    "handrail": set(),
}


def _modules_after(statement):
    code = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("point", OURS, ids=lambda p: f"{p.group}:{p.name}")
def test_an_entry_point_resolves(point):
    if point.group.startswith("mlflow."):
        importlib.import_module("mlflow.data")  # the host is always there first: it is who loads the entry point

    # Prefect imports a module and nothing else.
    assert callable(point.load()) or point.group == "prefect.collections"


def test_the_tools_that_load_handrail_are_known():
    assert {point.group for point in OURS} >= {
        "console_scripts",
        "mlflow.app",
        "mlflow.artifact_repository",
        "mlflow.run_context_provider",
        "mlflow.dataset_source",
        "prefect.collections",
    }


@pytest.mark.parametrize(("module", "allowed"), ALLOWED.items(), ids=ALLOWED)
def test_loading_an_entry_point_imports_no_other_tool(module, allowed):
    loaded = _modules_after(f"import {module}") & set(TOOLS)

    # MLflow itself may bring anything: what Handrail adds is what counts.
    assert loaded <= allowed


@pytest.mark.parametrize("module", ["handrail", "handrail.entrypoints.http.gate_client"])
def test_a_light_door_stays_light(module):
    assert not _modules_after(f"import {module}") & set(HEAVY)


def test_importing_mlflow_with_handrail_installed_loads_no_store():
    assert not _modules_after("import mlflow.tracking.context.registry") & {"prefect", "dvc", "feast", "bentoml"}
