"""Hands a trained challenger over to the rollout: shadow first, the champion's place last."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.handed_over import hand_over
from flows.steps.release.rollout import Progress, open_rollout
from flows.steps.retraining.challenge import Challenge, register_compared
from flows.steps.retraining.foretell import foretell

REFUSED = "refused"


def begin_rollout(desk: Desk, challenge: Challenge) -> dict[str, Any]:
    """Register the challenger and hand it over to the rollout, which asks for `shadow` first; return how far it is.

    What it foretells of subjects that are still to come is committed now, before any outcome. The flow `rollout` leads
    it on, by a schedule; nobody is asked for the champion's place before it was a canary. One that the comparison
    shows as surely worse ends here as refused, so that its trigger trains no other. Safe to repeat.

    Returns:
        what the rollout found (`at`, `sentence`, `waits_for`, `ended`, ...), the registered `version`, and what was
        `foretold`.

    Raises:
        Refused: the comparison is with a model that is no longer the champion.
    """
    registered, evidence = register_compared(desk, challenge)
    comparison = evidence["comparison"]
    if comparison["ci_high"] < -comparison["margin"]:
        worse = f"{comparison['metric']} is worse by {-comparison['ci_high']:.4f} at least, on {comparison['month']}"
        return asdict(Progress("", f"{worse}: the champion answers on.", ended=REFUSED)) | {
            "version": registered.version
        }
    foretold = foretell(desk, challenge.folder, registered)
    hand_over(desk.settings.home, challenge.folder, registered)
    found = asdict(open_rollout(desk, challenge.folder).advance())
    return found | {"version": registered.version} | ({"foretold": foretold} if foretold else {})
