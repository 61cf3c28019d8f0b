"""Following a stream: what is pushed and when it is acknowledged, outages, the end."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from handrail.acquisition import Acquiring, Column, Following, Page, Source, Table
from handrail.errors import InvalidInput, MissingTool, Unavailable
from tests.fakes.acquisition import OnlineInMemory, RowsInMemory, VersionsInMemory

NOW = datetime(2026, 11, 30, tzinfo=UTC)
READINGS = Table(
    "readings",
    (Column("sensor", "text", True), Column("at", "moment", True), Column("x", "number")),
    ("sensor", "at"),
    "at",
)


class Stream(Source):
    """Pages that a broker holds until they are confirmed; the last one asks to stop."""

    def __init__(self, stopping: Event, *pages: list[dict[str, object]]) -> None:
        self.waiting = [Page(rows, None, places=[str(id(row)) for row in rows]) for rows in pages]
        self.confirmed: list[Page] = []
        self.stopping = stopping
        self.error: Exception | None = None

    @property
    def name(self) -> str:
        return "memory://stream"

    def pages(self, since: object) -> Generator[Page, None, None]:
        if self.error is not None:
            raise self.error
        yield from list(self.waiting)

    def confirm(self, page: Page) -> None:
        self.waiting.remove(page)
        self.confirmed.append(page)
        if not self.waiting:
            self.stopping.set()

    def close(self) -> None: ...


def reading(sensor: str, second: int, x: float) -> dict[str, object]:
    return {"sensor": sensor, "at": (NOW + timedelta(seconds=second)).isoformat(), "x": x}


class World:
    def __init__(self, *pages: list[dict[str, object]]) -> None:
        self.stopping, self.said, self.written = Event(), list[str](), list[int]()
        self.source, self.store, self.online = Stream(self.stopping, *pages), RowsInMemory(), OnlineInMemory()
        acquiring = Acquiring(READINGS, self.source, self.store, VersionsInMemory(), lambda: NOW + timedelta(hours=1))
        acquiring.online = self.online
        self.following = Following(acquiring, self.say, self.write, 300.0, self.stopping)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)
        self.online.error = self.source.error = None

    def write(self) -> None:
        self.written.append(len(self.store.arrived("readings", 0, 1000)))

    def answers(self) -> dict[str, object]:
        return {sensor: row["x"] for sensor, (_, row) in self.online.rows.items()}


def test_what_was_kept_is_online_and_the_files_are_written_at_the_end() -> None:
    world = World([reading("a", 2, 2.0), reading("b", 0, 9.0)], [reading("a", 1, 1.0)])

    taken = world.following.run()

    assert (taken.new, world.answers()) == (3, {"a": 2.0, "b": 9.0})
    assert world.written == [3]


def test_a_page_that_was_not_pushed_is_not_acknowledged_and_is_pushed_when_the_store_is_there_again() -> None:
    world = World([reading("a", 1, 1.0)], [reading("a", 2, 2.0)])
    world.online.error = Unavailable("The online store", "it is locked", "Wait.")
    confirmed_then: list[int] = []
    say = world.say
    world.following.say = lambda sentence: (confirmed_then.append(len(world.source.confirmed)), say(sentence))[1]

    taken = world.following.run()

    assert confirmed_then == [0, 2]
    assert (taken.new, taken.repeated, world.answers()) == (2, 1, {"a": 2.0})
    assert "Messages stay at the broker" in world.said[0]
    assert "It is there again" in world.said[1]


def test_a_message_that_comes_again_pushes_its_correction_and_not_itself() -> None:
    old, corrected = reading("a", 1, 1.0), reading("a", 1, 5.0)
    world = World([old], [corrected], [old])

    world.following.run()

    assert world.answers() == {"a": 5.0}


def test_a_broker_that_is_away_is_waited_for() -> None:
    world = World([reading("a", 1, 1.0)])
    world.source.error = Unavailable("mqtt://x", "it does not answer", "Start it.")

    assert world.following.run().new == 1


@pytest.mark.parametrize("error", [MissingTool("feast", "feast"), InvalidInput("x", "is wrong", "Correct it.")])
def test_what_waiting_does_not_mend_ends_it(error: Exception) -> None:
    world = World([reading("a", 1, 1.0)])
    world.online.error = error

    with pytest.raises(type(error)):
        world.following.run()
    assert world.source.confirmed == []


def test_it_stops_after_the_page_in_hand() -> None:
    world = World([reading("a", 1, 1.0)], [reading("a", 2, 2.0)])
    world.following.acquiring.progress = lambda _: world.stopping.set()

    world.following.run()

    assert len(world.source.waiting) == 1
    assert world.answers() == {"a": 1.0}


def test_files_are_written_while_pages_come() -> None:
    world = World([reading("a", 1, 1.0)], [reading("a", 2, 2.0)])
    world.following.every_s = 0.0

    world.following.run()

    assert world.written == [1, 2, 2]
