"""What schemathesis makes of the bento's description is answered without a 5xx; without a token nothing is taken.

A sample; `make attack-serving` sends more.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.ci.attack import PEER, installed
from infra.servers.supervisor import Servers, address_of

EXAMPLES = os.environ.get("EXAMPLES", "5")
CHECKS = "not_a_server_error,ignored_auth"


@pytest.fixture(scope="module")
def program() -> Path:
    return installed()


def search(program: Path, url: str, token: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), "run", f"{url}/docs.json", "--url", url, "--no-color", "--checks", CHECKS]
    # No answer links to another request: a stateful phase has nothing to follow.
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES]
    command += ["--header", f"Authorization: Bearer {token}"]
    return subprocess.run(command, cwd=PEER, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("known", [True, False])
def test_no_request_of_the_description_breaks_the_service_or_passes_without_a_token(
    served: Servers, project: Settings, program: Path, known: bool
) -> None:
    url = address_of(served.settings, "bento")
    before = recorded(project)

    done = search(program, url, serving_token(project) if known else "n" * 40)

    assert done.returncode == 0, done.stdout[-4000:]
    if not known:
        assert recorded(project) == before


def recorded(project: Settings) -> object:
    with open_platform(project) as platform:
        return platform.feedback.health(platform.event_clock()).recorded
