"""What a retraining handed over is led on by each run of the rollout, until it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.steps import rollout_tasks
from flows.steps.release.handed_over import FOLDER, HandedOver, hand_over, handed_over, let_go, require_free
from flows.steps.release.promote import TREE, Registered
from handrail.bootstrap.approvals import tree_digest
from handrail.errors import InvalidInput, Refused


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: flights\n")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def handed(home: Path) -> Callable[..., HandedOver]:
    def hand(name: str = "project", version: int = 7) -> HandedOver:
        tree = home / "retrain" / name / TREE
        tree.mkdir(parents=True, exist_ok=True)
        (tree / "MLmodel").write_text(f"flavors: {{}}\nversion: {version}\n")
        return hand_over(home, home / "retrain" / name, Registered("flights", version, "run", tree_digest(tree)))

    return hand


@pytest.fixture
def led(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clones that were led on, a name for each step; `led.says` is what comes next of each."""
    steps: list[str] = []

    def advance(clone: Path, _account: str) -> dict[str, Any]:
        steps.append(clone.name)
        return {"did": steps.count(clone.name) < 3, "ended": "promoted" if clone.name == "done" else ""}

    monkeypatch.setattr(rollout_tasks, "advance_rollout", advance)
    return steps


def test_each_is_led_until_something_is_waited_for_and_let_go_once_it_ended(
    home: Path, handed: Callable[..., HandedOver], led: list[str]
) -> None:
    handed("done")
    waiting = handed("project", 8)

    found = rollout_tasks.lead_handed_over("author")

    assert led == ["done"] * 3 + ["project"] * 3
    assert [each["ended"] for each in found] == ["promoted", ""]
    assert handed_over(home) == (waiting,)
    assert rollout_tasks.lead_handed_over("author") == [found[1]]


def test_nothing_that_was_not_handed_over_is_led(home: Path, led: list[str]) -> None:
    assert rollout_tasks.lead_handed_over("author") == []
    assert (led, home.exists()) == ([], False)


def test_a_clone_that_holds_another_tree_is_let_go(
    home: Path, handed: Callable[..., HandedOver], led: list[str]
) -> None:
    one = handed()
    (one.clone / TREE / "MLmodel").write_text("another")

    assert rollout_tasks.lead_handed_over("author") == []
    assert (led, handed_over(home)) == ([], ())


def test_no_other_version_is_trained_where_one_is_led_on(home: Path, handed: Callable[..., HandedOver]) -> None:
    one = handed()

    with pytest.raises(Refused, match=r"v7 of the retraining before is being rolled out.*handrail delivery end v7"):
        require_free(home, one.clone)
    require_free(home, one.clone.with_name("schedule"))
    let_go(home, one)
    let_go(home, one)
    require_free(home, one.clone)


def test_a_later_version_of_a_clone_takes_the_place_of_the_one_before(
    home: Path, handed: Callable[..., HandedOver]
) -> None:
    handed()
    handed()
    later = handed(version=8)

    assert handed_over(home) == (later,)


def test_a_file_that_is_none_of_these_is_one_sentence(home: Path) -> None:
    (home / FOLDER).mkdir(parents=True)
    (home / FOLDER / "project.json").write_text('{"clone": 1')

    with pytest.raises(InvalidInput, match=r"project.json: it does not say what was handed over"):
        handed_over(home)
