"""What the flow `retrain` does about its turn, and `wake` about turns that a killed process left behind.

Steps are imported where they are called, so that loading a flow (to deploy it) loads no tool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flows.steps import tasks
from handrail.bootstrap import open_platform

if TYPE_CHECKING:
    from handrail.delivery import HeldTurn

BY_HAND = "by hand"
SCHEDULE = "schedule"
DEPLOYMENT = "retrain/retrain"


@contextmanager
def turn_to_train(trigger: str | None, asked: Mapping[str, Any]) -> Iterator[HeldTurn]:
    """Hold the turn to train for the length of a block.

    Args:
        trigger: what asks; `schedule` is completed by the moment that this flow run was scheduled for. None is a
            person, whose flow run is a trigger of its own.
        asked: the flow's parameters, for another attempt after a kill.

    Raises:
        Refused: somebody else trains, or a limit holds the trigger back.
    """
    from prefect.runtime import flow_run

    from flows.steps.retraining.limits import read_limits
    from handrail.bootstrap.delivery import open_turns

    whole = f"{BY_HAND}/{flow_run.id or uuid4()}" if trigger is None else trigger
    if whole == SCHEDULE:
        whole = f"{SCHEDULE}/{flow_run.scheduled_start_time:%Y-%m-%dT%H:%MZ}"
    with (
        open_platform(tasks.in_clone()) as platform,
        open_turns(platform, read_limits(platform.settings.config)).hold(
            whole, {**asked, "trigger": whole}, automatic=trigger is not None
        ) as held,
    ):
        yield held


def take_up_turns() -> list[str]:
    """Start a run for each automatic turn whose process was killed, once for each attempt; return a sentence each."""
    from prefect.deployments import run_deployment

    from flows.steps.retraining.limits import read_limits
    from handrail.bootstrap.delivery import open_turns

    with open_platform(tasks.in_clone()) as platform:
        left = open_turns(platform, read_limits(platform.settings.config)).left_behind()
    for turn in left:
        run_deployment(
            DEPLOYMENT,
            parameters={"parameters": json.loads(turn.asked)},
            timeout=0,
            idempotency_key=f"{turn.trigger}/{turn.attempts}",
        )
    return [f"{turn.trigger} was left after attempt {turn.attempts}: another run takes it up." for turn in left]
