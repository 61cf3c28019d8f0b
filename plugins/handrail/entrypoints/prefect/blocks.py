"""What Prefect loads: the block `Handrail Lineage`, and `record` for tasks and flows. Loading it opens nothing."""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from handrail.entrypoints.prefect.recorder import Recorder, record
from handrail.entrypoints.prefect.values import Named, parts_of

if TYPE_CHECKING:
    from handrail.bootstrap import Platform

__all__ = ["HandrailLineage", "record"]


class HandrailLineage(Block):
    """Where lineage is recorded: a project's store, or a database by URL."""

    _block_type_name: ClassVar[str] = "Handrail Lineage"
    _block_type_slug: ClassVar[str] = "handrail-lineage"
    _description: ClassVar[str] = "Records what tasks and flows read and make, in Handrail's lineage graph."
    _code_example: ClassVar[str] = """
```python
from handrail.prefect import HandrailLineage

lineage = HandrailLineage.load("shop")

@task
@lineage.record(inputs="data/orders.csv", outputs=lambda target: target)
def clean(target: str) -> None: ...
```"""

    project: Path | None = Field(
        default=None, description="Folder that holds config/handrail.yaml; the one around the current folder if empty."
    )
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of Handrail's store; that of the project's settings if empty."
    )

    def record(self, *, inputs: Named = None, outputs: Named = None) -> Recorder:
        """Record as the function `record` does, into this block's store."""
        return Recorder(parts_of(inputs), parts_of(outputs), self.open)

    def open(self) -> "Platform":
        """Return this process's platform over the block's store; a fork opens its own.

        Raises:
            Misconfigured: the settings of the project cannot be used.
        """
        url = self.database_url.get_secret_value() if self.database_url else None
        return _open(os.getpid(), self.project or Path.cwd(), url)


@lru_cache(maxsize=8)
def _open(process: int, project: Path, url: str | None) -> "Platform":  # noqa: ARG001 - the key
    from handrail.bootstrap import open_platform
    from handrail.entrypoints.hosts.recording import PATIENCE_S
    from handrail.settings import load_settings

    settings = load_settings(project)
    chosen = settings.model_copy(update={"database_url": SecretStr(url)}) if url else settings
    return open_platform(chosen, PATIENCE_S)
