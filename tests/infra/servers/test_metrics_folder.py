"""Each server of a home counts in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.servers.metrics_folder import metrics_folder

HOME = Path("home")


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (["flights:1", "--host", "127.0.0.1", "--port", "4100"], "4100"),
        (["flights:1", "--port=4100", "--timeout-graceful-shutdown", "10"], "4100"),
        (["-p", "4100", "flights:1"], "4100"),
        (["flights:1"], "3000"),
        (["--port", "4100", "flights:1", "--port", "4200"], "4200"),
    ],
)
def test_it_is_the_one_of_its_port(arguments: list[str], port: str) -> None:
    assert metrics_folder(arguments, HOME) == HOME / "prometheus" / port


def test_what_the_environment_names_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that a server started has its variables, and may start another server."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "elsewhere")

    assert metrics_folder(["flights:1", "--port", "4100"], HOME) == HOME / "prometheus" / "4100"
