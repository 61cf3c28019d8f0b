"""The six stages as DVC runs them with nothing else running, in two checkouts that know nothing of each other."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pytest
import yaml

from flows.steps.stages import STAGES
from tests.fakes.flights_project import FORTNIGHT, ROOT, change_params

EVIDENCE = ("evaluate", "package", "train")
PLACES = {"flows": ".", "feature_repo": ".", "bentos": ".", "handrail": "plugins"}
# Sentences of refusals, where state lies, what is written to MLflow, lineage or the online store after the outputs.
LEAVE_OUTPUTS_ALONE = {
    "flows/steps/modelling/tracking.py",
    "plugins/handrail/__init__.py",
    "plugins/handrail/entrypoints/__init__.py",
    "plugins/handrail/entrypoints/feast/__init__.py",
    "plugins/handrail/entrypoints/feast/provider/__init__.py",
    "plugins/handrail/feast.py",
    "plugins/handrail/lazy.py",
    "plugins/handrail/errors.py",
    "plugins/handrail/settings.py",
    "plugins/handrail/tools.py",
}
NAMED_IN_TEXT = {
    "feature_repo/offline.py": ("handrail.entrypoints.feast.offline_store",),
    "flows/steps/data/features.py": ("handrail.entrypoints.feast.identity",),
}
SMALL = FORTNIGHT | {
    "sample": {"share_of_days": 0.25},
    "model": {
        "max_iter": 3,
        "learning_rate": 0.1,
        "max_leaf_nodes": 7,
        "min_samples_leaf": 50,
        "l2_regularization": 1.0,
        "seed": 0,
    },
    "intervals": {"draws": 20, "seed": 0},
    "evaluate": {"smallest_slice": 300, "sampled_rows": 300},
}
TRACKED = (".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml")


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two repositories of the same files in folders of different depth, each reproduced once."""
    folders = [tmp_path_factory.mktemp("a") / "project", tmp_path_factory.mktemp("b") / "deeper" / "down" / "here"]
    for folder in folders:
        _checkout(folder)
    running = [_start(folder, "repro") for folder in folders]
    said = [process.communicate(timeout=1200) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return folders


def _checkout(folder: Path) -> None:
    for name in TRACKED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("bentos", "config", "feature_repo", "flows", "plugins"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    change_params(folder, SMALL)
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HANDRAIL_HOME": str(folder / ".handrail"),
        "HANDRAIL_PROJECT": str(folder),
        "DVC_SITE_CACHE_DIR": str(folder / ".handrail" / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
        # Outputs are what is compared; that the stages log them is shown elsewhere, and a store takes seconds to make.
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PREFECT_"))}
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=outside | own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _dvc(folder: Path, arguments: Sequence[str]) -> str:
    process = _start(folder, *arguments)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    return out


def test_two_clones_give_the_same_lock_and_it_names_no_place(checkouts: list[Path]) -> None:
    one, other = (folder / "dvc.lock" for folder in checkouts)

    assert one.read_bytes() == other.read_bytes()
    assert str(checkouts[0].parent).encode() not in one.read_bytes()


def test_a_second_run_has_nothing_to_do(checkouts: list[Path]) -> None:
    said = _dvc(checkouts[0], ["repro"])

    assert "Data and pipelines are up to date." in said
    assert all(f"Stage '{stage}' didn't change, skipping" in said for stage in STAGES)


def test_a_parameter_of_the_model_leaves_the_data_stages_alone(checkouts: list[Path]) -> None:
    change_params(checkouts[1], {"model": SMALL["model"] | {"max_iter": 4}})

    changed = json.loads(_dvc(checkouts[1], ["status", "--json"]))

    assert set(changed) == {"train"}


def test_the_checkout_holds_nothing_untracked_but_lock_and_evidence(checkouts: list[Path]) -> None:
    said = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=checkouts[0], check=True, capture_output=True, text=True
    )

    evidence = ["data/validation.json", "dvc.lock", *(f"reports/{stage}.json" for stage in EVIDENCE)]
    assert said.stdout.splitlines() == [f"?? {file}" for file in evidence]


@pytest.mark.parametrize("stage", EVIDENCE)
def test_what_the_stages_report_is_the_same_in_both(checkouts: list[Path], stage: str) -> None:
    one, other = (folder / "reports" / f"{stage}.json" for folder in checkouts)

    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_names_every_module_of_ours_that_it_imports(stage: str) -> None:
    """A module that is missing from the deps would let DVC restore what other code made; one too many reruns it."""
    graph = _graph()

    assert imported_by(STAGES[stage].module) == {
        file
        for dep in graph[stage]["deps"]
        if dep not in _made_by(graph)
        for file in _files_of(dep)
        if file[-3:] == ".py"
    }


def test_every_dependency_in_the_repository_is_tracked() -> None:
    """A folder counts as its files without what DVC ignores, so that compiled code and pages change no hash."""
    graph = _graph()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    named = {dep for stage in graph.values() for dep in stage["deps"]} - _made_by(graph)

    files = {file for dep in named for file in _files_of(dep)}

    assert all(_files_of(dep) for dep in named)
    assert files <= set(tracked)
    configured = {f"config/{name}.yaml" for name in ("cleaning", "tables", "use_case", "validation")}
    assert {file for file in files if file[-3:] != ".py"} == configured


def _graph() -> dict[str, dict[str, list[str]]]:
    """Return the stages of dvc.yaml; what the tables are read from is named in config/tables.yaml."""
    reads = yaml.safe_load((ROOT / "config" / "tables.yaml").read_text(encoding="utf-8"))["reads"]
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8").replace("${reads}", reads)
    stages: dict[str, dict[str, list[str]]] = yaml.safe_load(text)["stages"]
    return stages


def _made_by(graph: dict[str, dict[str, list[str]]]) -> set[str]:
    return {str(out) for stage in graph.values() for out in stage["outs"]}


def _files_of(dep: str) -> set[str]:
    """Return the file, or the files of the folder that DVC hashes: what .dvcignore names is none of them."""
    if (ROOT / dep).is_file():
        return {dep}
    found = (file for file in (ROOT / dep).rglob("*") if file.is_file())
    return {
        file.relative_to(ROOT).as_posix() for file in found if file.suffix != ".md" and "__pycache__" not in file.parts
    }


def imported_by(module: str) -> set[str]:
    """Return the files of ours that importing and running `module` executes, without what no output can depend on."""
    found: set[str] = set()
    todo = [_file_of(module)]
    while todo:
        file = todo.pop()
        if file is None or file in found or file in LEAVE_OUTPUTS_ALONE:
            continue
        found.add(file)
        names = _imported_names(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        todo += [_file_of(name) for name in (*names, *NAMED_IN_TEXT.get(file, ()))]
    return found


def _imported_names(tree: ast.AST) -> Iterator[str]:
    """Give what is imported anywhere below, with the packages around it; not what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            yield from accumulate(name.split("."), "{}.{}".format)
        yield from _imported_names(node)


def _file_of(module: str) -> str | None:
    """Return the file of a module of ours; None for others', and for a name that is no module."""
    package, _, _ = module.partition(".")
    if package not in PLACES:
        return None
    base = Path(PLACES[package]) / module.replace(".", "/")
    files = (base.with_suffix(".py"), base / "__init__.py")
    return next((file.as_posix() for file in files if (ROOT / file).is_file()), None)
