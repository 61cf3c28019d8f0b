"""A served bento that is killed comes back with what may be served; one that is asked to end answers first."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from handrail.bootstrap import open_platform
from handrail.delivery import Deployed
from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of, with_free_ports
from tests.fakes.bento_project import NOON, flight
from tests.fakes.served_versions import Versions, until

FIRST, SECOND = (0.01, 0.001), (0.005, -0.001)
_log = logging.getLogger("handrail.tests")


@pytest.fixture(scope="module")
def servers(project: Settings, deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A copy of the deployed project, and its bento on a free port, for tests that kill it."""
    home = tmp_path_factory.mktemp("recovery") / "home"
    shutil.copytree(project.home, home, ignore=shutil.ignore_patterns("logs", "run", "spool", "prometheus*"))
    with Servers(with_free_ports(project.model_copy(update={"home": home}))) as servers:
        yield servers


@pytest.fixture(scope="module")
def versions(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    with open_platform(servers.settings) as platform:
        platform.event_clock.set(NOON)
        yield Versions(servers.settings, platform, tmp_path_factory.mktemp("trees"))


@pytest.fixture
def url(servers: Servers) -> str:
    """Where the bento answers, which a test before this one may have ended."""
    servers.start("bento")
    servers.wait_ready("bento", 180, "/readyz")
    return address_of(servers.settings, "bento")


def serving_processes(servers: Servers) -> tuple[psutil.Process, psutil.Process]:
    """Return the server that BentoML started, and the worker that answers."""
    (server,) = psutil.Process(servers.pid("bento")).children()
    return server, server.children()[0]


def back_after_s(url: str, within_s: float = 180) -> float:
    """Wait until a killed service is ready again; return how long that took."""
    started, pause = time.monotonic(), Event()
    while True:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False, timeout=2).status_code == 200:
                return time.monotonic() - started
        except httpx.HTTPError:
            pass
        assert time.monotonic() - started < within_s
        pause.wait(0.1)


@pytest.mark.parametrize("which", ["worker", "server"])
def test_a_killed_service_comes_back_with_what_is_deployed_now(
    servers: Servers, versions: Versions, url: str, which: str
) -> None:
    """What is deployed now came by a swap: the server was started with another one."""
    second = versions.deploy(versions.tree(SECOND if which == "worker" else (0.006, -0.001)))
    until(url, lambda said: said["deployment"] == second.deployment.uri)
    server, worker = serving_processes(servers)

    (worker if which == "worker" else server).kill()
    psutil.wait_procs([worker], 30)

    took_s = back_after_s(url)
    _log.info("killed %s: ready again after %.1f s", which, took_s)
    assert until(url, lambda said: said["deployment"] is not None)["deployment"] == second.deployment.uri


def test_killed_in_the_middle_of_a_swap_it_serves_one_of_both_and_then_what_is_deployed(
    servers: Servers, versions: Versions, url: str
) -> None:
    before = until(url, lambda said: said["deployment"] is not None)["deployment"]
    third = versions.deploy(versions.tree((0.007, -0.001)))
    _, worker = serving_processes(servers)
    # The pointer has moved, and the swap takes longer than to get here: a copy, a model and a feature store.
    worker.kill()
    psutil.wait_procs([worker], 30)
    back_after_s(url)

    assert until(url, lambda said: True)["deployment"] in (before, third.deployment.uri)
    until(url, lambda said: said["deployment"] == third.deployment.uri)


def test_killed_while_what_is_deployed_may_not_be_served_it_comes_back_with_the_one_before(
    servers: Servers, versions: Versions, url: str
) -> None:
    good = until(url, lambda said: said["deployment"] is not None)["deployment"]
    bad = versions.deploy(versions.tree((0.008, -0.001)))
    (
        versions.settings.home / "bentoml" / "bentos" / "flights" / bad.bento.version / "src" / "model" / "MLmodel"
    ).write_text("altered")
    server, worker = serving_processes(servers)

    server.kill()
    psutil.wait_procs([server, worker], 30)

    back_after_s(url)
    said = until(url, lambda said: said["deployment"] is not None and said["not_served"] is not None)
    # It may have been served before its bytes were altered: then it was loaded whole.
    assert said["deployment"] == good
    assert "MLmodel" in said["not_served"]["reason"]


def test_a_service_that_is_asked_to_end_answers_what_it_was_asked_before(
    servers: Servers, versions: Versions, url: str
) -> None:
    at, log = urlsplit(url), Path(servers.log_of("bento"))
    program, before = psutil.Process(servers.pid("bento")), log.stat().st_size
    body = json.dumps({"flights": [flight(700, distance=800.0)]}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {serving_token(servers.settings)}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((at.hostname, at.port), timeout=60) as asking:
        asking.sendall(head.encode() + body[:10])
        # The request has begun once another one that came later is answered.
        assert httpx.get(f"{url}/readyz", trust_env=False, timeout=30).status_code == 200
        program.terminate()
        asking.sendall(body[10:])
        answer = b"".join(iter(lambda: asking.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b'"probability"' in answer
    program.wait(30)
    with log.open("rb") as said:
        said.seek(before)
        assert b"Traceback" not in said.read()
