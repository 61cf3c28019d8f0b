"""Serves what the environment points at: `python -m infra.servers.bento`, the line of the Procfile.

Before anything is deployed the checkout's own service is served; it stays up and says that no permitted model exists.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from flows.steps.release.deploy import served_bento
from flows.steps.release.recipe import NAME
from handrail.bootstrap import open_platform
from handrail.errors import HandrailError
from handrail.http import serving_token
from handrail.settings import Settings, load_settings
from handrail.tools import require
from infra.servers.supervisor import environment, require_free_ports

GRACE_S = 10


def serving_target(settings: Settings) -> str:
    """Return what `bentoml serve` is given: the tag that the environment points at, else the checkout's service.

    Raises:
        Unavailable: the bento that was deployed is not in the local store (any more).
    """
    with open_platform(settings) as platform:
        served = served_bento(platform)
    return f"{served.tag.name}:{served.tag.version}" if served else str(settings.project / "bentos" / NAME)


def main(execute: Callable[[str, list[str], dict[str, str]], None] = os.execve) -> None:
    """Become the server of what the environment points at."""
    try:
        require("bentoml", "bentoml")
        settings = load_settings()
        require_free_ports(settings, ["bento"])
        serving_token(settings)
        command = [
            *(sys.executable, "-m", "bentoml", "serve", serving_target(settings)),
            *("--host", settings.host, "--port", str(settings.ports.bento)),
            *("--timeout-graceful-shutdown", str(GRACE_S)),
        ]
    except HandrailError as err:
        sys.exit(f"error: {err}")
    execute(command[0], command, environment(settings, "bento"))


if __name__ == "__main__":
    main()
