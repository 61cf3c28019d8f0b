"""Whether the services that the test suite needs answer: PostgreSQL and Redis, at the addresses of the environment."""

from __future__ import annotations

import os
import sys

POSTGRES, REDIS = "HANDRAIL_TEST_POSTGRES_URL", "HANDRAIL_TEST_REDIS_URL"


def main() -> int:
    """Ask both; return 1 and say which one does not answer."""
    missing = [sentence for ask in (ask_postgresql, ask_redis) if (sentence := ask()) is not None]
    for sentence in missing:
        print(f"error: {sentence}", file=sys.stderr)
    return 1 if missing else 0


def ask_postgresql() -> str | None:
    """Return what is wrong with PostgreSQL, None if it answers."""
    import sqlalchemy as sa

    url = os.environ.get(POSTGRES)
    if not url:
        return f"{POSTGRES} is not set. Give a SQLAlchemy URL."
    engine = sa.create_engine(url, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            print(connection.execute(sa.text("select version()")).scalar_one().split(" on ")[0])
    except sa.exc.SQLAlchemyError as err:
        return f"PostgreSQL does not answer: {str(err).splitlines()[0]}. Start it, or set {POSTGRES}."
    finally:
        engine.dispose()
    return None


def ask_redis() -> str | None:
    """Return what is wrong with Redis, None if it answers."""
    import redis

    url = os.environ.get(REDIS)
    if not url:
        return f"{REDIS} is not set. Give a URL such as redis://127.0.0.1:6379/0."
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=10) as client:
            print("Redis", client.info("server")["redis_version"])
    except redis.RedisError as err:
        return f"Redis does not answer: {err}. Start it, or set {REDIS}."
    return None


if __name__ == "__main__":
    sys.exit(main())
