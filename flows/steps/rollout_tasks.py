"""What the tasks about rollouts and what follows them do, one call each, as `flows.steps.tasks` does the others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.steps import tasks
from handrail.bootstrap import open_platform


def advance_rollout(project: Path | None, account: str) -> dict[str, Any]:
    """Do the next thing of a rollout; return, and log, where it is."""
    from flows.steps.release.rollout import open_rollout

    with tasks.at_desk(account) as desk:
        rolling = open_rollout(desk, tasks.clone_of(project))
        found = rolling.advance()
    tasks.log(found.sentence)
    return {"name": rolling.candidate.name, **asdict(found)}


def answer_regression(record: dict[str, Any]) -> str:
    """Take back the champion if a month's record asks for it; return, and log, what was done."""
    from flows.steps.monitoring import regression

    with open_platform(tasks.in_clone()) as platform:
        sentence = regression.answer_regression(platform, record)
    if sentence:
        tasks.log(sentence)
    return sentence
