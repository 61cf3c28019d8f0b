"""`handrail delivery step`: what really happened decides about a challenger's next share."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import read_splits
from handrail.delivery import Challenger, Change, Role, Slot, Split
from handrail.entrypoints.cli import build
from handrail.feedback import Feedback, Prediction
from handrail.refs import Deployment
from handrail.settings import load_settings

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(days=10)
SLOT = Slot("local", "shop")
ASKED = ("two", "--service", "shop", "--by", "cron", "--kind", "ground_truth", "--metric", "accuracy")
KINDS = "version: 1\nkinds:\n  ground_truth: {maturity_window_hours: 24, values: [0, 1]}\n"


@pytest.fixture
def platform(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\ngate_server: test\n")
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    for name, value in (("PROJECT", tmp_path), ("HOME", tmp_path / "home")):
        monkeypatch.setenv(f"HANDRAIL_{name}", str(value))
    with open_platform(load_settings(tmp_path)) as opened:
        champion = Deployment("local", "shop", "champion")
        opened.lineage.point(SLOT.pointer, champion, BEGAN - timedelta(days=1), by="ada")
        yield opened


def divide(platform, role=Role.CANARY, share=0.25, at=BEGAN):
    """Let a challenger have a share since a moment; return the split."""
    two = Challenger("two", role, share, "models:/shop/2", "sha256:2", "canary", "deploy://local/shop/two")
    split = Split(SLOT, "shop").having(two)
    read_splits(platform).append(Change(1, split, at, "ada", "good in shadow"))
    return split


def answer(platform, split, right, count=1_600):
    """Record an answer about each subject by whom it was assigned to; `right` is how often each one is right."""
    made, known = [], []
    for number in range(count):
        who = split.assigned(f"s{number}")
        at = BEGAN + timedelta(hours=1, minutes=5 * number)
        is_right = number % 100 < 100 * right[who.name]
        made.append(
            Prediction(
                f"p{number}",
                f"deploy://local/shop/{who.name}",
                f"s{number}",
                at,
                0.9,
                1,
                variant=who.name,
                propensity=who.propensity,
            )
        )
        heard = at + timedelta(hours=1)
        known.append(Feedback(f"p{number}", "ground_truth", float(is_right), "shop", 0, heard, heard))
    platform.feedback.record_predictions(made)
    platform.feedback.record_feedback(known)


def step(*more):
    return CliRunner().invoke(build(), ["delivery", "step", *ASKED, *more, "--json"])


def shares(platform):
    return {each.name: each.share for each in read_splits(platform).newest(SLOT).split.challengers}


def test_a_canary_that_is_better_gets_the_next_share_and_who_and_why_are_recorded(platform):
    answer(platform, divide(platform), {"champion": 0.5, "two": 0.9})

    stepped = step()

    assert stepped.exit_code == 0, stepped.output
    assert json.loads(stepped.stdout)["share"] == 0.5
    last = read_splits(platform).newest(SLOT)
    assert (shares(platform), last.by) == ({"two": 0.5}, "cron")
    assert "better" in last.reason


def test_a_canary_that_is_worse_is_rolled_back(platform):
    answer(platform, divide(platform), {"champion": 0.9, "two": 0.5})

    stepped = step()

    assert stepped.exit_code == 3, stepped.output
    last = read_splits(platform).newest(SLOT)
    assert (last.ended, last.end, last.split.challengers) == ("two", "rolled back", ())


def test_a_guardrail_that_is_broken_rolls_back_what_is_better(platform):
    answer(platform, divide(platform), {"champion": 0.5, "two": 0.9})

    # That more of what happened is 1 is called worse here.
    guarded = step("--guardrail", "mean_label:lower=0.01")

    assert guarded.exit_code == 3, guarded.output
    assert read_splits(platform).newest(SLOT).end == "rolled back"


def test_where_nothing_is_mature_since_the_last_change_it_waits(platform):
    divide(platform, at=NOW)

    waits = step()

    assert waits.exit_code == 4, waits.output
    assert json.loads(waits.stdout)["answer"] == "blocked"
    assert shares(platform) == {"two": 0.25}


def test_what_decided_nothing_in_its_time_ends_as_inconclusive(platform):
    answer(platform, divide(platform), {"champion": 0.5, "two": 0.5}, count=200)

    ended = step("--within-days", "9")

    assert ended.exit_code == 4, ended.output
    last = read_splits(platform).newest(SLOT)
    assert (last.end, last.split.challengers) == ("inconclusive", ())
    assert "9 days at 25.00% decided nothing" in last.reason


def test_a_variant_that_is_better_keeps_its_share_and_is_through(platform):
    answer(platform, divide(platform, Role.VARIANT), {"champion": 0.5, "two": 0.9})

    through = step()

    assert through.exit_code == 0, through.output
    assert json.loads(through.stdout)["is_through"] is True
    assert shares(platform) == {"two": 0.25}


def test_a_shadow_is_compared_on_the_cases_that_both_answered(platform):
    split = divide(platform, Role.SHADOW, 1.0)
    answer(platform, split, {"champion": 0.5}, count=600)
    twins, known = [], []
    for number in range(600):
        at = BEGAN + timedelta(hours=1, minutes=5 * number)
        name, slot = f"dark{number}", "deploy://local/shop/two"
        twins.append(Prediction(name, slot, f"s{number}", at, 0.1, int(number % 100 < 50), variant="two", sampled=1.0))
        known.append(Feedback(name, "ground_truth", float(number % 100 < 50), "shop", 0, at, at))
    platform.feedback.record_predictions(twins)
    platform.feedback.record_feedback(known)

    stepped = step()

    assert stepped.exit_code == 0, stepped.output
    found = json.loads(stepped.stdout)
    assert (found["answer"], found["is_through"]) == ("better", True)
