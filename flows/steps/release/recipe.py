"""What a project puts into its bento around the model: source, features, configuration, and Handrail as a wheel.

The bento's root holds `model/` (the tree, byte for byte), `permit.json`, `bentos/<name>/`, `feature_repo/` and
`config/`; Handrail goes with it as a wheel. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from flows.steps.release.handrail_wheel import add_files, build_wheel, files_of, wheel_digest
from handrail.delivery import Recipe
from handrail.settings import Settings
from handrail.use_case import read_use_case

SOURCES = (
    "bentos/{name}/*.py",
    "bentos/{name}/bentofile.yaml",
    "feature_repo/*.py",
    "feature_repo/*.yaml",
    "config/handrail.yaml",
    "config/feedback.yaml",
    "config/use_case.yaml",
)


@dataclass(frozen=True, slots=True)
class ProjectRecipe(Recipe):
    """The recipe of the bento of one project's use case, from that project's source."""

    settings: Settings

    @property
    def name(self) -> str:
        """The bento's name, which is that of the use case."""
        return read_use_case(self.settings.project).name

    def digest(self, permit: Path) -> str:
        """Hash the permit and every file that goes in, by path and content."""
        source = hashlib.sha256(permit.read_bytes())
        add_files(source, self.settings.project, files_of(self.settings.project, self._sources))
        source.update(wheel_digest(self.settings.project).encode())
        return source.hexdigest()

    def lay_out(self, context: Path, labels: Mapping[str, str]) -> None:
        """Copy the source, build the wheel, and write the bentofile with pinned packages."""
        project, name = self.settings.project, self.name
        for file in files_of(project, self._sources):
            target = context / file.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        wheel = build_wheel(self.settings)
        shutil.copyfile(wheel, context / wheel.name)
        plan = yaml.safe_load((project / "bentos" / name / "bentofile.yaml").read_text(encoding="utf-8"))
        plan["service"] = f"bentos.{name}.{plan['service']}"
        plan["labels"] = dict(labels)
        plan["python"]["packages"] = [_pinned(package) for package in plan["python"]["packages"]]
        plan["python"]["wheels"] = [wheel.name]
        (context / "bentofile.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")

    @property
    def _sources(self) -> tuple[str, ...]:
        return tuple(pattern.format(name=self.name) for pattern in SOURCES)


def _pinned(package: str) -> str:
    return f"{package}=={version(package.partition('[')[0])}"
