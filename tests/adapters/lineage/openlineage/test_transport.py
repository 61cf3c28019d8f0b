"""Sinks that are transports of the OpenLineage client: sent is what the transport was done with, without complaint."""

import json
import logging
import socket

import pytest
from openlineage.client.transport import Config, Transport, register_transport

from handrail.errors import Misconfigured, Refused, Unavailable
from handrail.lineage.adapters.openlineage.client import to_event
from handrail.lineage.adapters.openlineage.transport import OpenLineageTransport
from handrail.lineage.adapters.openlineage.yaml_sinks import Sink, read_sinks
from handrail.lineage.domain.outbox import QueuedEvent
from tests.fakes.lineage_events import (
    PRODUCER,
    SPEC,
    a_dataset,
    a_dataset_event,
    a_job_event,
    a_run_event,
    a_run_id,
    read,
)
from tests.fakes.lineage_receiver import receiving

PARENT = {
    "_producer": PRODUCER,
    "_schemaURL": SPEC,
    "run": {"runId": "00000000-0000-0000-0000-000000000009"},
    "job": {"namespace": "airflow://prod", "name": "nightly"},
    "root": {
        "run": {"runId": "00000000-0000-0000-0000-00000000000a"},
        "job": {"namespace": "airflow://prod", "name": "weekly"},
    },
}
EVENTS = {
    "run": a_run_event(inputs=[a_dataset("a", "1")], outputs=[a_dataset("b")]),
    "job": a_job_event(outputs=[a_dataset("b")]),
    "dataset": a_dataset_event(),
    "child": a_run_event() | {"run": {"runId": a_run_id(1), "facets": {"parent": PARENT}}},
}


def queued(document):
    event = read(document)
    return QueuedEvent(event.event_id, event.stream, event.body)


def open_transport(settings, secrets=None):
    return OpenLineageTransport("there", settings, secrets or {})


def over_http(url, **more):
    base, _, path = url.partition("/api")
    return {"type": "http", "url": base, "endpoint": f"api{path}", "retry": {"total": 0}} | more


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_arrives_as_it_came(tmp_path, name):
    file = tmp_path / "events.ndjson"

    open_transport({"type": "file", "log_file_path": str(file), "append": True}).send(queued(EVENTS[name]))

    (line,) = file.read_text().splitlines()
    arrived = read(json.loads(line))
    sent = read(EVENTS[name])
    assert (arrived.job, arrived.run, arrived.inputs, arrived.outputs, arrived.datasets) == (
        sent.job,
        sent.run,
        sent.inputs,
        sent.outputs,
        sent.datasets,
    )


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_came_without_a_schema_goes_on_with_the_clients_own(name):
    came = {key: value for key, value in EVENTS[name].items() if key != "schemaURL"}

    sent = to_event(came)

    assert sent.schemaURL.startswith("https://openlineage.io/spec/")
    assert sent.schemaURL.endswith({"job": "JobEvent", "dataset": "DatasetEvent"}.get(name, "RunEvent"))


def test_a_line_that_a_killed_process_left_unfinished_spoils_no_other(tmp_path):
    file = tmp_path / "events.ndjson"
    file.write_text('{"eventType": "COMPL')

    open_transport({"type": "file", "log_file_path": str(file), "append": True}).send(queued(EVENTS["run"]))

    half, whole = file.read_text().splitlines()
    assert half.endswith("COMPL")
    assert read(json.loads(whole)).run == read(EVENTS["run"]).run


@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_events_go_over_http_and_a_secret_is_sent_but_never_shown(kind):
    with receiving() as (receiver, url):
        settings = over_http(url, type=kind, auth={"type": "api_key", "apiKey": "s3cret"})
        transport = open_transport(settings, {"s3cret": "SINK_TOKEN"})

        transport.send(queued(EVENTS["run"]))
        receiver.answers = [403]
        with pytest.raises(Unavailable) as gone:
            transport.send(queued(EVENTS["job"]))
        transport.send(queued(EVENTS["job"]))

    assert len(receiver.events) == 2
    assert receiver.tokens == {"Bearer s3cret"}
    assert "403" in str(gone.value)
    assert "s3cret" not in str(gone.value)


def test_an_event_that_will_never_be_taken_is_refused():
    with receiving() as (receiver, url):
        receiver.answers = [422]

        with pytest.raises(Refused, match="422"):
            open_transport(over_http(url)).send(queued(EVENTS["run"]))


@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_nobody_there_is_reported_as_such(kind):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1/lineage"

        with pytest.raises(Unavailable, match="tried again"):
            open_transport(over_http(url, type=kind)).send(queued(EVENTS["run"]))


