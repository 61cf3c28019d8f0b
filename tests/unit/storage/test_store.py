"""The store: durable transactions, and migrations that know whose they are."""

import logging
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from handrail.errors import Misconfigured, Unavailable
from handrail.storage import migrate, open_store

REVISION = '''"""One table."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    op.create_table("{table}", sa.Column("n", sa.Integer))
'''


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'state' / 'handrail.db'}")
    yield store
    store.close()


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "first.py").write_text(REVISION.format(revision="toy_0001", down=None, table="toy"))
    return folder


def _count(store):
    with store.read() as connection:
        return connection.execute(text("select count(*) from toy")).scalar_one()


def test_a_transaction_that_fails_leaves_nothing(store, scripts):
    migrate(store, "toy", scripts)

    with pytest.raises(ZeroDivisionError), store.write() as connection:  # noqa: PT012
        connection.execute(text("insert into toy values (1)"))
        _ = 1 / 0

    assert _count(store) == 0


def test_writers_wait_for_each_other_and_none_is_lost(store, scripts):
    migrate(store, "toy", scripts)

    def add_one(_):
        with store.write() as connection:
            n = connection.execute(text("select count(*) from toy")).scalar_one()
            connection.execute(text("insert into toy values (:n)"), {"n": n})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))

    with store.read() as connection:
        assert sorted(connection.execute(text("select n from toy")).scalars()) == list(range(40))


def test_acknowledged_rows_survive_power_loss_by_setting(store):
    with store.read() as connection:
        assert connection.execute(text("pragma synchronous")).scalar_one() == 2
        assert connection.execute(text("pragma journal_mode")).scalar_one() == "wal"


def test_a_store_that_is_not_synced_leaves_that_to_others(tmp_path):
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    for synced, level in ((True, 2), (False, 1)):
        store = open_store(url, synced=synced)
        with store.read() as connection:
            assert connection.execute(text("pragma synchronous")).scalar_one() == level
            assert connection.execute(text("pragma journal_mode")).scalar_one() == "wal"
        store.close()


def test_the_file_is_readable_by_its_owner_alone(store, tmp_path):
    assert stat.S_IMODE((tmp_path / "state" / "handrail.db").stat().st_mode) == 0o600


def test_migrating_twice_and_at_once_changes_nothing(store, scripts):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(store, "toy", scripts), range(8)))

    assert _count(store) == 0


def test_threads_with_stores_of_their_own_migrate_at_once(scripts, tmp_path):
    stores = [open_store(f"sqlite:///{tmp_path / str(number) / 'handrail.db'}") for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda store: migrate(store, "toy", scripts), stores))

    assert [_count(store) for store in stores] == [0] * 8
    [store.close() for store in stores]


def test_a_tool_that_logs_in_detail_hears_nothing_of_migrations(store, scripts, caplog):
    caplog.set_level(logging.INFO)

    migrate(store, "toy", scripts)

    assert not [record for record in caplog.records if record.name.startswith("alembic")]
    assert _count(store) == 0


def test_a_second_revision_keeps_the_rows_of_the_first(store, scripts):
    migrate(store, "toy", scripts)
    with store.write() as connection:
        connection.execute(text("insert into toy values (7)"))
    (scripts / "second.py").write_text(REVISION.format(revision="toy_0002", down="toy_0001", table="more"))

    migrate(store, "toy", scripts)

    assert _count(store) == 1


def test_a_store_of_a_newer_release_is_refused(store, scripts):
    (scripts / "second.py").write_text(REVISION.format(revision="toy_0002", down="toy_0001", table="more"))
    migrate(store, "toy", scripts)
    (scripts / "second.py").unlink()

    with pytest.raises(Misconfigured, match="newer than this release"):
        migrate(store, "toy", scripts)


def test_tables_that_are_up_to_date_are_recognised_without_alembic(store, scripts, tmp_path):
    migrate(store, "toy", scripts)
    code = f"""
import sys
from pathlib import Path
from handrail.storage import migrate, open_store
migrate(open_store("sqlite:///{tmp_path / "state" / "handrail.db"}"), "toy", Path("{scripts}"))
assert "alembic" not in sys.modules
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    [
        'revision: str = "toy_0002"\ndown_revision: str | None = "toy_0001"',
        "revision = 'toy_0002'\ndown_revision = 'toy_0001'",
        'revision = "toy_" + "0002"\ndown_revision = "toy_0001"',
        'revision = "toy_0002"\ndown_revision = ("toy_0001",)',
    ],
)
def test_a_revision_is_applied_however_its_script_names_it(store, scripts, line):
    migrate(store, "toy", scripts)
    second = REVISION.format(revision="toy_0002", down="toy_0001", table="more")
    (scripts / "second.py").write_text(second.replace("revision = \"toy_0002\"\ndown_revision = 'toy_0001'", line))

    migrate(store, "toy", scripts)
    migrate(store, "toy", scripts)

    with store.read() as connection:
        assert connection.execute(text("select count(*) from more")).scalar_one() == 0


@pytest.mark.parametrize("url", ["mysql://localhost/x", "not a url"])
def test_another_database_is_refused_with_the_choices(url):
    with pytest.raises(Misconfigured, match="SQLite or PostgreSQL|sqlite:///path"):
        open_store(url)


def test_an_unreachable_database_is_one_sentence_without_the_password():
    store = open_store("postgresql://me:hunter2@127.0.0.1:1/x")

    with pytest.raises(Unavailable) as caught, store.read():
        pass

    assert "hunter2" not in str(caught.value)
    assert "run it again" in str(caught.value)


@pytest.mark.parametrize("content", [b"garbage\n", b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_not_a_database_is_one_sentence_that_says_what_to_do_with_it(tmp_path, content):
    (tmp_path / "handrail.db").write_bytes(content)
    store = open_store(f"sqlite:///{tmp_path / 'handrail.db'}")

    for transaction in (store.read, store.write):
        with (
            pytest.raises(Unavailable, match=r"handrail\.db: file is not a database\. .*move the file away"),
            transaction(),
        ):
            pass


def test_whoever_is_impatient_hears_soon_that_another_one_writes(tmp_path, scripts):
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    patient, impatient = open_store(url), open_store(url, patience_s=0.05)
    migrate(patient, "toy", scripts)

    with (
        patient.write() as connection,
        pytest.raises(Unavailable, match="database is locked"),
        impatient.write(),
    ):
        connection.execute(text("insert into toy values (1)"))

    with impatient.write() as connection:
        connection.execute(text("insert into toy values (2)"))
    assert _count(patient) == 1
    patient.close()
    impatient.close()
