"""Who made what waits in a file for the store: no call waits for it, and nobody is forgotten."""

import stat
import threading
import time

import pytest

from handrail.approvals.adapters.spooled_provenance import SpooledProvenance
from handrail.approvals.domain.subject import Candidate
from handrail.errors import Unavailable
from handrail.manifest import Manifest
from tests.fakes.approvals_custody import MemoryProvenance

pytestmark = pytest.mark.any_version

MODEL = Candidate("flights", 7, 3, 9, "/a/1/r/model", "run", "1", None)
LIMIT_S = 30


class Store(MemoryProvenance):
    """A memory that does not answer while it is locked, and counts how often it was written to."""

    def __init__(self):
        super().__init__()
        self.is_locked, self.written, self.stored = False, [], threading.Event()

    def record_all(self, records):
        records = list(records)
        if self.is_locked:
            raise Unavailable("The store", "it is locked", "Wait.")
        self.written.append(records)
        super().record_all(records)
        self.stored.set()


class World:
    def __init__(self, folder):
        self.inner, self.file = Store(), folder / "makers.spool"
        self.restart()

    def restart(self):
        self.provenance = SpooledProvenance(self.inner, self.file, pause_s=0.01)

    def until(self, condition):
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline
            self.inner.stored.wait(0.01)
            self.inner.stored.clear()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.inner.is_locked = False


RECORDS = [
    ("record", "version", MODEL.key, "ada"),
    ("record", "run", "run", "ben"),
    ("record_upload", "a" * 64, "ada"),
    ("record_upload", "a" * 64, "ben"),
    ("record_parent", "run", "parent"),
]


def _all(world):
    for what, *values in RECORDS:
        getattr(world.provenance, what)(*values)


def _known(inner):
    return inner.rows, inner.uploads, inner.parents


def _expected():
    inner = MemoryProvenance()
    inner.record_all(RECORDS)
    return _known(inner)


def test_what_was_recorded_reaches_the_store_soon_without_being_asked_for(world):
    _all(world)

    world.until(lambda: _known(world.inner) == _expected())
    world.until(lambda: not world.file.exists() and not world.file.with_name("makers.spool.taken").exists())


def test_whoever_asks_who_made_something_is_answered_with_all_that_was_recorded(world):
    for number in range(50):
        run = f"run-{number}"
        world.provenance.record("run", run, "ada")

        found = world.provenance.makers(Candidate("flights", 7, 3, 9, "/a", run, "1", None), Manifest(()))

        assert found.accounts == ("ada",)


def test_records_that_come_together_are_stored_together(world):
    world.inner.is_locked = True
    for number in range(200):
        world.provenance.record("run", str(number), "ada")

    world.inner.is_locked = False
    world.until(lambda: len(world.inner.rows) == 200)

    assert len(world.inner.written) <= 3


def test_while_the_store_is_locked_nobody_is_said_to_have_made_anything(world):
    world.inner.is_locked = True
    _all(world)

    with pytest.raises(Unavailable, match="locked"):
        world.provenance.makers(MODEL, Manifest(()))
    (taken,) = world.file.parent.glob("makers.spool*")
    assert stat.S_IMODE(taken.stat().st_mode) == 0o600

    world.inner.is_locked = False
    assert "ben" in world.provenance.makers(MODEL, Manifest(())).accounts
    assert _known(world.inner) == _expected()


def test_a_kill_loses_nothing_that_was_answered(world):
    world.inner.is_locked = True
    world.provenance = SpooledProvenance(world.inner, world.file, pause_s=3600)  # never tries a second time
    world.provenance.record_upload("a" * 64, "first")
    with pytest.raises(Unavailable):
        world.provenance.store()
    world.provenance.record_upload("a" * 64, "second")
    with world.file.open("a") as file:
        file.write('["record", "run", "half')  # the process ended while it wrote this

    world.restart()
    world.provenance.record("run", "third", "ada")
    world.inner.is_locked = False
    world.provenance.store()

    assert world.inner.uploads == {"a" * 64: "first"}
    assert world.inner.rows == {("run", "third", "ada")}


def test_what_is_known_already_is_not_written_again(world):
    for _ in range(20):
        world.provenance.record("path", "/a/1", "ada")
        world.provenance.store()

    assert sum(map(len, world.inner.written)) == 1


def test_many_threads_lose_nothing(world):
    def record(name):
        for number in range(100):
            world.provenance.record("run", f"{name}-{number}", "ada")

    threads = [threading.Thread(target=record, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.provenance.store()

    assert len(world.inner.rows) == 800


def test_a_file_that_cannot_be_written_refuses_what_cannot_be_remembered(world):
    world.file.mkdir()

    with pytest.raises(Unavailable, match=r"makers\.spool"):
        world.provenance.record("run", "first", "ada")
