"""What the tasks about rollouts and what follows them do, one call each, as `flows.steps.tasks` does the others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.steps import tasks
from handrail.bootstrap import open_platform
from handrail.settings import load_settings

MOST_STEPS = 12
"""A rollout that is led on by every look is looked at again by the next run."""


def advance_rollout(project: Path | None, account: str) -> dict[str, Any]:
    """Do the next thing of a rollout; return, and log, where it is."""
    from flows.steps.release.rollout import open_rollout

    with tasks.at_desk(account) as desk:
        rolling = open_rollout(desk, tasks.clone_of(project))
        found = rolling.advance()
    tasks.log(found.sentence)
    return {"name": rolling.candidate.name, **asdict(found)}


def lead_handed_over(account: str) -> list[dict[str, Any]]:
    """Lead each challenger that a retraining handed over as far as it can go now; return, and log, where each is."""
    from flows.steps.release import handed_over as steps

    home, led = load_settings().home, []
    for each in steps.handed_over(home):
        if not each.is_whole:
            tasks.log(f"{each.clone} holds another tree than {each.name} by now, so nothing leads that on.")
            steps.let_go(home, each)
            continue
        found = advance_rollout(each.clone, account)
        for _ in range(MOST_STEPS):
            if not found["did"]:
                break
            found = advance_rollout(each.clone, account)
        if found["ended"]:
            steps.let_go(home, each)
        led.append(found)
    return led


def answer_regression(record: dict[str, Any]) -> str:
    """Take back the champion if a month's record asks for it; return, and log, what was done."""
    from flows.steps.monitoring import regression

    with open_platform(tasks.in_clone()) as platform:
        sentence = regression.answer_regression(platform, record)
    if sentence:
        tasks.log(sentence)
    return sentence
