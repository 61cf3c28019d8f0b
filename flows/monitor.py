"""The flow `monitor`: one month's figures, reports and findings; each finding becomes an event."""

from typing import Any

from prefect import State, flow, task
from prefect.states import Failed
from pydantic import BaseModel, Field

from flows.steps import finding_tasks, rollout_tasks, tasks


class MonitorParameters(BaseModel):
    """Which month is looked at."""

    month: str | None = Field(
        default=None,
        pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
        description="A month such as 2013-09; the newest whose predictions are all mature if empty.",
    )
    account: str = Field(
        default="mlflow-admin",
        description="Credentials file (its name without .json) of the account that may edit versions in MLflow.",
    )

    @property
    def which(self) -> str:
        """What the run is called after."""
        return self.month or "the newest mature month"


DEFAULTS = MonitorParameters()


@task(persist_result=False)
def choose_month(month: str | None) -> str | None:
    """Return the month to look at, None while nothing was deployed."""
    return tasks.choose_month(month)


@task(persist_result=False)
def check(month: str) -> str | None:
    """Return why the month cannot be monitored yet, None if it can."""
    return tasks.check_month(month)


@task(persist_result=False)
def measure(month: str) -> dict[str, Any]:
    """Judge the month's mature forecasts and write the reports."""
    return tasks.monitor(month)


@task(persist_result=False)
def announce(record: dict[str, Any]) -> int:
    """Emit an event for each finding and write the pages for the UI; return the number of events."""
    return tasks.announce(record)


@task(persist_result=False)
def answer_regression(record: dict[str, Any]) -> str:
    """Take back a champion that got worse soon after it was deployed; say so."""
    return rollout_tasks.answer_regression(record)


@task(persist_result=False)
def deliver(record: dict[str, Any], account: str) -> list[str]:
    """Send alerts to people, show findings in MLflow, shut the gate where the rules say so; return what was done."""
    return finding_tasks.deliver(record, account)


@task(persist_result=False)
def show_in_mlflow(account: str) -> str:
    """Show on the versions in MLflow how they do in production; say so if that cannot be done."""
    return tasks.show_in_mlflow(account)


@flow(flow_run_name="monitor {parameters.which}")
def monitor(parameters: MonitorParameters = DEFAULTS) -> dict[str, Any] | State[Any]:
    """Monitor a month; ends in findings. A month that is not mature yet ends it as refused.

    The one thing that it moves is the slot: a champion that got worse soon after it was deployed is taken back, as
    config/rollout.yaml says. Aliases move at the gate alone.
    """
    month = choose_month(parameters.month)
    if month is None:
        return {"month": None, "findings": []}
    if refusal := check(month):
        return Failed(name="Refused", message=refusal)
    record = measure(month)
    announce(record)
    answer_regression(record)
    deliver(record, parameters.account)
    show_in_mlflow(parameters.account)
    return record


if __name__ == "__main__":
    monitor()
