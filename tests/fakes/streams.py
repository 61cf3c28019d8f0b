"""Brokers of messages: one in memory, a real Redis, and a NATS server that tests start and stop."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from handrail.errors import Unavailable
from handrail.feedback.domain.messages import Message, StreamAddress
from handrail.feedback.stream_ports import MessageStream, StreamWriter
from tests.fakes.lost_connection import Gate

REDIS = os.environ.get("HANDRAIL_TEST_REDIS_URL", "")
NATS_SERVER = Path(sys.executable).with_name("nats-server")
DEADLINE_S = 60
AGAIN_AFTER_S = 1.0
"""When what a consumer took comes again."""


def until(condition, what="the condition"):
    """Return what `condition` returns once it is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} never came true"
        threading.Event().wait(0.02)
    return found


class MemoryBroker:
    """A broker whose streams are lists."""

    url = "memory://"

    def __init__(self):
        self.sent, self.held, self.done = [], {}, set()
        self.is_there = True

    def send(self, body, headers=None):
        self.sent.append(Message(str(len(self.sent) + 1), f"h{len(self.sent) + 1}", body, dict(headers or {})))

    def consumer(self, name="outcomes"):
        return StreamInMemory(self)

    def writer(self):
        return WriterInMemory(self)

    def stop(self):
        self.is_there = False

    def start(self):
        self.is_there = True

    def close(self):
        pass


class WriterInMemory(StreamWriter):
    """Writes into the only stream there is."""

    def __init__(self, broker):
        self._broker = broker

    def write(self, bodies, headers):
        if not self._broker.is_there:
            raise Unavailable("memory://", "it was stopped", "Start it.")
        for body in bodies:
            self._broker.send(body, headers)

    def close(self):
        pass


class StreamInMemory(MessageStream):
    """A consumer of the only group there is."""

    def __init__(self, broker):
        self._broker = broker

    def take(self, most, wait_s):
        self._ask()
        broker, now = self._broker, time.monotonic()
        free = [
            each
            for each in broker.sent
            if each.handle not in broker.done and broker.held.get(each.handle, 0) < now - AGAIN_AFTER_S
        ][:most]
        broker.held |= {each.handle: now for each in free}
        return free

    def acknowledge(self, messages):
        self._ask()
        self._broker.done |= {each.handle for each in messages}

    def close(self):
        pass

    def _ask(self):
        if not self._broker.is_there:
            raise Unavailable("memory://", "it was stopped", "Start it.")


class RedisBroker:
    """The Redis of the environment behind a gate, with a stream of its own."""

    def __init__(self):
        import redis

        parts = redis.connection.parse_url(REDIS)
        self._gate = Gate(parts.get("host", "127.0.0.1"), parts.get("port", 6379))
        self.url = f"redis://127.0.0.1:{self._gate.port}/{parts.get('db', 0)}"
        self.client = redis.Redis.from_url(REDIS)
        self.name = f"outcomes-{secrets.token_hex(4)}"

    def send(self, body, headers=None):
        self.client.xadd(self.name, {"body": body, **(headers or {})})

    def send_all(self, bodies):
        for body in bodies:
            self.send(body)

    def consumer(self):
        from handrail.feedback.adapters.redis_stream import RedisStream

        return RedisStream(StreamAddress(self.url, self.name), None, AGAIN_AFTER_S)

    def writer(self):
        from handrail.feedback.adapters.redis_stream import RedisWriter

        return RedisWriter(StreamAddress(self.url, self.name), None)

    def unacknowledged(self):
        return self.client.xpending(self.name, "handrail")["pending"]

    def stop(self):
        self._gate.shut()

    def start(self):
        self._gate.open()

    def close(self):
        self.client.delete(self.name)
        self.client.close()
        self._gate.close()


class NatsBroker:
    """A NATS server of our own that keeps its streams in a folder."""

    name = "outcomes"

    def __init__(self, folder, login=""):
        with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
            port, self._monitor = free.getsockname()[1], other.getsockname()[1]
        self.url = f"nats://127.0.0.1:{port}"
        self._config = folder / "nats.conf"
        store = folder / "streams"
        listen = f'listen: "127.0.0.1:{port}"\nhttp: "127.0.0.1:{self._monitor}"'
        self._config.write_text(f'{listen}\njetstream {{ store_dir: "{store}" }}\n{login}\n')
        self._process: subprocess.Popen[bytes]
        self.start()

    def start(self):
        command = [NATS_SERVER, "-c", self._config]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._is_ready, "the NATS server")

    def make_stream(self):
        async def make(jetstream):
            await jetstream.add_stream(name=self.name, subjects=[f"{self.name}.>"])

        self.run(make)

    def stop(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(DEADLINE_S)

    def send(self, body, headers=None):
        self.send_all([body], headers)

    def send_all(self, bodies, headers=None):
        async def publish(jetstream):
            for body in bodies:
                await jetstream.publish(f"{self.name}.a", body, headers=headers)

        self.run(publish)

    def unacknowledged(self):
        async def look(jetstream):
            info = await jetstream.consumer_info(self.name, "handrail")
            return info.num_pending + info.num_ack_pending

        return self.run(look)

    def consumer(self):
        from handrail.feedback.adapters.nats_stream import NatsStream

        return NatsStream(StreamAddress(self.url, self.name), None, AGAIN_AFTER_S)

    def writer(self):
        from handrail.feedback.adapters.nats_stream import NatsWriter

        return NatsWriter(StreamAddress(self.url, self.name), None)

    def close(self):
        self.stop()

    def run(self, work):
        import nats

        async def connected():
            client = await nats.connect(self.url)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())

    def _is_ready(self):
        """Whether the server answers over HTTP that its JetStream is ready; it listens before that."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/healthz?js-enabled-only=true") as answer:
                return answer.status == HTTPStatus.OK
        except OSError:
            return False


@contextmanager
def a_broker(kind, folder):
    """Lend a broker with a stream."""
    broker: Any = NatsBroker(folder) if kind == "nats" else RedisBroker() if kind == "redis" else MemoryBroker()
    if kind == "nats":
        broker.make_stream()
    with closing(broker):
        yield broker


REAL = (*(("redis",) if REDIS else ()), *(("nats",) if NATS_SERVER.is_file() else ()))
"""The brokers that are on this machine."""
