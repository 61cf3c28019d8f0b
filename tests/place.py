"""A place of its own for each process that runs tests: one PostgreSQL database and one Redis database.

Places are numbered. A lock on a file, which the system releases with the process, says which numbers are taken, so
that workers of one run and runs beside each other never meet. What a killed run left in a place, the next one removes.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

import sqlalchemy as sa

POSTGRES, REDIS = "HANDRAIL_TEST_POSTGRES_URL", "HANDRAIL_TEST_REDIS_URL"
OURS = "handrail:tests"
"""A key that marks a Redis database as one that tests may empty."""


@dataclass(frozen=True, slots=True)
class Place:
    """A number that this process holds, and the databases that belong to it; None where the environment names none."""

    number: int
    lock: IO[str]
    postgres: str | None
    redis: str | None

    def environment(self) -> dict[str, str]:
        """Return the variables by which tests find the databases."""
        return {name: url for name, url in ((POSTGRES, self.postgres), (REDIS, self.redis)) if url}

    def leave(self) -> None:
        """Drop the databases and give the number back."""
        if self.postgres:
            _drop(sa.make_url(self.postgres))
        if self.redis:
            _empty(self.redis)
        self.lock.close()


def take_place(postgres: str | None, redis: str | None) -> Place:
    """Take the first free number, and make its databases beside those that the two URLs name."""
    for number, lock in _free_numbers():
        own_redis = _own_redis(redis, number) if redis else None
        if redis and own_redis is None:
            lock.close()
            continue
        return Place(number, lock, _own_postgres(postgres, number) if postgres else None, own_redis)
    raise AssertionError


def _free_numbers() -> Iterator[tuple[int, IO[str]]]:
    for number in count():
        lock = (Path(tempfile.gettempdir()) / f"handrail-tests-{os.getuid()}-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        yield number, lock


def _own_postgres(url: str, number: int) -> str:
    given = sa.make_url(url)
    own = given.set(database=f"{given.database}_{number}")
    _drop(own)
    _on_server(own, f'create database "{own.database}"')
    return own.render_as_string(hide_password=False)


def _drop(own: sa.URL) -> None:
    _on_server(own, f'drop database if exists "{own.database}" with (force)')


def _on_server(own: sa.URL, statement: str) -> None:
    given = own.set(database=str(own.database).rpartition("_")[0])
    engine = sa.create_engine(given, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


def _own_redis(url: str, number: int) -> str | None:
    """Return the URL of the database so many after the given one, emptied; None if somebody else keeps keys there."""
    import redis

    first = int(redis.connection.parse_url(url).get("db", 0))
    own = f"{url.rsplit('/', 1)[0]}/{first + number}"
    with closing(redis.Redis.from_url(own)) as client:
        try:
            if client.dbsize() and not client.exists(OURS):
                return None
        except redis.ResponseError as err:
            raise AssertionError(f"Redis has no free database after {url!r}. Name a smaller number.") from err
        client.flushdb()
        client.set(OURS, number)
    return own


def _empty(url: str) -> None:
    import redis

    with suppress(redis.ConnectionError), closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
