"""Rows of Feast's Redis online store: all that a request needs in one round trip."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _mmh3
from feast.infra.online_stores.redis import RedisOnlineStore
from google.protobuf.timestamp_pb2 import Timestamp
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from handrail.entrypoints.feast.online.plan import Key, Stored
from handrail.entrypoints.feast.online.rows import Row, Rows, Wanted, row_of
from handrail.errors import Unavailable

MOST_KEPT = 100_000
REMEDY = "Start it, or correct the setting online.url; until then the features count as unknown."


class RedisRows:
    """Reads through a client of its own, which gives up after the time limit and tries nothing for longer."""

    def __init__(self, store: Any, within_s: float) -> None:
        """Read from the server that the configuration of `store` names, which has so many seconds to answer."""
        self._config = store.config
        self._project = str(store.config.project).encode()
        self._encoded: dict[tuple[tuple[str, ...], Key], bytes] = {}
        (place, *_), options = RedisOnlineStore._parse_connection_string(store.config.online_store.connection_string)
        # A connection that the server closed while nothing was asked is made again, once.
        again = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        limits = {"socket_timeout": within_s, "socket_connect_timeout": within_s, "retry": again}
        self._client = Redis(**{**options, **place, **limits})

    def read(self, wanted: Wanted) -> Rows:
        """Return the newest rows."""
        keys = [(stored, list(dict.fromkeys(of))) for stored, of in wanted]
        # Views of one entity share a hash.
        fields: dict[bytes, list[Any]] = defaultdict(list)
        places: list[tuple[Stored, Key, bytes, int]] = []
        for stored, each in keys:
            names = self._fields(stored)
            for key in each:
                at = self._at(stored, key)
                places.append((stored, key, at, len(fields[at])))
                fields[at] += names
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for at, names in fields.items():
                    pipe.hmget(at, names)
                answers = dict(zip(fields, pipe.execute(), strict=True))
        except RedisTimeoutError as err:
            raise TimeoutError(f"the online feature store did not answer: {err}") from err
        except (RedisError, OSError) as err:
            raise Unavailable("The online feature store", str(err), REMEDY) from err
        found: dict[str, dict[Key, Row | None]] = {stored.name: {} for stored, _ in keys}
        for stored, key, at, start in places:
            values = answers[at][start : start + len(stored.features) + 1]
            found[stored.name][key] = _row(stored, values)
        return found

    def _at(self, stored: Stored, key: Key) -> bytes:
        place = (stored.keys, key)
        if place not in self._encoded:
            if len(self._encoded) > MOST_KEPT:
                self._encoded.clear()
            version = self._config.entity_key_serialization_version
            self._encoded[place] = bytes(serialize_entity_key(stored.entity_key(key), version)) + self._project
        return self._encoded[place]

    def _fields(self, stored: Stored) -> list[bytes | str]:
        return [*(_mmh3(f"{stored.name}:{name}") for name in stored.features), f"_ts:{stored.name}"]


def _row(stored: Stored, values: list[bytes | None]) -> Row | None:
    *features, moment = values
    if moment is None:
        return None
    known = Timestamp.FromString(moment)
    held = dict(zip(stored.features, features, strict=True))
    return row_of(stored, known.seconds + known.nanos / 1e9, held)
