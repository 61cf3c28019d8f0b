"""A place of its own for each process that runs tests: one PostgreSQL database and one Redis database.

Places are numbered, and so are the databases of Redis. Locks on files, which the system releases with the process, say
which numbers are taken, so that workers of one run and runs beside each other never meet. What a killed run left in a
place, the next one removes.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

import sqlalchemy as sa

POSTGRES, REDIS = "HANDRAIL_TEST_POSTGRES_URL", "HANDRAIL_TEST_REDIS_URL"
OWN = "_tests_"
"""What a process's PostgreSQL database has in its name, so that none which a person made is dropped."""
OURS = "handrail:tests"
"""A key that marks a Redis database as one that tests may empty."""


@dataclass(frozen=True, slots=True)
class Place:
    """A number that this process holds, and the databases that belong to it; None where the environment names none."""

    number: int
    locks: tuple[IO[str], ...]
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
        self.give_back()

    def give_back(self) -> None:
        """Release the locks, as the end of this process would."""
        for lock in self.locks:
            lock.close()


def take_place(postgres: str | None, redis: str | None) -> Place:
    """Take the first free number, and make its databases beside those that the two URLs name."""
    number, lock = next(_free("", count()))
    own_redis, *more = _own_redis(redis) if redis else (None,)
    return Place(number, (lock, *more), _own_postgres(postgres, number) if postgres else None, own_redis)


def _free(what: str, numbers: Iterable[int]) -> Iterator[tuple[int, IO[str]]]:
    """Yield, locked, each number that no other process holds."""
    for number in numbers:
        lock = (Path(tempfile.gettempdir()) / f"handrail-tests-{os.getuid()}-{what}{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        yield number, lock


def _own_postgres(url: str, number: int) -> str:
    given = sa.make_url(url)
    own = given.set(database=f"{given.database}{OWN}{number}")
    _drop(own)
    _on_server(own, f'create database "{own.database}"')
    # Waiting for the disk would protect from a crash of the server alone, which no test brings about.
    _on_server(own, f'alter database "{own.database}" set synchronous_commit = off')
    return own.render_as_string(hide_password=False)


def _drop(own: sa.URL) -> None:
    _on_server(own, f'drop database if exists "{own.database}" with (force)')


def _on_server(own: sa.URL, statement: str) -> None:
    given = own.set(database=str(own.database).rpartition(OWN)[0])
    engine = sa.create_engine(given, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


def _own_redis(url: str) -> tuple[str, IO[str]]:
    """Return an emptied database's URL, with its lock: the given one or one after it, where nobody else keeps keys."""
    import redis

    with closing(redis.Redis.from_url(url)) as client:
        databases = int(client.config_get("databases")["databases"])
    first = int(redis.connection.parse_url(url).get("db", 0))
    for number, lock in _free("redis-", ((first + step) % databases for step in range(databases))):
        own = f"{url.rsplit('/', 1)[0]}/{number}"
        with closing(redis.Redis.from_url(own)) as client:
            if not client.dbsize() or client.exists(OURS):
                client.flushdb()
                client.set(OURS, os.getpid())
                return own, lock
        lock.close()
    raise AssertionError(f"Redis at {url!r} has no free database. Let other runs end, or empty one.")


def _empty(url: str) -> None:
    import redis

    with suppress(redis.ConnectionError), closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
