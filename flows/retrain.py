"""The flow `retrain`: a challenger on newer labels, compared with the champion and sent through the same gate."""

from typing import Any

from prefect import State, flow, task
from prefect.states import Failed
from pydantic import BaseModel, Field

from flows.steps import tasks, turn_tasks
from handrail.errors import Refused


class RetrainParameters(BaseModel):
    """What made somebody, or an automation, ask for a challenger."""

    month: str | None = Field(
        default=None,
        pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
        description="Month up to which mature labels are used, such as 2013-09; the newest mature one if empty.",
    )
    feature_set: str | None = Field(
        default=None,
        description="Feature set of config/use_case.yaml that the challenger knows; the default one if empty.",
    )
    account: str = Field(default="author", description="Credentials file (its name without .json) of the author.")
    trigger: str | None = Field(
        default=None,
        max_length=500,
        description="What asks, such as a finding; one trigger trains once, within config/retraining.yaml. "
        "Empty: a person, who only waits for the turn.",
    )

    @property
    def cause(self) -> str:
        """What the run is called after."""
        return self.month or "the newest mature month"


DEFAULTS = RetrainParameters()


@task(persist_result=False)
def choose_month(month: str | None) -> str | None:
    """Return the month up to which labels are used, None while nothing was deployed."""
    return tasks.choose_month(month)


@task(persist_result=False)
def check(month: str, account: str, feature_set: str | None) -> str | None:
    """Return why no challenger may be trained on that month, None if one may."""
    return tasks.check_retrain(month, account, feature_set)


@task(persist_result=False)
def prepare(month: str, feature_set: str | None) -> Any:
    """Export the labels and make the challenger's clone."""
    return tasks.prepare_retrain(month, feature_set)


@task(persist_result=False)
def train_challenger(challenge: Any, account: str) -> dict[str, str]:
    """Run the same graph on the newer window."""
    return tasks.train_challenger(challenge, account)


@task(persist_result=False)
def compare(challenge: Any) -> dict[str, Any]:
    """Judge challenger and champion on the same mature subjects."""
    return tasks.compare_with_champion(challenge)


@task(persist_result=False)
def ask(challenge: Any, account: str) -> dict[str, Any]:
    """Open the challenger's promotion request, or begin its rollout, as config/retraining.yaml says."""
    return tasks.open_challenge(challenge, account)


@flow(flow_run_name="retrain because of {parameters.cause}")
def retrain(parameters: RetrainParameters = DEFAULTS) -> dict[str, Any] | State[Any]:
    """Retrain and ask; the gate decides, and a challenger that is worse is refused there.

    With `then: rollout` in config/retraining.yaml it is asked as `shadow` first, and the flow `rollout` leads it on.
    One retraining runs at a time, and each trigger trains once: a trigger that trained before returns what it ended
    with. What refuses a challenger before it is trained, such as a limit of config/retraining.yaml, ends the run as
    refused.
    """
    month = choose_month(parameters.month)
    if month is None:
        return {"month": None}
    try:
        with turn_tasks.turn_to_train(parameters.trigger, parameters.model_dump() | {"month": month}) as turn:
            if turn.earlier is not None:
                return turn.earlier
            return _train(parameters, month, turn)
    except Refused as err:
        return Failed(name="Refused", message=str(err))


def _train(parameters: RetrainParameters, month: str, turn: Any) -> dict[str, Any] | State[Any]:
    """Train, compare and ask, in a turn that is held."""
    if refusal := check(month, parameters.account, parameters.feature_set):
        turn.withdraw()
        return Failed(name="Refused", message=refusal)
    challenge = prepare(month, parameters.feature_set)
    outcomes = train_challenger(challenge, parameters.account)
    comparison = compare(challenge, wait_for=[outcomes])
    turn.require()
    request = ask(challenge, parameters.account, wait_for=[comparison])
    ended = {"month": month, "stages": outcomes, "comparison": comparison, "request": request}
    turn.finish(ended)
    return ended


if __name__ == "__main__":
    retrain()
