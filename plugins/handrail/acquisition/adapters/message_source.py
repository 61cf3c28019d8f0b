"""Readings that come over a broker, a JSON object a message: at least once, with the effect of exactly once."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urlsplit

from handrail.acquisition.adapters.yaml_sources import Stream
from handrail.acquisition.domain.messages import Message
from handrail.acquisition.domain.pages import Page, Position
from handrail.acquisition.ports import Messages, Source

WAIT_S = 1.0
"""A run ends once nothing came for so long."""


class MessageSource(Source):
    """A topic, as pages of messages. The broker keeps how far it was read: a page is acknowledged once it is kept."""

    def __init__(self, settings: Stream, messages: Messages, wait_s: float = WAIT_S) -> None:
        self._settings, self._messages, self._wait_s = settings, messages, wait_s
        self._held: Page | None = None

    @property
    def name(self) -> str:
        """The broker without user and password, and the topic."""
        parts = urlsplit(self._settings.url)
        host = parts.hostname or ""
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/{self._settings.topic}"

    def pages(self, since: Position | None) -> Generator[Page, None, None]:  # noqa: ARG002 - the broker keeps it
        """Take messages until none comes. No more is taken than one page, before that is kept.

        A broker does not send again what was not acknowledged while it is connected, so that page is held here.
        """
        if self._held is not None:
            yield self._held
        while taken := self._messages.take(self._settings.most, self._wait_s):
            rows: list[Mapping[str, Any]] = []
            broken: list[tuple[str, str]] = []
            places: list[str] = []
            for message in taken:
                row, problem = _reading(message)
                if row is None:
                    broken.append((message.content.decode("utf-8", "backslashreplace"), problem))
                    continue
                rows.append(row)
                places.append(message.place)
            self._held = Page(rows, None, broken, places, taken)
            yield self._held

    def confirm(self, page: Page) -> None:
        """Acknowledge the messages of a page, those that were set aside too; what that fails for comes again."""
        self._held = None
        if page.handle:
            self._messages.acknowledge(page.handle)

    def close(self) -> None:
        """Leave the broker."""
        self._messages.close()


def _reading(message: Message) -> tuple[Mapping[str, Any] | None, str]:
    try:
        found = json.loads(message.content)
    except (ValueError, RecursionError) as err:
        return None, f"is no JSON: {err}"
    return (found, "") if isinstance(found, dict) else (None, "is no object")
