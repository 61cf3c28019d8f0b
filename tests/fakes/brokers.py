"""Real brokers of messages that run on this machine, one topic of its own a test."""

import asyncio
import os
import secrets

import redis

from handrail.acquisition.adapters.amqp_messages import AmqpMessages
from handrail.acquisition.adapters.mqtt_messages import MqttMessages
from handrail.acquisition.adapters.yaml_sources import Stream
from handrail.feedback.adapters.nats_stream import NatsStream
from handrail.feedback.adapters.redis_stream import RedisStream
from handrail.feedback.domain.messages import StreamAddress

BROKERS = {
    kind: os.environ[name]
    for kind in ("amqp", "mqtt", "nats", "redis")
    if os.environ.get(name := f"HANDRAIL_TEST_{kind.upper()}_URL")
}
"""What runs where: `.ci/run` gives the address of each broker that answers on this machine."""


class Broker:
    """One topic of its own: what sends to it, and opens a reader."""

    def __init__(self, kind):
        self.kind, self.url = kind, BROKERS[kind]
        self.topic = f"handrail-{secrets.token_hex(6)}"
        self.settings = Stream(url=self.url, topic=self.topic, group=self.topic, most=3)

    def open(self, again_after_s=0.5):
        if self.kind == "mqtt":
            return MqttMessages(self.settings, None)
        if self.kind == "amqp":
            return AmqpMessages(self.settings, "guest:guest")
        address = StreamAddress(self.url, self.topic, self.topic)
        return (NatsStream if self.kind == "nats" else RedisStream)(address, None, again_after_s)

    def make(self):
        getattr(self, f"_make_{self.kind}", lambda: None)()

    def send(self, *bodies):
        getattr(self, f"_send_{self.kind}")(bodies)

    def remove(self):
        getattr(self, f"_remove_{self.kind}", lambda: None)()

    def _make_mqtt(self):
        reader = self.open()
        reader.take(1, 0.0)
        reader.close()

    def _send_mqtt(self, bodies):
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        parts = self.url.partition("://")[2].partition(":")
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect(parts[0], int(parts[2]))
        client.loop_start()
        for body in bodies:
            client.publish(self.topic, body, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    async def _amqp(self, work):
        import aio_pika

        async with await aio_pika.connect(self.url.replace("//", "//guest:guest@", 1)) as connection:
            return await work(await connection.channel())

    def _make_amqp(self):
        asyncio.run(self._amqp(lambda channel: channel.declare_queue(self.topic, durable=True)))

    def _send_amqp(self, bodies):
        import aio_pika

        async def publish(channel):
            for body in bodies:
                message = aio_pika.Message(body, message_id=secrets.token_hex(8))
                await channel.default_exchange.publish(message, self.topic)

        asyncio.run(self._amqp(publish))

    def _remove_amqp(self):
        asyncio.run(self._amqp(lambda channel: channel.queue_delete(self.topic)))

    async def _nats(self, work):
        import nats

        client = await nats.connect(self.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    def _make_nats(self):
        asyncio.run(self._nats(lambda stream: stream.add_stream(name=self.topic, subjects=[f"{self.topic}.>"])))

    def _send_nats(self, bodies):
        async def publish(stream):
            for body in bodies:
                await stream.publish(f"{self.topic}.x", body)

        asyncio.run(self._nats(publish))

    def _remove_nats(self):
        asyncio.run(self._nats(lambda stream: stream.delete_stream(self.topic)))

    def _send_redis(self, bodies):
        with redis.Redis.from_url(self.url) as client:
            for body in bodies:
                client.xadd(self.topic, {"body": body})

    def _remove_redis(self):
        with redis.Redis.from_url(self.url) as client:
            client.delete(self.topic)
