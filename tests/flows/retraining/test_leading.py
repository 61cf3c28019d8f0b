"""A challenger that is led on: nobody is asked for the champion's place before it was a canary."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.steps import tasks
from flows.steps.release.handed_over import handed_over
from flows.steps.release.promote import Registered
from flows.steps.release.rollout import Progress
from flows.steps.retraining import challenge as retraining
from flows.steps.retraining import leading
from flows.steps.retraining.challenge import Challenge
from flows.steps.retraining.limits import goes_to_rollout
from handrail.errors import Misconfigured
from handrail.settings import Settings
from tests.fakes.compared import COMPARED

DIGEST = f"sha256:{'a' * 64}"


class Desk:
    """A gate whose champion is the one that the comparison is with."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(project=folder, home=folder / "home")
        self.platform: Any = None
        self.acts: list[str] = []

    def register(self, _folder: Path) -> Registered:
        self.acts.append("registered")
        return Registered("flights", 7, "run", DIGEST)

    def digest_behind(self, _alias: str) -> None:
        return None


class Begun:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def advance(self) -> Progress:
        self._desk.acts.append("asked as shadow")
        return Progress("shadow", "It waits for the gate's permit as shadow.", waits_for="pr-1")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    (tmp_path / "config").mkdir()
    monkeypatch.setattr(retraining, "log_comparison", lambda *_: made.acts.append("compared"))
    monkeypatch.setattr(leading, "foretell", lambda *_: made.acts.append("foretold"))
    monkeypatch.setattr(leading, "open_rollout", lambda *_: Begun(made))
    return made


def challenge(folder: Path, **changes: float) -> Challenge:
    comparison = COMPARED | {"month": "2013-09", "champion": "deploy://local/flights/v1"} | changes
    reports = folder / "reports"
    reports.mkdir()
    for name, content in {"evaluate": {}, "package": {}, "comparison": comparison}.items():
        (reports / f"{name}.json").write_text(json.dumps(content))
    return Challenge(folder, "2013-09", datetime(2013, 10, 2, tzinfo=UTC), "sha256:1", "none")


def test_it_is_handed_over_and_asked_as_shadow_after_it_foretold(desk: Desk, tmp_path: Path) -> None:
    found = leading.begin_rollout(desk, challenge(tmp_path))  # type: ignore[arg-type]

    assert desk.acts == ["registered", "compared", "foretold", "asked as shadow"]
    assert (found["at"], found["waits_for"], found["version"]) == ("shadow", "pr-1", 7)
    assert [(each.name, each.clone) for each in handed_over(desk.settings.home)] == [("v7", tmp_path)]


def test_a_surely_worse_one_goes_nowhere(desk: Desk, tmp_path: Path) -> None:
    worse = challenge(tmp_path, ci_high=-0.02, margin=0.01)

    found = leading.begin_rollout(desk, worse)  # type: ignore[arg-type]

    assert (found["ended"], found["version"]) == ("refused", 7)
    assert "is worse by 0.0200 at least, on 2013-09: the champion answers on." in found["sentence"]
    assert "asked as shadow" not in desk.acts
    assert handed_over(desk.settings.home) == ()


@pytest.mark.parametrize(("then", "began"), [("rollout", ["begin_rollout"]), ("champion", ["open_challenge"])])
def test_the_flow_does_what_the_project_chose(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str, began: list[str]
) -> None:
    from contextlib import nullcontext

    (tmp_path / "config" / "retraining.yaml").write_text(f"then: {then}\n")
    done: list[str] = []
    monkeypatch.setattr(tasks, "at_desk", lambda _account: nullcontext(desk))
    for module, name in ((leading, "begin_rollout"), (retraining, "open_challenge")):
        monkeypatch.setattr(module, name, lambda *_, name=name: done.append(name) or {})

    tasks.open_challenge(challenge(tmp_path), "author")

    assert done == began


def test_without_a_choice_the_champions_place_is_asked_for_at_once(tmp_path: Path) -> None:
    assert not goes_to_rollout(tmp_path)
    (tmp_path / "retraining.yaml").write_text("then: shadow\n")

    with pytest.raises(Misconfigured, match="then"):
        goes_to_rollout(tmp_path)
