"""The house: contracts between rooms, names, sizes, thin flows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("plugins", "flows", "feature_repo", "bentos", "infra")
TOP_LEVEL = {"plugins", "flows", "feature_repo", "bentos", "config", "tests", "infra"}
FACES = (
    *("acquisition", "approvals", "delivery", "feedback", "lineage", "reproduction"),
    *("bentoml", "evidently", "feast", "gx", "http", "mlflow", "prefect", "prompts"),
)
OPEN_TO_THE_PROJECT = (
    *("bootstrap", "refs", "errors", "clock", "settings", "entrypoints", "tools", "files", "config", "dvc_command"),
    *(
        "compared",
        "explaining",
        "label_kinds",
        "monitored",
        "objectives",
        "readings",
        "scoring",
        "statistics",
        "use_case",
    ),
    *FACES,
)

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def _python_files(*folders):
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def _imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _tests():
    return [file for file in _python_files("tests") if "benchmarks" not in file.parts]


def _flow_files():
    return [file for file in _python_files("flows") if file.parent == ROOT / "flows" and file.stem != "__init__"]


def test_imports_point_inward():
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_the_checkout_holds_the_agreed_folders_only():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )

    folders = {name.split("/")[0] for name in tracked if "/" in name}

    assert {folder for folder in folders if not folder.startswith(".")} <= TOP_LEVEL | {"data", "reports"}


@pytest.mark.parametrize("file", _python_files(*SOURCES, "tests"), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_has_one_subject(file):
    assert file.stem not in VAGUE
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("file", _python_files(*SOURCES), ids=lambda f: str(f.relative_to(ROOT)))
def test_functions_have_no_long_tail(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 45, node.name


@pytest.mark.parametrize(
    "file", _python_files("flows", "bentos", "feature_repo", "infra"), ids=lambda f: str(f.relative_to(ROOT))
)
def test_the_project_enters_handrail_by_its_front_doors(file):
    rooms = {name.split(".")[1] for name in _imports(file) if name.startswith("handrail.")}

    assert rooms <= set(OPEN_TO_THE_PROJECT)


@pytest.mark.parametrize("file", _flow_files(), ids=lambda f: f.stem)
def test_a_flow_file_holds_one_flow_and_imports_no_other(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    flows = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_flow(node)]
    others = {f"flows.{other.stem}" for other in _flow_files() if other != file}

    assert [flow.name for flow in flows] == [file.stem]
    assert not others & set(_imports(file))


@pytest.mark.parametrize("file", _flow_files(), ids=lambda f: f.stem)
def test_a_flow_orders_work_and_does_none(file):
    """A flow file has no loops over data and no arithmetic: its longest function is short."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 45, node.name
        assert not isinstance(node, ast.While), "a flow waits by suspending, never by polling"


def _is_flow(node):
    names = {
        decorator.func.id if isinstance(decorator, ast.Call) else decorator.id
        for decorator in node.decorator_list
        if isinstance(decorator.func if isinstance(decorator, ast.Call) else decorator, ast.Name)
    }
    return "flow" in names


@pytest.mark.parametrize("file", _tests(), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_test_waits_for_a_condition_and_never_sleeps(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert ast.unparse(node.func) not in ("time.sleep", "asyncio.sleep"), f"line {node.lineno}"


def test_every_plugin_has_its_page():
    for plugin in ("acquisition", "approvals", "delivery", "feedback", "lineage", "reproduction"):
        page = (ROOT / "plugins" / "handrail" / plugin / "README.md").read_text(encoding="utf-8")

        assert len(page.splitlines()) <= 150
        for heading in ("Purpose", "Words", "Settings", "Errors", "Extension points", "Decisions"):
            assert f"## {heading}" in page, f"{plugin} lacks {heading}"
