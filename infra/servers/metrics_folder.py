"""Where the processes of one server keep what they count.

BentoML has one such folder for all servers of a home, and empties it whenever one of them starts, whatever
`PROMETHEUS_MULTIPROC_DIR` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

DEFAULT_PORT = "3000"
NAMES = ("--port", "-p")


def metrics_folder(arguments: Sequence[str], home: Path) -> Path:
    """Return the folder of the server that `bentoml serve` starts with these arguments: one for each port of a home.

    Two servers of one machine never listen on one port, so neither empties what the other one counts.
    """
    port = DEFAULT_PORT
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, is_joined, value = argument.partition("=")
        if name in NAMES:
            port = value if is_joined else following
    return home / "prometheus" / port
