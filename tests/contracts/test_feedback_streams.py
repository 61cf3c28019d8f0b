"""What every `MessageStream` and `StreamWriter` promises: at least once, whatever goes away between."""

from contextlib import closing

import pytest

from handrail.errors import Unavailable
from handrail.feedback.domain.messages import Message
from tests.fakes.streams import AGAIN_AFTER_S, REAL, a_broker, until

BODIES = [f'{{"n": {number}}}'.encode() for number in range(7)]


@pytest.fixture(params=["memory", *REAL])
def broker(request, tmp_path):
    with a_broker(request.param, tmp_path) as broker:
        yield broker


def taken_by(consumer, count):
    """Return so many messages, in as many turns as it takes."""
    found: list[Message] = []

    def has_all():
        found.extend(consumer.take(count - len(found), 0.2))
        return len(found) >= count

    until(has_all, f"{count} messages")
    return found


def test_messages_come_in_order_with_headers_in_small_letters_and_places(broker):
    for body in BODIES:
        broker.send(body, {"Content-Type": "application/json"} if body == BODIES[0] else {})
    with closing(broker.consumer()) as consumer:
        first = taken_by(consumer, 3)
        rest = taken_by(consumer, 4)

    assert [each.content for each in first + rest] == BODIES
    assert {name.lower(): text for name, text in first[0].headers.items()} == {"content-type": "application/json"}
    assert first[1].headers == {}
    assert len({each.place for each in first + rest}) == len(BODIES)


def test_no_message_is_an_empty_answer(broker):
    with closing(broker.consumer()) as consumer:
        assert not consumer.take(5, 0)
        assert not consumer.take(5, 0.05)


def test_what_is_acknowledged_does_not_come_again_and_the_rest_does(broker):
    for body in BODIES:
        broker.send(body)
    with closing(broker.consumer()) as consumer:
        messages = taken_by(consumer, len(BODIES))
        consumer.acknowledge(messages[:5])
        consumer.acknowledge(messages[:5])

    with closing(broker.consumer()) as another:
        again = taken_by(another, 2)
        another.acknowledge(again)
        assert not another.take(5, AGAIN_AFTER_S)

    assert {each.content for each in again} == set(BODIES[5:])


def test_two_consumers_share_messages(broker):
    for body in BODIES:
        broker.send(body)
    with closing(broker.consumer()) as one, closing(broker.consumer()) as other:
        first, second = taken_by(one, 4), taken_by(other, 3)

    assert sorted(each.content for each in [*first, *second]) == BODIES


def test_a_broker_that_went_away_is_an_error_and_is_found_again(broker):
    broker.send(BODIES[0])
    with closing(broker.consumer()) as consumer:
        held = taken_by(consumer, 1)
        broker.stop()
        for ask in (lambda: consumer.acknowledge(held), lambda: consumer.take(1, 0.1), lambda: consumer.take(1, 0)):
            with pytest.raises(Unavailable):
                ask()
        broker.start()

        until(lambda: not_away(lambda: consumer.acknowledge(held)), "the broker")
        broker.send(BODIES[1])
        assert [each.content for each in taken_by(consumer, 1)] == [BODIES[1]]


def not_away(ask):
    """Return whether a call finds the broker; JetStream is ready some time after its server listens."""
    try:
        ask()
    except Unavailable:
        return False
    return True


def test_large_messages_come_whole(broker):
    body = b"x" * 900_000
    for _ in range(3):
        broker.send(body)
    with closing(broker.consumer()) as consumer:
        assert [each.content for each in taken_by(consumer, 3)] == [body] * 3


def test_what_is_written_comes_in_order_with_its_headers(broker):
    headers = {"content-type": "application/x-ndjson", "handrail-what": "prediction"}
    with closing(broker.writer()) as writer, closing(broker.consumer()) as consumer:
        writer.write(BODIES, headers)
        writer.write([], headers)
        messages = taken_by(consumer, len(BODIES))

    assert [each.content for each in messages] == BODIES
    assert [each.headers for each in messages] == [headers] * len(BODIES)


def test_a_writer_finds_the_broker_again(broker):
    with closing(broker.writer()) as writer, closing(broker.consumer()) as consumer:
        writer.write(BODIES[:1], {})
        broker.stop()
        with pytest.raises(Unavailable):
            writer.write(BODIES[1:2], {})
        broker.start()
        until(lambda: not_away(lambda: writer.write(BODIES[1:2], {})), "the broker")

        assert {each.content for each in taken_by(consumer, 2)} == set(BODIES[:2])
