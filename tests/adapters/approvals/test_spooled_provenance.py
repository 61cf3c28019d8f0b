"""A store that is locked costs no maker and little time."""

import stat

import pytest

from handrail.approvals.adapters.spooled_provenance import PAUSE_S, SpooledProvenance
from handrail.approvals.domain.subject import Candidate
from handrail.errors import Unavailable
from handrail.manifest import Manifest
from tests.fakes.approvals_custody import MemoryProvenance

pytestmark = pytest.mark.any_version

MODEL = Candidate("flights", 7, 3, 9, "/a/1/r/model", "run", "1", None)


class Locked(MemoryProvenance):
    """A memory that does not answer while it is locked, and counts how often it was asked."""

    is_locked = False
    asked = 0

    def _ask(self):
        self.asked += 1
        if self.is_locked:
            raise Unavailable("The store", "it is locked", "Wait.")

    def record(self, kind, key, account):
        self._ask()
        super().record(kind, key, account)

    def record_upload(self, sha256, account):
        self._ask()
        super().record_upload(sha256, account)

    def record_parent(self, run_id, parent):
        self._ask()
        super().record_parent(run_id, parent)


class World:
    def __init__(self, folder):
        self.inner, self.file, self.now = Locked(), folder / "makers.spool", 0.0
        self.restart()

    def restart(self):
        self.provenance = SpooledProvenance(self.inner, self.file, lambda: self.now)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def _all(world):
    world.provenance.record("version", MODEL.key, "ada")
    world.provenance.record("run", "run", "ben")
    world.provenance.record_upload("a" * 64, "ada")
    world.provenance.record_upload("a" * 64, "ben")
    world.provenance.record_parent("run", "parent")


def _known(world):
    return world.inner.rows, world.inner.uploads, world.inner.parents


def test_while_the_store_answers_nothing_is_kept_in_a_file(world):
    _all(world)

    assert not world.file.exists()
    assert _known(world)[1] == {"a" * 64: "ada"}


def test_what_a_locked_store_missed_is_recorded_before_anybody_asks_who_made_it(world):
    world.inner.is_locked = True
    _all(world)
    assert world.inner.rows == set()
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600

    world.inner.is_locked = False
    made = world.provenance.makers(MODEL, Manifest(()))

    expected = World(world.file.parent / "other")
    _all(expected)
    assert _known(world) == _known(expected)
    assert "ben" in made.accounts
    assert not world.file.exists()


def test_while_it_is_locked_nobody_is_said_to_have_made_anything(world):
    world.inner.is_locked = True
    _all(world)

    with pytest.raises(Unavailable, match="locked"):
        world.provenance.makers(MODEL, Manifest(()))


def test_a_locked_store_is_asked_once_in_a_while_only(world):
    world.inner.is_locked = True
    for number in range(50):
        world.provenance.record("run", str(number), "ada")
    assert world.inner.asked == 1

    world.now, world.inner.is_locked = PAUSE_S + 1, False
    world.provenance.record("run", "last", "ada")

    assert {row[1] for row in world.inner.rows} == {*map(str, range(50)), "last"}
    assert not world.file.exists()


def test_a_stop_loses_nothing_that_was_answered(world):
    world.inner.is_locked = True
    world.provenance.record("run", "first", "ada")
    with world.file.open("a") as file:
        file.write('["record", "run", "half')  # the process ended while it wrote this

    world.restart()
    world.provenance.record("run", "second", "ada")
    world.inner.is_locked = False
    world.restart()
    world.provenance.record("run", "third", "ada")

    assert {row[1] for row in world.inner.rows} == {"first", "second", "third"}


def test_a_file_that_cannot_be_written_refuses_what_cannot_be_remembered(world):
    world.inner.is_locked = True
    world.file.mkdir()

    with pytest.raises(Unavailable, match=r"makers\.spool"):
        world.provenance.record("run", "first", "ada")
