"""The demo's training, promotion and deployment as runs of the project's own flows, so that Prefect shows them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.promote import is_open
from handrail.errors import Refused, Unavailable
from infra.demo.people import AUTHOR, credentials_name
from infra.demo.scene import Scene

REASON = "The model of the demo."
PROMOTION = "promotion"
"""The name under which the run that promotes goes on while people decide."""
DECIDED_WITHIN_S = 600
POLL_S = 0.5

# Each flow is imported where it is called: Prefect keeps the settings that it finds when it is imported.


def train(scene: Scene) -> str:
    """Run the flow `train` over the clone; what the steps before left up to date is skipped. Return the commit."""
    from flows.train import TrainParameters
    from flows.train import train as flow

    scene.servers.wait_ready("prefect")
    return str(flow(TrainParameters(project=scene.clone, account=credentials_name(AUTHOR)))["commit"])


def ask(scene: Scene, desk: Desk, alias: str, tree_digest: str) -> dict[str, Any]:
    """Begin the flow `promote`; return its request once the gate has measured it. The run waits for the decision.

    Raises:
        HandrailError: the run ended without a request, with its sentence.
    """
    from flows.promote import PromoteParameters
    from flows.promote import promote as flow

    scene.servers.wait_ready("prefect")
    closed = {each["request_id"] for each in desk.requests_for(alias, tree_digest) if not is_open(each)}
    parameters = PromoteParameters(
        account=credentials_name(AUTHOR), alias=alias, reason=REASON, project=scene.clone, wait_s=DECIDED_WITHIN_S
    )
    scene.begin(PROMOTION, lambda: flow(parameters))
    while True:
        ended = scene.has_ended(PROMOTION)
        asked = [each for each in desk.requests_for(alias, tree_digest) if each["request_id"] not in closed]
        if asked:
            return desk.gate.measured(asked[-1])
        if ended:
            scene.outcome(PROMOTION)
            raise Unavailable("The flow promote", "it ended without a request", "See its run in the Prefect UI.")
        time.sleep(POLL_S)


def decided(scene: Scene, desk: Desk, request_id: str) -> dict[str, Any]:
    """Wait for the end of the run that `ask` began; return the request as it ended."""
    # The sentence of a refusal is the request's own reasons.
    with suppress(Refused):
        scene.outcome(PROMOTION)
    return desk.request(request_id)


def deploy(tree_digest: str, within_s: float = 0) -> dict[str, Any]:
    """Run the flow `deploy`, and let it wait until the running service follows; return what it returns."""
    from flows.deploy import DeployParameters
    from flows.deploy import deploy as flow

    return dict(flow(DeployParameters(tree_digest=tree_digest, account=credentials_name(AUTHOR), wait_s=within_s)))


def rollout(project: Path) -> dict[str, Any]:
    """Run the flow `rollout` about the version that a clone holds; return how far it came."""
    from flows.rollout import RolloutParameters
    from flows.rollout import rollout as flow

    return dict(flow(RolloutParameters(project=project, account=credentials_name(AUTHOR))))
