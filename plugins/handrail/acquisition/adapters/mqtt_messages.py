"""MQTT 5 with a session that the broker keeps: readings with QoS 1 or 2, acknowledged once they are on the disk."""

from __future__ import annotations

import hashlib
import queue
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from handrail.acquisition.adapters.yaml_sources import Stream
from handrail.acquisition.ports import Messages
from handrail.errors import Misconfigured, Unavailable

CONNECT_S = 5.0
SESSION_S = 7 * 24 * 3600
"""For so long the broker keeps what comes while nobody reads."""
NO_ENTRY = (134, 135, 138, 140)


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message; MQTT has no name for it that stays, so that a table needs a key that says which reading it is."""

    content: bytes
    mid: int
    qos: int
    session: int
    place: str = ""


class MqttMessages(Messages):
    """A subscription with QoS 1 under a client id of group and topic. One client alone can have it at a time."""

    def __init__(self, settings: Stream, credentials: str | None) -> None:
        """Connect at the first use."""
        self._settings, self._credentials = settings, credentials
        self._client: mqtt.Client | None = None
        self._session = 0
        self._came: queue.Queue[MqttMessage] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    def take(self, most: int, wait_s: float) -> Sequence[MqttMessage]:
        """Return what came meanwhile; the broker sends no more than `most` that are not acknowledged."""
        self._connected(most)
        taken: list[MqttMessage] = []
        until = time.monotonic() + wait_s
        while len(taken) < most:
            try:
                left = until - time.monotonic()
                taken.append(self._came.get_nowait() if taken or left <= 0 else self._came.get(timeout=left))
            except queue.Empty:
                break
        if not taken and self._client is not None and not self._client.is_connected():
            self._lost("the connection broke")
        return taken

    def acknowledge(self, messages: Sequence[MqttMessage]) -> None:
        """Acknowledge in the order in which they came. What came over an earlier connection comes again anyway."""
        if self._client is None or not self._client.is_connected():
            self._lost("the connection broke")
        for message in messages:
            if message.session == self._session and message.qos and self._client is not None:
                self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """End the connection; the session stays at the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _connected(self, most: int) -> None:
        if self._client is not None and self._client.is_connected():
            return
        self.close()
        self._session += 1
        # What came and was not acknowledged comes again.
        self._came, self._answers = queue.Queue(), queue.Queue()
        self._client = self._connect(most)
        code, _ = self._client.subscribe(self._settings.topic, qos=1)
        granted = self._answer("subscribed") if code == mqtt.MQTT_ERR_SUCCESS else [code]
        if any(getattr(each, "is_failure", False) for each in granted):
            problem = f"the topic {self._settings.topic} is refused ({granted[0]})"
            raise Misconfigured(self._settings.url, problem, "Let this user subscribe to it.")

    def _connect(self, most: int) -> mqtt.Client:
        parts = urlsplit(self._settings.url)
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id(self._settings),
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        user, _, password = (self._credentials or "").partition(":")
        if user:
            client.username_pw_set(user, password or None)
        if parts.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        session, came, answers = self._session, self._came, self._answers
        ours = _filter(self._settings.topic)

        def keep(_client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
            # Of a program that has the same client id: not acknowledged, it comes to that one again.
            if mqtt.topic_matches_sub(ours, message.topic):
                came.put(MqttMessage(bytes(message.payload), message.mid, message.qos, session))

        client.on_message = keep
        client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(("connected", reason))
        client.on_subscribe = lambda _c, _u, _m, reasons, _p: answers.put(("subscribed", reasons))
        wanted: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval, wanted.ReceiveMaximum = SESSION_S, min(most, 65_535)
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        try:
            client.connect(parts.hostname or "localhost", port, clean_start=False, properties=wanted)
        except (OSError, ValueError) as err:
            raise Unavailable(self._settings.url, f"MQTT does not answer ({err})", "Start it or correct it.") from err
        client.loop_start()
        self._client = client
        reason = self._answer("connected")
        if reason.is_failure:
            self.close()
            if reason.value in NO_ENTRY:
                raise Misconfigured(self._settings.url, f"MQTT does not let us in ({reason})", "Correct the login.")
            raise Unavailable(self._settings.url, f"MQTT refuses ({reason})", "See what its log says.")
        return client

    def _answer(self, wanted: str) -> Any:
        until = time.monotonic() + CONNECT_S
        while True:
            try:
                kind, said = self._answers.get(timeout=max(until - time.monotonic(), 0.001))
            except queue.Empty:
                self._lost("no answer came")
            if kind == wanted:
                return said

    def _lost(self, why: str) -> None:
        self.close()
        raise Unavailable(self._settings.url, f"MQTT does not answer ({why})", "Start it, and run this again.")


def client_id(settings: Stream) -> str:
    """Return the name of the session: each topic has one of its own, so that no reader takes what another waits for."""
    return f"{settings.group}-{hashlib.sha256(settings.topic.encode()).hexdigest()[:12]}"


def _filter(topic: str) -> str:
    """Return the topics that are meant, without the name of a subscription that several clients share."""
    return topic.split("/", 2)[2] if topic.startswith("$share/") and topic.count("/") >= 2 else topic
