"""BentoML's local store of bentos, and `bentoml build` in a separate process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from handrail.clock import parse_moment
from handrail.delivery.domain import BuiltBento
from handrail.delivery.ports import Bentos
from handrail.errors import Unavailable
from handrail.refs import BentoTag


@dataclass(frozen=True, slots=True)
class BentomlBentos(Bentos):
    """The bentos `name` below `home`, which is what BENTOML_HOME says to BentoML.

    `digest` computes a bento's digest from its folder; `environment` joins this process's own for the build.
    """

    home: Path
    name: str
    digest: Callable[[Path], str]
    environment: Mapping[str, str]

    def find(self, version: str) -> BuiltBento | None:
        """Read a bento's metadata; BentoML writes that file last."""
        folder = self._folder(version)
        try:
            written = yaml.safe_load((folder / "bento.yaml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        built_at = written["creation_time"]
        return BuiltBento(
            tag=BentoTag(self.name, version),
            folder=folder,
            built_at=parse_moment(built_at if isinstance(built_at, str) else built_at.isoformat()),
            digest=self.digest(folder),
        )

    def build(self, context: Path, version: str) -> BuiltBento:
        """Run `bentoml build` over the context."""
        # An interrupted build leaves no bento.yaml, and BentoML would refuse to build over the rest.
        shutil.rmtree(self._folder(version), ignore_errors=True)
        command = [sys.executable, "-m", "bentoml", "build", str(context), "--version", version, "--output", "tag"]
        environment = {**os.environ, **self.environment, "BENTOML_HOME": str(self.home)}
        run = subprocess.run(
            command, cwd=context, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if run.returncode:
            printed = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()]
            problem = (printed or ["it printed nothing"])[-1][:300].rstrip(".")
            raise Unavailable("bentoml build", problem, "Correct that and deploy again; nothing was changed.")
        built = self.find(version)
        if built is None:
            raise Unavailable("bentoml build", f"it left no bento {self.name}:{version}", "Run the deployment again.")
        return built

    def _folder(self, version: str) -> Path:
        return self.home / "bentos" / self.name / version
