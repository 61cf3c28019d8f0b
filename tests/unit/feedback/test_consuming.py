"""One consumer: what it acknowledges and when, and how it waits for what is away."""

from threading import Event, Thread

import pytest

from handrail.errors import Busy, Misconfigured, MissingTool, Unavailable
from handrail.feedback import Consuming, Receipt
from tests.fakes.streams import MemoryBroker, until


class Log:
    """Counts messages as rows; fails with what a test gives it."""

    def __init__(self):
        self.recorded, self.failure = [], None

    def record(self, messages):
        if self.failure is not None:
            raise self.failure
        new = [each.place for each in messages if each.place not in self.recorded]
        self.recorded += new
        return Receipt(accepted=len(new), repeated=len(messages) - len(new))


@pytest.fixture
def broker():
    broker = MemoryBroker()
    for number in range(5):
        broker.send(b"%d" % number)
    return broker


def a_consuming(broker, log, said=None, **more):
    return Consuming(broker.consumer(), log.record, (said if said is not None else []).append, **more)


def test_all_messages_are_recorded_in_batches_and_acknowledged(broker):
    log = Log()

    done = a_consuming(broker, log, most=2).run(once=True)

    assert (done.messages, done.accepted, done.repeated) == (5, 5, 0)
    assert log.recorded == ["1", "2", "3", "4", "5"]
    assert len(broker.done) == 5


@pytest.mark.parametrize("failure", [Unavailable("The store", "it is away", "Start it."), Busy(50_000, 1)])
def test_what_is_not_recorded_is_not_acknowledged(broker, failure):
    log = Log()
    log.failure = failure

    with pytest.raises(Unavailable):
        a_consuming(broker, log).run(once=True)

    assert not broker.done


@pytest.mark.parametrize(
    "failure", [MissingTool("pyarrow", "parquet"), Misconfigured("feedback.yaml", "no", "Mend it.")]
)
def test_what_no_waiting_mends_ends_the_consumer(broker, failure):
    log = Log()
    log.failure = failure

    with pytest.raises(type(failure)):
        a_consuming(broker, log).run()

    assert not broker.done


def running(consuming):
    thread = Thread(target=consuming.run, daemon=True)
    thread.start()
    return thread


def test_an_outage_of_the_store_is_said_once_and_then_it_goes_on_by_itself(broker):
    log, said = Log(), []
    log.failure = Unavailable("The store", "it is away", "Start it.")
    consuming = a_consuming(broker, log, said)
    thread = running(consuming)
    until(lambda: said, "a sentence")

    log.failure = None
    until(lambda: len(broker.done) == 5, "all messages")
    consuming.stopping.set()
    thread.join()

    assert said == [
        "The store: it is away. Start it. Messages stay in the stream; this goes on by itself.",
        "It is there again: messages are recorded.",
    ]
    assert consuming.consumed.accepted == 5


def test_an_outage_of_the_broker_between_recording_and_acknowledging_doubles_nothing(broker):
    class Leaving(Log):
        def record(self, messages):
            receipt = super().record(messages)
            if len(self.recorded) == 5 and receipt.accepted:
                broker.stop()
            return receipt

    log, said = Leaving(), []
    consuming = a_consuming(broker, log, said)
    thread = running(consuming)
    until(lambda: said, "a sentence")
    assert not broker.done

    broker.start()
    until(lambda: len(broker.done) == 5, "all messages")
    consuming.stopping.set()
    thread.join()

    assert sorted(log.recorded) == ["1", "2", "3", "4", "5"]
    assert consuming.consumed.messages == 5


def test_who_is_asked_to_stop_during_an_outage_stops_and_leaves_messages_there(broker):
    log, said = Log(), []
    log.failure = Unavailable("The store", "it is away", "Start it.")
    stopping = Event()
    thread = running(a_consuming(broker, log, said, stopping=stopping))
    until(lambda: said, "a sentence")

    stopping.set()
    thread.join(10)

    assert not thread.is_alive()
    assert not broker.done
