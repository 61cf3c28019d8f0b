"""A small project over the real flights: the repository's own configuration, another window."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FORTNIGHT: dict[str, Any] = {
    "as_of": "2013-01-15T05:00:00Z",
    "go_live": "2013-01-15T05:00:00Z",
    "train": {"from": "2013-01-01", "until": "2013-01-12"},
    "validate": {"from": "2013-01-12", "until": "2013-01-15"},
}


def write_project(folder: Path, **changes: Any) -> Path:
    """Write config/ and params.yaml for two weeks of January into `folder`, with `changes` to the parameters."""
    shutil.copytree(ROOT / "config", folder / "config")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    change_params(folder, params | FORTNIGHT | changes)
    return folder


def change_params(project: Path, changes: dict[str, Any]) -> None:
    """Change top-level keys of the project's params.yaml."""
    file = project / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(yaml.safe_dump(params | changes), encoding="utf-8")
