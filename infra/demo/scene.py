"""What all steps of the demo share: settings, servers, the opened platform, and what earlier steps found out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform
from handrail.settings import Settings
from infra.demo.people import AUTHOR, password_of
from infra.servers.supervisor import Servers

DAYS, SHORT_DAYS = 10, 2
COMMITTER = "demo"
"""Who commits in the demo's clone: `Handrail demo`."""


@dataclass
class Scene:
    """One run of the demo.

    Attributes:
        checkout: the user's repository; nothing in it changes but `.handrail/`.
        settings: the clone's settings, with free ports and replayed event time.
        short: fewer flights, same steps.
        found: what a step leaves for later ones, by name.
    """

    checkout: Path
    settings: Settings
    servers: Servers
    platform: Platform
    short: bool = False
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many whole days are replayed over HTTP."""
        return SHORT_DAYS if self.short else DAYS

    @property
    def clone(self) -> Path:
        """The demo's own clone of the repository."""
        return self.settings.project

    def as_author(self) -> dict[str, str]:
        """Return MLflow's variables for logging to the demo's server as the author."""
        return {
            "MLFLOW_TRACKING_URI": self.settings.url("mlflow"),
            "MLFLOW_TRACKING_USERNAME": AUTHOR.account,
            "MLFLOW_TRACKING_PASSWORD": password_of(self.settings.credentials, AUTHOR.account),
        }

    def read_json(self, path: str) -> Any:
        """Return a JSON file of the clone."""
        return json.loads((self.clone / path).read_text(encoding="utf-8"))


def enter(environment: dict[str, str]) -> None:
    """Give this process, and so everything that it starts or calls, the demo's environment."""
    os.environ.update(environment)
    # A developer's own shell may point tools elsewhere; here it would lead out of the demo.
    for stranger in ("HANDRAIL_DATABASE_URL", "HANDRAIL_MLFLOW_URL", "HANDRAIL_PREFECT_URL", "HANDRAIL_BENTO_URL"):
        os.environ.pop(stranger, None)
