"""Versions beside the champion of the running bento: they come and go without a restart, and only with a permit."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.delivery import open_splits
from handrail.delivery import Deployed, End, NewChallenger, PermittedVersion, Role, Splitter
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import UnknownReference
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of, with_free_ports
from tests.fakes.bento_project import NOON, flight
from tests.fakes.permitted_tree import permit_tree, write_tree

FLIGHTS = [flight(number) for number in range(900, 960)]


class Lender:
    """Lends one folder."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    @contextmanager
    def lend(self, _permitted: PermittedVersion) -> Iterator[Path]:
        yield self.tree


@pytest.fixture(scope="module")
def beside(project: Settings, deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A copy of the deployed project, and its bento on a free port: others count the deployments of theirs."""
    home = tmp_path_factory.mktemp("split") / "home"
    shutil.copytree(project.home, home, ignore=shutil.ignore_patterns("logs", "run", "spool", "prometheus*"))
    with Servers(with_free_ports(project.model_copy(update={"home": home}))) as servers:
        servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        yield servers.settings


@pytest.fixture
def platform(beside: Settings) -> Iterator[Platform]:
    with open_platform(beside) as platform:
        platform.event_clock.set(NOON)
        yield platform


@pytest.fixture
def splitter(platform: Platform) -> Splitter:
    return open_splits(platform, "flights")


@pytest.fixture
def ask(beside: Settings) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    headers = {"Authorization": f"Bearer {serving_token(beside)}"}
    with httpx.Client(base_url=address_of(beside, "bento"), headers=headers, timeout=60, trust_env=False) as client:
        yield lambda: client.post("/predict", json={"flights": FLIGHTS}).raise_for_status().json()["predictions"]


@pytest.fixture
def challenger(project: Settings, tmp_path: Path) -> Path:
    """The tree of another version, which knows the same features and answers otherwise."""
    known = json.loads((project.project / "models" / "package" / "scoring.json").read_text())
    return write_tree(tmp_path / "challenger", known["feature_service"], weights=(0.5, -0.01))


def until(ask: Callable[[], list[dict[str, Any]]], slots: set[str], within_s: float = 60) -> list[dict[str, Any]]:
    """Ask until exactly these answer."""
    deadline, pause = time.monotonic() + within_s, Event()
    while True:
        answers = ask()
        if {one["slot"] for one in answers} == slots:
            return answers
        assert time.monotonic() < deadline, {one["slot"] for one in answers}
        pause.wait(0.1)


def test_a_canary_comes_grows_and_goes_without_a_restart(
    splitter: Splitter, ask: Any, challenger: Path, beside: Settings, platform: Platform
) -> None:
    alone = {one["flight_id"]: one["probability"] for one in until(ask, {"champion"})}
    permit_tree(beside, challenger, version=2, alias="canary")
    new = NewChallenger("two", Role.CANARY, 0.3, tree_digest(challenger))

    splitter.add(new, Lender(challenger), "ada", "it was better in shadow")
    some = until(ask, {"champion", "two"})
    splitter.share("two", 1.0, "ada", "no guardrail was touched")
    whole = until(ask, {"two"})
    splitter.end("two", End.ROLLED_BACK, "ada", "it is worse")
    again = until(ask, {"champion"})

    changed = {one["flight_id"] for one in some if one["slot"] == "two"}
    assert changed == {
        name for name in alone if splitter.splits.changes(splitter.slot, 3)[2].split.assigned(name).name == "two"
    }
    assert all(one["probability"] == alone[one["flight_id"]] for one in some if one["slot"] == "champion")
    assert all(one["probability"] != alone[one["flight_id"]] for one in whole)
    assert {one["flight_id"]: one["probability"] for one in again} == alone
    chain = {node.uri for node in platform.lineage.trace(whole[0]["prediction_id"]).nodes}
    assert "mlflow://test/registered/flights/1/2" in chain


def test_a_permit_for_the_shadow_serves_nobody(
    splitter: Splitter, ask: Any, challenger: Path, beside: Settings
) -> None:
    (challenger / "note.txt").write_text("other bytes")
    permit_tree(beside, challenger, version=3, alias="shadow")

    with pytest.raises(UnknownReference, match="as canary"):
        splitter.add(NewChallenger("dark", Role.CANARY, 0.5, tree_digest(challenger)), Lender(challenger), "ada", "try")

    assert {one["slot"] for one in ask()} == {"champion"}


def test_bytes_that_changed_since_are_not_loaded_and_the_split_says_so(
    splitter: Splitter, ask: Any, challenger: Path, beside: Settings
) -> None:
    (challenger / "note.txt").write_text("the third")
    permit_tree(beside, challenger, version=4, alias="canary")
    digest = tree_digest(challenger)
    first = splitter.add(NewChallenger("two", Role.CANARY, 0.5, digest), Lender(challenger), "ada", "it looks better")
    until(ask, {"champion", "two"})
    splitter.end("two", End.INCONCLUSIVE, "ada", "nothing was shown")
    until(ask, {"champion"})
    (splitter.carried(first.split.challengers[0]).tree / "note.txt").write_text("altered")

    splitter.add(NewChallenger("two", Role.CANARY, 0.5, digest), Lender(challenger), "ada", "once more")

    deadline, pause = time.monotonic() + 60, Event()
    while (now := splitter.current()) is None or now.split.challengers:
        assert time.monotonic() < deadline
        pause.wait(0.1)
    assert (now.ended, now.end) == ("two", End.ERRORED)
    assert "note.txt" in now.reason
    until(ask, {"champion"})
