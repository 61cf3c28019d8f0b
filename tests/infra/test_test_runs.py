"""Processes that run tests beside each other: what each has for itself, and which tests stay in one."""

import os

import pytest
import sqlalchemy as sa

from tests.groups import begins, group_of
from tests.place import POSTGRES, REDIS, take_place


@pytest.fixture
def other():
    place = take_place(os.environ.get(POSTGRES), os.environ.get(REDIS))
    yield place
    place.leave()


def test_another_process_gets_another_number_and_other_databases(other):
    third = take_place(None, None)
    third.leave()

    assert third.number != other.number
    for name, url in other.environment().items():
        assert url != os.environ[name]


def test_a_number_is_free_again_when_its_process_is_gone(other):
    other.give_back()
    again = take_place(None, None)
    again.leave()

    assert again.number <= other.number


def test_tests_that_share_a_server_stay_together_and_begin():
    served = "tests/loop/test_demo.py::test_one[a::b]"

    assert group_of(served) == "tests/loop"
    assert group_of("tests/unit/test_refs.py::test_one") == "tests/unit/test_refs.py"
    written = "tests/init/test_page.py::test_one"
    line = [written, served, "tests/flows/test_pipeline.py::test_one", "tests/unit/test_refs.py::test_one"]
    assert sorted(reversed(line), key=lambda test: begins(test, {"tests/loop": 1})) == line


def test_the_largest_of_those_begins():
    sizes = {"tests/loop": 40, "tests/bentos": 50}

    assert begins("tests/bentos/test_worker.py::test_one", sizes) < begins("tests/loop/test_demo.py::test_one", sizes)


if os.environ.get(POSTGRES):

    def test_a_place_brings_an_empty_database_and_leaves_none(other):
        engine = sa.create_engine(other.postgres, poolclass=sa.NullPool)
        with engine.begin() as connection:
            assert sa.inspect(connection).get_table_names() == []
            connection.execute(sa.text("create table left_behind (id int)"))

        other.leave()

        with pytest.raises(sa.exc.OperationalError, match="does not exist"):
            engine.connect()


if os.environ.get(REDIS):

    def test_a_redis_database_with_keys_of_others_is_left_alone(other):
        import redis

        with redis.Redis.from_url(other.redis) as client:
            client.delete("handrail:tests")
            client.set("theirs", 1)
            other.give_back()
            try:
                beside = take_place(None, os.environ[REDIS])
                beside.leave()

                assert beside.redis != other.redis
                assert client.get("theirs") == b"1"
            finally:
                client.flushdb()
