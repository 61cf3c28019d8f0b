"""The log when processes are killed, disks fill up and databases go away: what was acknowledged is there, once."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from handrail.errors import Unavailable
from handrail.feedback.domain.values import Receipt
from handrail.storage import open_store
from tests.fakes.effort import TIMES
from tests.fakes.feedback_store import DATABASES, a_database
from tests.fakes.killed_writers import THREADS, a_call, a_starter, acknowledged, wait_for_acknowledged
from tests.fakes.lost_connection import a_gate

pytestmark = pytest.mark.any_version
KILLS = 10 if TIMES == 1 else 1_000
RECOVERED_S = 10
MOST_BEFORE_KILL = 100
"""A writer is killed after fewer acknowledgements than this, at any moment of a commit."""


def held(url):
    """Return the ids of all predictions and events, each as often as it is there."""
    store = open_store(url)
    with store.read() as connection:
        made = connection.execute(sa.text("select prediction_id from feedback_prediction")).scalars().all()
        said = connection.execute(sa.text("select event_id from feedback_event")).scalars().all()
    store.close()
    return made, said


@pytest.mark.parametrize("database", DATABASES)
def test_killed_processes_lose_and_double_nothing_that_was_acknowledged(database, tmp_path):
    chance = random.Random(7)
    with a_database(database, tmp_path) as url, a_starter() as begin:
        store = open_store(url)
        feedback_stores(store)
        store.close()
        for kill in range(KILLS if database == "sqlite" else KILLS // 5):
            name = str(tmp_path / f"w{kill}")
            writer = begin(url, name)
            wait_for_acknowledged(name, chance.randrange(1, MOST_BEFORE_KILL))
            os.kill(writer, signal.SIGKILL)
            calls = acknowledged(name)

            made, said = held(url)

            assert len(set(made)) == len(made)
            assert len(set(said)) == len(said)
            assert set(calls) <= set(made)
            assert {f"{call}-{number}" for call in calls for number in range(2)} <= set(said)
            assert {each.rpartition("-")[0] for each in said} == set(made), "a call is there whole, or not at all"


def test_two_processes_write_at_once_and_nobody_hears_of_a_lock(tmp_path):
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    names = [str(tmp_path / name) for name in ("a", "b")]
    with a_starter() as begin:
        for name in names:
            begin(url, name, calls=15)
        for name in names:
            wait_for_acknowledged(name, 15 * THREADS)

    made, said = held(url)
    assert (len(made), len(said)) == (2 * 15 * THREADS, 4 * 15 * THREADS)


def test_a_lock_that_stays_is_an_error_after_a_stated_time_and_costs_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    store, other = open_store(url, patience_s=0.2), open_store(url)
    intake = feedback_stores(store).intake
    with other.write(), pytest.raises(Unavailable, match="locked"):
        intake.keep(a_call("a"))

    assert intake.keep(a_call("a")) == Receipt(accepted=3)
    store.close()
    other.close()


@contextmanager
def a_full_file(folder):
    """Let no file grow beyond what it is; yields a function that ends this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none = sys.dont_write_bytecode
    # Python would leave compiled modules that end in the middle.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, before[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@contextmanager
def a_full_disk(folder):
    """Lay a small disk below the folder; yields a function that enlarges it."""
    _mount(folder, "size=600k")
    try:
        yield lambda: _mount(folder, "remount,size=64m")
    finally:
        _unmount(folder)


def _mount(folder, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)


def _unmount(folder):
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _may_mount():
    """Return whether this machine lets us lay a disk of our own somewhere, tried on a folder that is removed again."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        try:
            _mount(folder, "size=64k")
        except (OSError, subprocess.CalledProcessError):
            return False
        _unmount(folder)
    return True


def keep_until_refused(intake, name):
    """Keep calls until the disk is full; return how many were kept, and the error."""
    for number in range(10_000):
        try:
            intake.keep(a_call(f"{name}{number}"))
        except Unavailable as err:
            return number, err
    raise AssertionError("the disk never filled up")


FULL = [a_full_file, *([a_full_disk] if _may_mount() else [])]


@pytest.mark.parametrize("full", FULL)
def test_a_full_disk_refuses_whole_calls_and_takes_them_once_there_is_room(full, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    url = f"sqlite:///{folder / 'handrail.db'}"
    with full(folder) as enlarge:
        store = open_store(url)
        stores = feedback_stores(store)
        calls, refused = keep_until_refused(stores.intake, "c")
        assert stores.predictions.find("c0") is not None, "what is there can be read"
        keep_until_refused(stores.intake, "d")
        before = len(held(url)[0])

        enlarge()

        assert stores.intake.keep(a_call(f"c{calls}")) == Receipt(accepted=3)
        assert stores.intake.keep(a_call("c0")) == Receipt(repeated=3)
        made, said = held(url)
        assert (len(made), len(said)) == (before + 1, 2 * (before + 1))
        assert {f"c{number}" for number in range(calls + 1)} <= set(made)
        assert "Nothing of this step was written; free the disk" in str(refused)
        store.close()


if _may_mount():

    def test_a_disk_that_becomes_read_only_refuses_and_is_used_again_once_it_is_not(tmp_path):
        folder = tmp_path / "disk"
        folder.mkdir()
        with a_full_disk(folder) as enlarge:
            enlarge()
            store = open_store(f"sqlite:///{folder / 'handrail.db'}")
            stores = feedback_stores(store)
            stores.intake.keep(a_call("a"))
            store.close()
            _mount(folder, "remount,ro")

            with pytest.raises(Unavailable, match="readonly|read-only|unable to open"):
                stores.intake.keep(a_call("b"))

            _mount(folder, "remount,rw")
            assert stores.intake.keep(a_call("b")) == Receipt(accepted=3)
            store.close()


if "postgresql" in DATABASES:

    def test_a_database_that_goes_away_is_an_error_and_is_found_again_by_itself(tmp_path):
        with a_database("postgresql", tmp_path) as url, a_gate(sa.make_url(url)) as (gate, through):
            store = open_store(through)
            intake = feedback_stores(store).intake
            intake.keep(a_call("a"))
            gate.shut()

            for name in ("b", "c"):
                began = time.monotonic()
                with pytest.raises(Unavailable, match="start the database"):
                    intake.keep(a_call(name))
                assert time.monotonic() - began < RECOVERED_S

            gate.open()
            assert intake.keep(a_call("b")) == Receipt(accepted=3)
            assert sorted(held(url)[0]) == ["a", "b"]
            store.close()

    def test_a_connection_that_the_server_ends_costs_no_call(tmp_path):
        with a_database("postgresql", tmp_path) as url:
            named = sa.make_url(url).update_query_dict({"application_name": "handrail-ended"})
            store, other = open_store(named.render_as_string(hide_password=False)), open_store(url)
            intake = feedback_stores(store).intake
            intake.keep(a_call("a"))
            with other.write() as connection:
                ours = "from pg_stat_activity where application_name = 'handrail-ended'"
                ended = connection.execute(sa.text(f"select pg_terminate_backend(pid) {ours}")).all()

            assert ended
            assert intake.keep(a_call("b")) == Receipt(accepted=3)
            store.close()
            other.close()
