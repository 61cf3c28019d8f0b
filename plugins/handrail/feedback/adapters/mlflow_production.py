"""Tags of registered versions, by MLflow's own client: the account of whoever runs it decides what it may write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail.errors import Unavailable, UnknownReference
from handrail.feedback.domain.production import Registered
from handrail.feedback.notice_ports import ProductionPages

GONE = "RESOURCE_DOES_NOT_EXIST"


class MlflowProduction(ProductionPages):
    """Tags of registered versions over a client of MLflow."""

    def __init__(self, client: Callable[[], Any]) -> None:
        """Use the client that is returned, made at the first call."""
        self._client = client

    def put(self, version: Registered, tags: Mapping[str, str]) -> None:
        """Make the version have these tags, and leave its others.

        Raises:
            UnknownReference: that version is gone, or another model has its name.
            Unavailable: the registry is not there, or refuses.
        """
        from mlflow.exceptions import MlflowException

        label = f"{version.name}/{version.version}"
        try:
            client = self._client()
            model = client.get_registered_model(version.name)
            if version.epoch not in (0, int(model.creation_timestamp)):
                raise _gone(label)
            held = client.get_model_version(version.name, str(version.version)).tags
            for key, value in tags.items():
                if held.get(key) != value:
                    client.set_model_version_tag(version.name, str(version.version), key, value)
        except MlflowException as err:
            if err.error_code == GONE:
                raise _gone(label) from err
            problem = str(err.message).strip().splitlines()[0].rstrip(".")
            remedy = "Start that server, set MLFLOW_TRACKING_URI, or let this account edit the model."
            raise Unavailable(f"MLflow's page of {label!r}", problem, remedy) from err


def _gone(label: str) -> UnknownReference:
    return UnknownReference("model version", label, "It was deleted or made again in that MLflow.")
