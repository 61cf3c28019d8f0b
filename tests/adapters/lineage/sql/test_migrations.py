"""What earlier releases wrote is still there, and means the same, after the tables were brought up to date."""

import shutil

import pytest
import sqlalchemy as sa

from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.side_rows import altered_rows
from handrail.lineage.adapters.sql.tables import MIGRATIONS
from handrail.lineage.adapters.sql.tokens import SqlTokens
from handrail.lineage.domain.scopes import TokenScope
from handrail.storage import migrate
from tests.fakes.lineage_events import a_dataset, a_run_event, read
from tests.fakes.lineage_stores import KINDS, a_store, an_empty_store, dump

BOT = "actor://service/airflow"
EVENTS = [
    read(a_run_event(1, "START", [a_dataset("raw", "1")], [a_dataset("clean", "1")])),
    read(a_run_event(1, "COMPLETE", [a_dataset("raw", "1")], [a_dataset("clean", "1")])),
    read(a_run_event(2, "FAIL", [a_dataset("clean", "1")])),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("release", ["lineage_0003", "lineage_0004", "lineage_0005"])
def test_rows_of_an_earlier_release_stay_and_more_can_be_recorded(kind, release, tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for script in MIGRATIONS.glob("*.py"):
        if script.stem <= release:
            shutil.copy(script, scripts)

    with a_store(kind) as store, an_empty_store(kind) as new:
        migrate(store, "lineage", scripts)
        SqlEvents(store).add(EVENTS[:2], BOT, ["marquez"])
        before = dump(store)
        migrate(store, "lineage", MIGRATIONS)

        after = dump(store)
        assert {name: after[name] for name in before} == before
        assert not any(after[name] for name in after.keys() - before.keys())
        SqlEvents(store).add(EVENTS[1:], BOT, ["marquez"])
        SqlEvents(new).add(EVENTS, BOT, ["marquez"])
        assert dump(store) == dump(new)


MOVE = "insert into lineage_pointer values ('champion', '2026-11-23T12:00:00.000000+00:00', 'x://1', 'actor://s/ann')"
TOKEN = """insert into lineage_token
values ('airflow', 'actor://service/airflow', 'e6', '2026-11-23T12:00:00.000000+00:00')"""


@pytest.mark.parametrize("kind", KINDS)
def test_moves_and_tokens_of_an_earlier_release_get_digests_and_keep_what_they_could(kind, tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for script in MIGRATIONS.glob("*.py"):
        if script.stem <= "lineage_0005":
            shutil.copy(script, scripts)

    with a_store(kind) as store:
        migrate(store, "lineage", scripts)
        with store.write() as connection:
            connection.execute(sa.text(MOVE))
            connection.execute(sa.text(TOKEN))
        migrate(store, "lineage", MIGRATIONS)

        assert altered_rows(store) == ()
        assert [record.scope for record in SqlTokens(store).all()] == [TokenScope()]
