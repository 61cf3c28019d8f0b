"""The flow `wake`: resume the flow runs that are suspended for a request of the gate which has ended.

A retraining whose process was killed is taken up by another run.
"""

from prefect import flow
from pydantic import BaseModel, Field

from flows.steps import tasks, turn_tasks


class WakeParameters(BaseModel):
    """Who looks at the gate."""

    account: str = Field(
        default="author", description="Credentials file (its name without .json) of who may read the requests."
    )


DEFAULTS = WakeParameters()


@flow(flow_run_name="wake what was decided")
def wake(parameters: WakeParameters = DEFAULTS) -> list[str]:
    """Look once; what is still open, or cannot be resumed yet, is looked at again by the next run."""
    return [*turn_tasks.take_up_turns(), *tasks.wake(parameters.account)]


if __name__ == "__main__":
    wake()
