"""`python -m infra.servers.bentoml_serve TAG ...` is `bentoml serve TAG ...` that notices a killed worker at once.

BentoML looks after its workers every 10 s and has no setting for it; together with its start, a killed one would be
away for longer than that. And its metrics lie in the folder of its port.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.utils import circus
from bentoml_cli.cli import cli

from infra.servers.metrics_folder import metrics_folder

LOOK_EVERY_S = 1.0


class AttentiveArbiter(circus.Arbiter):
    """Looks after its workers more often."""

    def __init__(self, *given: Any, check_delay: float, **named: Any) -> None:
        """Begin as BentoML's own does."""
        super().__init__(*given, check_delay=min(check_delay, LOOK_EVERY_S), **named)


def main() -> None:
    """Serve as BentoML does."""
    vars(circus)["Arbiter"] = AttentiveArbiter
    folder = metrics_folder(sys.argv[1:], Path(BentoMLContainer.bentoml_home.get()))
    BentoMLContainer.prometheus_multiproc_dir.set(str(folder))
    sys.exit(cli(["serve", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
