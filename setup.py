"""Puts into the wheel what `handrail init` copies: the template, and the machinery of the reference project.

Everything else is in pyproject.toml.
"""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SCAFFOLD = Path("handrail") / "scaffold"
TEMPLATE = ROOT / "plugins" / SCAFFOLD / "template"


class BuildWithScaffold(build_py):
    """Copies files that no package holds below `handrail.scaffold`; an editable installation reads them in place."""

    def run(self) -> None:
        """Build as always, then copy."""
        super().run()
        if not self.editable_mode:
            for source, target in self._scaffold():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Name what was copied, too."""
        return [*super().get_outputs(include_bytecode), *(str(target) for _, target in self._scaffold())]

    def _scaffold(self) -> list[tuple[Path, Path]]:
        built = Path(self.build_lib) / SCAFFOLD
        module = runpy.run_path(str(ROOT / "plugins" / SCAFFOLD / "machinery.py"))
        names = [*module["machinery"](ROOT), module["LOCK"]]
        files = [(ROOT / name, built / "machinery" / name) for name in names]
        template = (file for file in TEMPLATE.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return files + [(file, built / "template" / file.relative_to(TEMPLATE)) for file in template]


setup(cmdclass={"build_py": BuildWithScaffold})