def test_one_of_several_transports_that_fails_is_not_passed_over(tmp_path):
    file = {"type": "file", "log_file_path": str(tmp_path / "a.ndjson"), "append": True}
    with receiving() as (receiver, url):
        several = open_transport({"type": "composite", "transports": {"file": file, "there": over_http(url)}})
        receiver.answers = [503]

        with pytest.raises(Unavailable, match="there"):
            several.send(queued(EVENTS["run"]))
        several.send(queued(EVENTS["run"]))

    assert len(receiver.events) == 1
    assert len((tmp_path / "a.ndjson").read_text().splitlines()) == 2


def test_the_console_transport_is_seen(capfd):
    open_transport({"type": "console"}).send(queued(EVENTS["run"]))

    assert "clean orders" in capfd.readouterr().err


@register_transport
class InBackground(Transport):
    """A transport as Kafka's: it takes an event, and only its log knows what became of it."""

    kind = "in-background"

    def __init__(self, config: Config):
        self.taken = []

    def emit(self, event):
        self.taken.append(event)

    def wait_for_completion(self, timeout=-1):
        if self.taken[-1].job.name == "slow":
            return False
        if self.taken[-1].job.name == "lost":
            logging.getLogger("openlineage.client.transport.kafka").error("Broker: unknown topic")
        return True


@pytest.mark.parametrize(("job", "problem"), [("lost", "unknown topic"), ("slow", "60 s"), ("fine", None)])
def test_what_is_sent_in_the_background_is_waited_for(job, problem):
    event = queued(a_run_event(job={"namespace": "n", "name": job}))
    transport = open_transport({"type": "in-background"})

    if problem is None:
        transport.send(event)
        return
    with pytest.raises(Unavailable, match=problem):
        transport.send(event)


@register_transport
class CountsAlone(Transport):
    """A transport that counts a failure of its background before it logs why, as async_http may."""

    kind = "counts-alone"

    def __init__(self, config: Config):
        self.failed = 0
        self.waited = False

    def emit(self, event):
        self.waited = False

    def wait_for_completion(self, timeout=-1):
        self.waited = True
        self.failed += 1
        return True

    def get_stats(self):
        return {"pending": 0, "success": 0, "failed": self.failed}


@pytest.mark.parametrize("inside", [False, True])
def test_a_failure_that_is_counted_and_not_logged_yet_is_none_the_less_one(tmp_path, inside):
    file = {"type": "file", "log_file_path": str(tmp_path / "a.ndjson"), "append": True}
    several = {"type": "composite", "transports": {"file": file, "counting": {"type": "counts-alone"}}}
    transport = open_transport(several if inside else {"type": "counts-alone"})

    for _ in range(2):
        with pytest.raises(Unavailable, match="counted a failure"):
            transport.send(queued(EVENTS["run"]))


def test_events_are_not_lost_where_openlineage_is_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    transport = open_transport({"type": "file", "log_file_path": str(tmp_path / "a"), "append": True})

    with pytest.raises(Unavailable, match="OPENLINEAGE_DISABLED"):
        transport.send(queued(EVENTS["run"]))


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "pigeon"},
        {"type": "file"},
        {"type": "http"},
        {"type": "http", "url": "http://x", "auth": {"type": "api_key"}},
        {"type": "kafka"},
        {"type": "composite", "transports": []},
        {"type": "os.path"},
    ],
)
def test_a_transport_that_cannot_be_built_is_one_sentence(settings):
    with pytest.raises(Misconfigured, match=r"lineage\.yaml: sink 'there'") as wrong:
        open_transport(settings | {"log_format": "s3cret"}, {"s3cret": "X"})

    assert "s3cret" not in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_secrets_come_from_the_environment(tmp_path, monkeypatch):
    text = "version: 1\nsinks:\n  a: {transport: {type: http, url: 'http://${HOST_}/x', auth: {apiKey: '${TOKEN_}'}}}\n"
    (tmp_path / "lineage.yaml").write_text(text)
    (sink,) = read_sinks(tmp_path)
    monkeypatch.setenv("HOST_", "there")
    monkeypatch.delenv("TOKEN_", raising=False)

    with pytest.raises(Misconfigured, match="TOKEN_"):
        sink.resolve()
    monkeypatch.setenv("TOKEN_", "t0ken")

    settings, secrets = sink.resolve()
    assert settings == {"type": "http", "url": "http://there/x", "auth": {"apiKey": "t0ken"}}
    assert secrets == {"there": "HOST_", "t0ken": "TOKEN_"}
    assert "t0ken" not in repr(sink)


def test_a_sink_without_a_transport_has_nothing_to_resolve():
    assert Sink("a", "http://x/y").resolve() == ({}, {})


def test_kafka_finds_the_key_that_keeps_runs_of_one_parent_in_order():
    from openlineage.client.transport.kafka import KafkaTransport

    kafka = KafkaTransport.__new__(KafkaTransport)

    assert kafka._get_message_key(to_event(EVENTS["child"])) == "run:airflow://prod/nightly"
    assert kafka._get_message_key(to_event(EVENTS["run"])) == "run:airflow://prod/clean orders"
