"""Keeps what the gate writes into descriptions: people edit their own text around it, and nobody writes as the gate."""

from __future__ import annotations

from typing import Any

from handrail.approvals import keeping_blocks, without_blocks
from handrail.bootstrap.mlflow_server import editing, is_own_notice

# Methods of a class that MLflow chooses at run time come after these.
_Store: Any = object


class KeptDescriptions(_Store):
    """Comes before the methods of MLflow's registry store that write a description."""

    def create_registered_model(self, *args: Any, **kwargs: Any) -> Any:
        """Begin without what only the gate writes."""
        return super().create_registered_model(*args, **_own_text(kwargs))

    def create_model_version(self, *args: Any, **kwargs: Any) -> Any:
        """Begin without what only the gate writes: a copy brings the description of another version."""
        return super().create_model_version(*args, **_own_text(kwargs))

    def update_registered_model(self, name: str, description: str | None, deployment_job_id: Any = None) -> Any:
        """Change a person's text around what the gate wrote."""
        with editing():
            if not is_own_notice():
                present = super().get_registered_model(name).description
                description = keeping_blocks(description or "", present or "")
            return super().update_registered_model(name, description, deployment_job_id)

    def update_model_version(self, name: str, version: Any, description: str | None = None) -> Any:
        """Change a person's text around what the gate wrote."""
        with editing():
            if not is_own_notice():
                present = super().get_model_version(name, version).description
                description = keeping_blocks(description or "", present or "")
            return super().update_model_version(name, version, description)


def _own_text(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("description"):
        return given | {"description": without_blocks(given["description"])}
    return given
