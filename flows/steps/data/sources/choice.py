"""config/tables.yaml: which source the tables are read from."""

# pydantic reads the annotations at run time, so they stay real.

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.steps.data.sources import Source
from flows.steps.data.sources.acquired import AcquiredFiles
from flows.steps.data.sources.package import open_package
from handrail.config import Section, read_config
from handrail.errors import Misconfigured

FILE = "config/tables.yaml"
PACKAGE = "flows/steps/data/sources/package.py"


class TablesFile(Section):
    """The whole file; dvc.yaml names what is read as a dependency of the stage acquire."""

    reads: Annotated[str, Field(min_length=1)] = PACKAGE


def open_source(project: Path) -> Source:
    """Open the source that a project chose; without the file it is the package of their publisher.

    Raises:
        Misconfigured: it names neither that package nor a folder of the project.
        MissingTool: the package is not installed.
    """
    reads = read_config(project / FILE, TablesFile, shown=FILE).reads if (project / FILE).is_file() else PACKAGE
    if reads == PACKAGE:
        return open_package()
    folder = (project / reads).resolve()
    if not folder.is_dir() or not folder.is_relative_to(project.resolve()):
        problem = f"reads is {reads!r}, which is no folder of the project"
        remedy = f"Write {PACKAGE}, or a folder that handrail acquire --to wrote."
        raise Misconfigured(FILE, problem, remedy)
    return AcquiredFiles(folder)
