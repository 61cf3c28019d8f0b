"""Two replicas of the deployed bento behind HAProxy, killed one by one under load: every request is answered."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.delivery import Deployed
from handrail.entrypoints.cli import build
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import UnknownReference
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of
from tests.fakes.balanced import Load, Replica, balanced, eventually, free_port, is_ready, wanted
from tests.fakes.bento_project import NOON

KILLS = int(os.environ.get("HANDRAIL_TEST_KILLS", "2"))
BETWEEN = 50
"""So many answers come between one kill and what follows."""

if not wanted():
    pytest.skip("collected where HAProxy is", allow_module_level=True)


@pytest.fixture
def image(project: Settings, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder from which an image of the bento would be built."""
    for name in ("project", "home"):
        monkeypatch.setenv(f"HANDRAIL_{name.upper()}", str(getattr(project, name)))
    base, folder = f"localhost/python@sha256:{'0' * 64}", tmp_path / "image"
    done = CliRunner().invoke(build(), ["delivery", "package", "container", "--base", base, "--to", str(folder)])
    assert done.exit_code == 0, (done.output, done.exception)
    return folder


def test_no_request_is_lost_while_replicas_are_killed_one_by_one(
    project: Settings, deployed: Deployed, served: Servers, image: Path, tmp_path: Path
) -> None:
    tag = f"{deployed.bento.name}:{deployed.bento.version}"
    replicas = [Replica(project, tag), Replica(project, tag, image)]
    listen, file = f"127.0.0.1:{free_port()}", tmp_path / "haproxy.cfg"
    named = [option for replica in replicas for option in ("--replica", replica.address)]
    command = ["delivery", "package", "balancer", "--listen", listen, *named, "--to", str(file)]
    written = CliRunner().invoke(build(), command)
    assert written.exit_code == 0, (written.output, written.exception)
    load = Load(listen, {"Authorization": f"Bearer {serving_token(project)}"})

    with open_platform(project) as platform:
        platform.event_clock.set(NOON)
        with balanced(file, replicas):
            eventually(lambda: is_ready(listen), "the balancer answers")
            killed = 0
            with load.under_way():
                for _, replica in zip(range(KILLS), itertools.cycle(replicas), strict=False):
                    asked_more(load)
                    replica.kill()
                    killed += not is_ready(replica.address)
                    asked_more(load)
                    replica.start()
                    eventually(lambda one=replica: is_ready(one.address), "the killed replica is ready again")
                    # Until the balancer knows that too, a kill of the other one leaves nobody to ask.
                    eventually(replica.is_asked, "the balancer asks the killed replica again")
                asked_more(load)
            eventually(lambda: missing(platform, load) == [], "every answer is recorded", 60)
        # The image holds what was deployed, so nobody recorded two bentos of one name.
        findings = platform.lineage.findings()

    said = {
        "kills": KILLS,
        "answered": len(load.seconds),
        "lost": len(load.lost),
        "slowest_s": round(max(load.seconds), 3),
    }
    sys.stdout.write(json.dumps(said) + "\n")
    assert (load.lost, killed) == ([], KILLS)
    assert load.deployments == {deployed.deployment.uri}
    assert findings == ()
    # A server of the same home that was there all the time kept its own counts.
    said_of_it = httpx.get(address_of(served.settings, "bento") + "/metrics", trust_env=False).text
    assert "handrail_serving_ready 1.0" in said_of_it


def asked_more(load: Load) -> None:
    before = len(load.seconds)
    eventually(lambda: len(load.seconds) >= before + BETWEEN, "requests are answered")


def missing(platform, load: Load) -> list[str]:
    """Return the answers that nobody recorded (yet): a killed process had written them down before it answered."""
    found = []
    for flight_id, prediction_id in list(load.answered.items()):
        try:
            platform.feedback.find_prediction(prediction_id)
        except UnknownReference:
            found.append(flight_id)
            break
    return found
