"""The champion of the running bento is swapped under load: no request lost, none wrong, and back by itself."""

from __future__ import annotations

import base64
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.steps.release.deploy import slot_of
from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_swapper, read_swaps
from handrail.delivery import BuiltFor, Deployed, Outcome
from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of, with_free_ports
from tests.fakes.bento_project import NOON, flight
from tests.fakes.broken_models import TOO_FAR, break_model
from tests.fakes.permitted_tree import permit_tree
from tests.fakes.served_versions import Versions, chance, until
from tests.fakes.serving_load import Load

FIRST, SECOND = (0.01, 0.001), (0.005, -0.001)
REQUESTS = int(os.environ.get("HANDRAIL_TEST_REQUESTS", "10000"))
SWAPS = int(os.environ.get("HANDRAIL_TEST_SWAPS", "20"))
CLIENTS = 8
_log = logging.getLogger("handrail.tests")
FLIGHTS = [flight(number, distance=float(100 + number)) for number in range(1, 500)]


@pytest.fixture(scope="module")
def versions(project: Settings, deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """A copy of the deployed project, and its bento on a free port."""
    folder = tmp_path_factory.mktemp("swap")
    shutil.copytree(project.home, folder / "home", ignore=shutil.ignore_patterns("logs", "run", "spool", "prometheus*"))
    with Servers(with_free_ports(project.model_copy(update={"home": folder / "home"}))) as servers:
        servers.start("bento")
        with open_platform(servers.settings) as platform:
            platform.event_clock.set(NOON)
            servers.wait_ready("bento", 180, "/readyz")
            yield Versions(servers.settings, platform, folder)


@pytest.fixture(scope="module")
def url(versions: Versions) -> str:
    return address_of(versions.settings, "bento")


@pytest.fixture
def ask(versions: Versions, url: str) -> Iterator[Callable[..., dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {serving_token(versions.settings)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield lambda *flights: client.post("/predict", json={"flights": flights}).raise_for_status().json()


@pytest.fixture
def first(versions: Versions, url: str, deployed: Deployed) -> Deployed:
    """What the project deployed, answering."""
    versions.point(deployed)
    until(url, lambda said: said["deployment"] == deployed.deployment.uri)
    return deployed


@pytest.fixture(scope="module")
def second(versions: Versions) -> Deployed:
    """Another version, which is deployed; the first one may answer still."""
    return versions.deploy(versions.tree(SECOND))


def test_no_request_is_lost_and_none_is_wrong_over_many_swaps_under_full_load(
    versions: Versions, url: str, first: Deployed, second: Deployed
) -> None:
    weights = {first.deployment.uri: FIRST, second.deployment.uri: SECOND}

    def check(item: dict[str, Any], body: dict[str, Any]) -> str | None:
        (one,) = body["predictions"]
        expected = chance(item, weights[body["deployment"]])
        right = one["flight_id"] == item["flight_id"] and abs(one["probability"] - expected) < 1e-6
        return None if right else f"{body} instead of {expected}"

    token = serving_token(versions.settings)
    with Load(url, token, "flights", FLIGHTS, check, CLIENTS) as load:
        for number in range(SWAPS):
            load.until(number * REQUESTS // SWAPS, within_s=600)
            now = (second, first)[number % 2]
            versions.point(now)
            until(url, lambda said, uri=now.deployment.uri: said["deployment"] == uri)
        load.until(REQUESTS, within_s=3600)

    assert (load.lost[:3], load.wrong[:3]) == ([], [])
    assert load.by_deployment.keys() == weights.keys()
    assert min(load.by_deployment.values()) > REQUESTS / SWAPS
    assert sum(load.by_deployment.values()) == load.done >= REQUESTS
    _log.info("%d requests over %d swaps: none lost, none wrong; the slowest %.2f s", load.done, SWAPS, load.slowest_s)


@pytest.mark.parametrize("how", ["raises", "nan", "hangs"])
def test_a_version_that_breaks_after_it_was_deployed_goes_back_by_itself_and_no_request_is_lost(
    versions: Versions, url: str, first: Deployed, ask: Callable[..., dict[str, Any]], how: str
) -> None:
    near, far = flight(600, distance=500.0), flight(601, distance=TOO_FAR + 500)
    broken = versions.deploy(break_model(versions.tree((0.02, 0.0)), how))
    until(url, lambda said: said["deployment"] == broken.deployment.uri)
    assert ask(near)["deployment"] == broken.deployment.uri

    answer, again = ask(far), ask(near)

    for one, item in ((answer, far), (again, near)):
        assert one["deployment"] == first.deployment.uri
        assert one["predictions"][0]["probability"] == pytest.approx(chance(item, FIRST), abs=1e-6)
    said = until(url, lambda _: versions.target() == first.deployment.uri)
    assert said["not_served"]["deployment"] == broken.deployment.uri
    last = read_swaps(versions.platform).last(slot_of(versions.settings), 1)[0]
    assert (last.outcome, last.deployment, last.other) == (
        Outcome.ROLLED_BACK,
        broken.deployment.uri,
        first.deployment.uri,
    )
    assert "could not answer" in last.reason


def test_what_was_rolled_back_is_tried_again_once_somebody_deploys_it_anew(
    versions: Versions, url: str, first: Deployed, ask: Callable[..., dict[str, Any]]
) -> None:
    broken = versions.deploy(break_model(versions.tree((0.03, 0.0)), "nan"))
    until(url, lambda said: said["deployment"] == broken.deployment.uri)
    ask(flight(602, distance=TOO_FAR + 500))
    until(url, lambda _: versions.target() == first.deployment.uri)

    versions.point(broken)

    until(url, lambda said: said["deployment"] == broken.deployment.uri)


def test_what_somebody_went_back_from_answers_nothing_any_more(
    versions: Versions, url: str, first: Deployed, second: Deployed
) -> None:
    versions.point(second)
    until(url, lambda said: said["deployment"] == second.deployment.uri)

    open_swapper(versions.platform, slot_of(versions.settings).bento).roll_back("ada", "it is worse")

    said = until(url, lambda said: said["deployment"] == first.deployment.uri)
    assert said["before"] is None


WRONG: dict[str, Callable[[Versions, Path, Path], None]] = {
    "altered bytes": lambda _versions, root, _tree: _alter(root / "model" / "MLmodel"),
    "no tree": lambda _versions, root, _tree: shutil.rmtree(root / "model"),
    "no permit": lambda _versions, root, _tree: (root / "permit.json").unlink(),
    "forged permit": lambda _versions, root, _tree: _forge(root / "permit.json"),
    "another alias": lambda versions, root, tree: _exchange(versions, root, tree, alias="shadow"),
    "another environment": lambda versions, root, tree: _exchange(versions, root, tree, environment="staging"),
}


def _alter(file: Path) -> None:
    file.write_text("altered")


def _forge(permit: Path) -> None:
    envelope = json.loads(permit.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["approvers"] = []
    permit.write_text(json.dumps(envelope | {"payload": base64.b64encode(json.dumps(statement).encode()).decode()}))


def _exchange(versions: Versions, root: Path, tree: Path, **use: str) -> None:
    """Put a valid permit for another use in the place of the right one, and have the bento say that use."""
    shutil.copy(permit_tree(versions.settings, tree, version=versions.count, **use), root / "permit.json")
    built_for = BuiltFor.read(root / "use.json")
    (root / "use.json").write_bytes(replace(built_for, use=replace(built_for.use, **use)).to_bytes())


@pytest.mark.parametrize("wrong", WRONG)
def test_without_a_valid_permit_for_this_use_the_old_bytes_keep_serving_and_say_so(
    versions: Versions, url: str, first: Deployed, ask: Callable[..., dict[str, Any]], wrong: str
) -> None:
    tree = versions.tree((0.04, 0.0))
    built = versions.deploy(tree)
    # As long as it is loading, what it already checked may still come in.
    until(url, lambda said: said["deployment"] == built.deployment.uri)
    # Whoever may write files may also move a pointer: what the service loads is decided where it loads.
    versions.point(first)
    until(url, lambda said: said["deployment"] == first.deployment.uri)
    root = versions.settings.home / "bentoml" / "bentos" / "flights" / built.bento.version / "src"
    WRONG[wrong](versions, root, tree)

    versions.point(built)

    # What was refused before may still be named.
    said = until(url, lambda said: (said["not_served"] or {}).get("deployment") == built.deployment.uri)
    assert said["deployment"] == first.deployment.uri
    (one,) = ask(flight(603, distance=900.0))["predictions"]
    assert one["probability"] == pytest.approx(chance({"distance": 900.0}, FIRST), abs=1e-6)
    last = read_swaps(versions.platform).last(slot_of(versions.settings), 1)[0]
    assert (last.outcome, last.deployment) == (Outcome.REFUSED, built.deployment.uri)
