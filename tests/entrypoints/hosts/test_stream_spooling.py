"""A service whose predictions go into a stream: nothing is lost while the broker is away, and all come out whole."""

import json

import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.hosts import spooling
from handrail.errors import Misconfigured
from handrail.feedback.service.sending import MOST_BYTES, Sending
from handrail.settings import load_settings
from tests.entrypoints.cli.feedback_consume.test_reading import record
from tests.fakes.feedback import a_prediction
from tests.fakes.streams import REAL, MemoryBroker, a_broker, until


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setattr(spooling, "RETRY_AFTER_S", 0.1)
    return tmp_path


def received(broker, count):
    """Return the ids of the predictions in a stream, once there are so many."""
    consumer, ids = broker.consumer(), []

    def has_all():
        for message in consumer.take(100, 0.2):
            ids.extend(json.loads(line)["prediction_id"] for line in message.content.splitlines())
        return len(set(ids)) >= count

    until(has_all, f"{count} predictions")
    consumer.close()
    return ids


@pytest.mark.parametrize("kind", REAL)
def test_predictions_wait_in_the_spool_while_the_broker_is_away(project, monkeypatch, kind):
    with a_broker(kind, project) as broker:
        monkeypatch.setenv("HANDRAIL_STREAM__URL", broker.url)
        monkeypatch.setenv("HANDRAIL_STREAM__NAME", broker.name)
        recorder = spooling.Recorder(load_settings())
        recorder.keep(a_prediction(1))
        first = received(broker, 1)
        broker.stop()
        recorder.keep(a_prediction(2))
        recorder.keep(a_prediction(3))
        broker.start()
        rest = received(broker, 2)
        recorder.close()

    assert {*first, *rest} == {a_prediction(number).prediction_id for number in (1, 2, 3)}
    assert not (project / ".handrail" / "handrail.db").exists(), "a service without a store makes none"


def test_what_is_sent_is_recorded_as_it_was(project):
    broker = MemoryBroker()
    made = [a_prediction(1), a_prediction(2, variant="b", propensity=0.5, sampled=1.0, latency_ms=None)]
    Sending(broker.writer()).send(made)

    with open_platform() as platform:
        (message,) = broker.consumer().take(5, 0)
        receipt = record(platform, (message.content, message.headers))
        found = [platform.feedback.find_prediction(each.prediction_id) for each in made]

    assert (receipt.accepted, receipt.refused) == (2, ())
    assert found == made


def test_many_predictions_are_several_messages_of_a_size_that_brokers_take(project):
    broker = MemoryBroker()
    made = [a_prediction(number) for number in range(2_000)]

    assert Sending(broker.writer()).send(made).accepted == 2_000

    sizes = [len(each.content) for each in broker.sent]
    assert max(sizes) <= MOST_BYTES
    assert sum(each.content.count(b"\n") for each in broker.sent) == 2_000
    assert len(sizes) < 10


def test_an_address_without_a_name_is_refused(project, monkeypatch):
    monkeypatch.setenv("HANDRAIL_STREAM__URL", "redis://broker:6379/0")

    with pytest.raises(Misconfigured, match="url and name together"):
        load_settings()
