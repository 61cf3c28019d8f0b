"""Prometheus itself over a running bento: what it collects is what rules and dashboards ask for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.servers.prometheus import command
from infra.servers.supervisor import Servers, address_of
from tests.fakes.bento_project import flight

WANTED = "HANDRAIL_TEST_PROMETHEUS"
PATIENCE_S = 60
DASHBOARD = Path(__file__).parents[2] / "infra" / "grafana" / "serving.json"
NEVER_HERE = ("degraded_answers", "shadow_dropped", 'outcome!="ok"')
"""What nothing happened to be counted of."""

if os.environ.get(WANTED) or shutil.which("prometheus"):

    @pytest.fixture
    def prometheus(served: Servers, tmp_path: Path) -> Iterator[httpx.Client]:
        settings = served.settings.model_copy(update={"home": tmp_path})
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        line, _ = command(settings, port, every="1s")
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://{settings.host}:{port}", trust_env=False, timeout=10) as client:
                yield client
        finally:
            process.terminate()
            process.wait()

    def test_every_query_of_the_dashboard_has_an_answer(
        prometheus: httpx.Client, served: Servers, project: Settings
    ) -> None:
        url, token = address_of(served.settings, "bento"), serving_token(project)
        board = json.loads(DASHBOARD.read_text())
        every = {target["expr"] for panel in board["panels"] for target in panel["targets"]}
        never = {each for each in every if any(word in each for word in NEVER_HERE)}
        left = every - never
        deadline, pause, number = time.monotonic() + PATIENCE_S, Event(), 8000

        while left and time.monotonic() < deadline:
            number += 1
            httpx.post(
                f"{url}/predict",
                json={"flights": [flight(number)]},
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=30,
            )
            left = {each for each in left if not _answer(prometheus, each)}
            pause.wait(0.5)

        assert left == set()
        # Prometheus takes the others too, whether or not an earlier test made one happen.
        for each in never:
            assert _answer(prometheus, each) is not None

    def _answer(prometheus: httpx.Client, query: str) -> list[Any] | None:
        """Return what a query finds, None while Prometheus does not answer yet."""
        try:
            response = prometheus.get("/api/v1/query", params={"query": query})
        except httpx.HTTPError:
            return None
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            # It listens before it has read its own store.
            return None
        answer = response.json()
        assert answer["status"] == "success", answer
        found = answer["data"]["result"]
        return [each for each in found if each["value"][1] != "NaN"]
