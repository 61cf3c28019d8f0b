"""The flow `retrain`: a challenger on newer labels, compared with the champion and sent through the same gate."""

from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import orchestration


class RetrainParameters(BaseModel):
    """What made somebody, or an automation, ask for a challenger."""

    month: str | None = Field(
        default=None,
        pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
        description="Month up to which mature labels are used, such as 2013-09; the newest mature one if empty.",
    )
    account: str = Field(default="author", description="Credentials file (its name without .json) of the author.")


DEFAULTS = RetrainParameters()


@task(persist_result=False)
def choose_month(month: str | None) -> str | None:
    """Return the month up to which labels are used, None while nothing was deployed."""
    return orchestration.choose_month(month)


@task(persist_result=False)
def challenge(month: str, account: str) -> dict[str, Any]:
    """Train the challenger in a clone of its own, compare it, and open its promotion request."""
    return orchestration.retrain(month, account)


@flow
def retrain(parameters: RetrainParameters = DEFAULTS) -> dict[str, Any]:
    """Retrain and ask; the gate decides, and a challenger that is worse is refused there."""
    month = choose_month(parameters.month)
    if month is None:
        return {"month": None}
    return challenge(month, parameters.account)


if __name__ == "__main__":
    retrain()
