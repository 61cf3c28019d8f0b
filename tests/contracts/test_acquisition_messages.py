"""What every `Messages` promises, on real brokers, through the source that reads them."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event
from time import monotonic

import pytest

from handrail.acquisition import Acquiring, Column, Table, Taken
from handrail.acquisition.adapters.amqp_messages import AmqpMessages
from handrail.acquisition.adapters.message_source import MessageSource
from handrail.acquisition.adapters.mqtt_messages import MqttMessages
from handrail.acquisition.adapters.yaml_sources import Stream
from handrail.errors import Unavailable
from tests.fakes.acquisition import RowsInMemory, VersionsInMemory
from tests.fakes.brokers import BROKERS, Broker

READINGS = Table(
    "readings",
    (Column("sensor", "text", True), Column("at", "moment", True), Column("x", "number")),
    ("sensor", "at"),
    "at",
)


@pytest.fixture(params=sorted(BROKERS))
def broker(request):
    made = Broker(request.param)
    made.make()
    yield made
    made.remove()


@pytest.fixture
def reading(broker):
    opened = []

    def read(store, messages=None):
        messages = messages or broker.open()
        opened.append(messages)
        source = MessageSource(broker.settings, messages, wait_s=1.5)
        return Acquiring(READINGS, source, store, VersionsInMemory(), lambda: datetime.now(UTC))

    yield read
    for each in opened:
        each.close()


def reading_of(minute, x=1.0, sensor="a"):
    return json.dumps({"sensor": sensor, "at": f"2026-01-01T00:{minute:02d}:00Z", "x": x}).encode()


def rows(store):
    return [(row[0], row[1][14:16], row[2]) for row in store.rows("readings")]


def test_readings_are_kept_and_then_acknowledged(broker, reading):
    broker.send(*(reading_of(minute) for minute in range(7)))
    store = RowsInMemory()

    acquired = reading(store).run()

    assert acquired.taken == Taken(new=7)
    assert reading(store).run().taken == Taken()


def test_what_is_no_reading_is_set_aside_and_does_not_come_again(broker, reading):
    broker.send(
        b"{", b"[1]", b'{"sensor": "a"}', b'{"sensor": "a", "at": "2026-01-01T00:01:00Z", "x": "warm"}', reading_of(2)
    )
    store = RowsInMemory()

    acquired = reading(store).run()

    assert len(rows(store)) == 1
    assert sum(acquired.quarantine.values()) == 4
    assert reading(store).run().taken == Taken()


class Stops(Exception):
    pass


def test_a_reader_that_ends_before_a_page_is_acknowledged_loses_and_doubles_nothing(broker, reading):
    broker.send(*(reading_of(minute) for minute in range(7)))
    store = RowsInMemory()
    messages = broker.open()
    first = reading(store, messages)
    first.source.confirm = lambda _page: (_ for _ in ()).throw(Stops)
    with pytest.raises(Stops):
        first.run()
    messages.close()
    messages.close = lambda: None

    reading(store).run()

    assert len(rows(store)) == 7
    assert len(store._rows["readings"]) == 7


def test_late_and_out_of_order_readings_go_by_event_time(broker, reading):
    broker.send(reading_of(5), reading_of(1), reading_of(3, x=2.0), reading_of(3, x=2.0))
    store = RowsInMemory()

    reading(store).run()

    assert rows(store) == [("a", "01", 1.0), ("a", "03", 2.0), ("a", "05", 1.0)]
    assert len(list(store.rows("readings", datetime(2026, 1, 1, 0, 4, tzinfo=UTC)))) == 2


def test_no_more_is_taken_than_a_page(broker, reading):
    broker.send(*(reading_of(minute) for minute in range(7)))
    store, sizes = RowsInMemory(), []
    acquiring = reading(store)
    acquiring.progress = lambda taken: sizes.append(taken.new)

    acquiring.run()

    assert max(after - before for before, after in zip([0, *sizes], sizes, strict=False)) <= 3


@pytest.mark.parametrize("kind", [kind for kind in BROKERS if kind == "mqtt"])
def test_two_topics_with_one_group_take_nothing_from_each_other(kind):
    brokers = [Broker(kind), Broker(kind)]
    for each in brokers:
        each.settings = each.settings.model_copy(update={"group": brokers[0].topic})
        each.make()
    brokers[1].send(b"second")
    brokers[0].send(b"first")

    taken = []
    for each in brokers:
        messages = each.open()
        taken.append([message.content for message in messages.take(3, 1.5)])
        messages.close()

    assert taken == [[b"first"], [b"second"]]


@pytest.mark.parametrize("kind", [kind for kind in BROKERS if kind == "mqtt"])
def test_a_message_of_another_topic_is_left_alone(kind):
    broker, other = Broker(kind), Broker(kind)
    messages = broker.open()
    messages.take(3, 0.0)
    messages._client.subscribe(other.topic, qos=1)
    messages._answer("subscribed")
    other.send(b"another")
    broker.send(b"ours")

    taken = [message.content for message in messages.take(3, 1.5)]

    messages.close()
    assert taken == [b"ours"]


def close_channel(broker, messages):
    """Have the broker end the channel, as it does after an acknowledgement of what it never sent."""
    channel = messages._run(messages._channel.get_underlay_channel())
    with suppress(Unavailable):
        messages._run(channel.basic_ack(99, wait=True))
    eventually(lambda: messages._channel.is_closed)


def replace_queue(broker, messages):
    """Delete the queue, and declare one of its name: RabbitMQ ends its consumers and leaves their channel."""
    broker.remove()
    broker.make()
    eventually(lambda: not messages._run(messages._is_consuming()))


@pytest.mark.parametrize("went_away", [close_channel, replace_queue])
@pytest.mark.parametrize("kind", [kind for kind in BROKERS if kind == "amqp"])
def test_a_reader_whose_channel_or_queue_went_away_reads_on(kind, went_away):
    broker = Broker(kind)
    broker.make()
    messages = broker.open()
    broker.send(b"first")
    messages.acknowledge(messages.take(3, 5.0))

    went_away(broker, messages)
    broker.send(b"second")

    taken = [message.content for message in messages.take(3, 5.0)]
    messages.close()
    broker.remove()
    assert taken == [b"second"]


def eventually(holds):
    deadline, pause = monotonic() + 30, Event()
    while not holds():
        assert monotonic() < deadline
        pause.wait(0.05)


@pytest.mark.parametrize("kind", ["mqtt", "amqp"])
def test_a_broker_that_is_away_is_one_sentence(kind):
    settings = Stream(url=f"{kind}://127.0.0.1:9", topic="t")
    messages = MqttMessages(settings, None) if kind == "mqtt" else AmqpMessages(settings, "someone:secret")

    with pytest.raises(Unavailable) as err:
        messages.take(1, 0.1)

    messages.close()
    assert "secret" not in str(err.value)
