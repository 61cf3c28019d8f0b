"""Flow runs that wait for the gate, on a real Prefect server; the process of a worker is played by the test."""

import asyncio
import gc
import uuid
from contextlib import suppress

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound, Pause
from prefect.flow_engine import run_flow
from prefect.states import Cancelled

from handrail.approvals.domain.judging import Verdict
from handrail.entrypoints.prefect.approval import OPEN
from handrail.errors import Refused
from handrail.prefect import approval_gate, awaited_request, wake_decided
from tests.fakes.decided_requests import DecidedRequests


@pytest.fixture
def gate():
    return DecidedRequests()


@pytest.fixture
def request_id():
    """A request of this test alone: the server keeps the runs of all tests."""
    return f"pr-{uuid.uuid4().hex[:20]}"


class Deployed:
    """A flow with a deployment, and one run of it that this process carries out as a worker's would."""

    def __init__(self, flow):
        self._flow = flow
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                flow_id=client.create_flow(flow), name=f"d-{uuid.uuid4().hex}", tags=["team-a"]
            )
            self.run_id = client.create_flow_run_from_deployment(deployment).id

    @property
    def now(self):
        with get_client(sync_client=True) as client:
            return client.read_flow_run(self.run_id)

    def work(self):
        """Carry the run out until it ends or is suspended; return its state then."""
        with suppress(Pause):  # which ends the process of a worker
            run_flow(self._flow, flow_run=self.now, return_type="state")
        return self.now.state

    def work_asynchronously(self):
        async def work():
            with suppress(Pause):
                await run_flow(self._flow, flow_run=self.now, return_type="state")

        asyncio.run(work())
        return self.now.state

    def resume(self):
        with get_client(sync_client=True) as client:
            return client.resume_flow_run(self.run_id)

    def delete(self):
        with get_client(sync_client=True) as client:
            client.delete_flow_run(self.run_id)


@pytest.fixture
def deployed(project):
    """Deploy flows; their runs are gone after the test, and wake nobody else's."""
    runs = []

    def deploy(flow):
        runs.append(Deployed(flow))
        return runs[-1]

    yield deploy
    for run in runs:
        with suppress(ObjectNotFound):
            run.delete()


@pytest.fixture
def release(deployed, gate, request_id):
    """A run that was suspended for an open request."""

    @flow
    def release():
        return approval_gate(request_id, gate, within_s=0)["verdict"]

    gate.put(request_id, "pending", "It still needs the approval of 1 ml-engineer.")
    return deployed(release)


def test_the_open_verdicts_are_those_that_the_gate_calls_open():
    assert set(Verdict) - {Verdict(each) for each in OPEN} == {"refused", "void", "rejected", "promoted"}


def test_an_open_request_suspends_the_run_and_marks_it(release, request_id):
    state = release.work()

    assert (state.type, state.name) == (StateType.PAUSED, "Suspended")
    assert set(release.now.tags) == {"team-a", "handrail-approval", f"handrail-approval:{request_id}"}


def test_a_resume_that_nobody_approved_suspends_again_each_time(release, gate):
    release.work()

    for _ in range(3):
        release.resume()
        assert release.work().name == "Suspended"

    gate.put(gate.read[0], "promoted")
    release.resume()
    assert release.work().type is StateType.COMPLETED


@pytest.mark.parametrize("verdict", ["refused", "rejected", "void"])
def test_a_request_that_ended_otherwise_ends_the_run_with_its_reasons(release, gate, request_id, verdict):
    release.work()
    gate.put(request_id, verdict, "ben rejected it: worse on the oldest customers.")

    woken = wake_decided(gate)
    state = release.work()

    assert woken == [f"The flow run {release.now.name!r} goes on: {request_id} has ended."]
    assert state.type is StateType.FAILED
    assert "Promoting m version 3 to 'champion' is refused. ben rejected it: worse on the oldest" in state.message


def test_a_promoted_request_goes_on_without_a_pause(release, gate, request_id):
    gate.put(request_id, "promoted")

    assert release.work().type is StateType.COMPLETED
    assert release.now.tags == ["team-a"]


def test_a_request_that_is_gone_wakes_its_run_which_fails(release, gate, request_id):
    release.work()
    del gate.requests[request_id]

    assert len(wake_decided(gate)) == 1
    assert release.work().type is StateType.FAILED


def test_an_open_request_wakes_nobody_and_is_asked_about_once(release, gate, request_id):
    release.work()
    gate.read.clear()

    assert wake_decided(gate) == []
    assert gate.read.count(request_id) == 1
    assert release.now.state.name == "Suspended"


def test_a_request_that_this_account_may_not_read_wakes_nobody(release, gate, request_id, caplog):
    release.work()
    gate.unreadable.add(request_id)

    assert wake_decided(gate) == []
    assert f"Whether {request_id} has ended cannot be seen" in caplog.text


def test_a_decision_between_the_look_and_the_pause_is_found_by_the_next_wake(release, gate, request_id):
    def decide(_):
        gate.then = None
        gate.put(request_id, "promoted")

    gate.then = decide
    assert release.work().name == "Suspended"

    assert len(wake_decided(gate)) == 1
    assert wake_decided(gate) == [], "it is not paused any more"
    assert release.work().type is StateType.COMPLETED


@pytest.mark.parametrize("meanwhile", ["resume", "delete", "cancel"])
def test_a_run_that_others_took_up_meanwhile_is_left_alone(release, gate, request_id, meanwhile):
    release.work()
    gate.put(request_id, "promoted")

    def others(_):
        gate.then = None
        if meanwhile == "cancel":
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(release.run_id, Cancelled(), force=True)
        else:
            getattr(release, meanwhile)()

    gate.then = others

    assert wake_decided(gate) == []


def test_a_resumed_run_knows_its_request_and_waits_no_second_time(deployed, gate, request_id):
    known = []

    @flow
    def release():
        known.append(awaited_request())
        approval_gate(request_id, gate, within_s=0.01)

    gate.put(request_id, "pending", "x")
    run = deployed(release)
    run.work()
    first = len(gate.read)
    run.resume()
    run.work()

    assert known == [None, request_id]
    assert first == 2, "it looked again after a moment"
    assert awaited_request() is None


# Prefect leaves a connection open behind an asynchronous run that is suspended.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_asynchronous_flow_waits_too(deployed, gate, request_id):
    @flow
    async def release():
        return approval_gate(request_id, gate, within_s=0)["verdict"]

    gate.put(request_id, "pending", "x")
    assert deployed(release).work_asynchronously().name == "Suspended"
    gc.collect()


def test_a_run_that_nobody_could_resume_is_refused_with_what_to_do(project, gate, request_id):
    @flow
    def release():
        approval_gate(request_id, gate, within_s=0)

    gate.put(request_id, "pending", "It still needs the approval of 1 ml-engineer.")

    with pytest.raises(Refused, match=f"1 ml-engineer. Decide with 'handrail approvals decide {request_id}'"):
        release()


def test_a_part_of_another_run_is_refused_too(deployed, gate, request_id):
    @flow
    def inner():
        approval_gate(request_id, gate, within_s=0)

    @flow
    def outer():
        inner()

    gate.put(request_id, "pending", "x")
    run = deployed(outer)

    assert "is refused. x Decide with" in run.work().message
