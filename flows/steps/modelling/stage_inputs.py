"""One fingerprint for everything a stage of dvc.yaml reads: by it, a run in MLflow is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handrail.config import read_yaml
from handrail.errors import Misconfigured, MissingFile
from handrail.files import sha256_of


def stage_inputs(project: Path, stage: str) -> str:
    """Return the sha256 (hex) over the contents of the stage's dependencies and the values of its parameters.

    Raises:
        Misconfigured: dvc.yaml does not hold the stage, or params.yaml lacks a key that it names.
        Unavailable: a dependency is missing.
    """
    stages = read_yaml(project / "dvc.yaml", "dvc.yaml").values.get("stages", {})
    if stage not in stages:
        raise Misconfigured("dvc.yaml", f"it has no stage {stage!r}", "Restore it: git checkout -- dvc.yaml.")
    values = read_yaml(project / "params.yaml", "params.yaml").values
    named = {name: _lookup(values, name) for name in stages[stage].get("params", [])}
    contents = {path: _content(project, path) for path in stages[stage].get("deps", [])}
    canonical = json.dumps({"deps": contents, "params": named}, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lookup(values: Mapping[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        if not isinstance(found, dict) or part not in found:
            raise Misconfigured("params.yaml", f"the key {dotted} is missing", "Add it.")
        found = found[part]
    return found


def _content(project: Path, path: str) -> Any:
    target = project / path
    if target.is_dir():
        files = sorted(file for file in target.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return {file.relative_to(target).as_posix(): sha256_of(file) for file in files}
    if not target.is_file():
        raise MissingFile(path, "Run: dvc repro.")
    return sha256_of(target)
