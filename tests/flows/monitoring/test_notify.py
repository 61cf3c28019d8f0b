"""Alerts reach people once, by whatever Apprise can address, and no address shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from flows.steps.monitoring.notify import notify
from handrail.settings import Settings


class Webhook(ThreadingHTTPServer):
    """A webhook that keeps what it was sent, and refuses while `status` says so."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def url(self) -> str:
        return f"json://someone:s3cret-word@127.0.0.1:{self.server_port}/hook"


class _Taking(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.sent.append(body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def settings_of(home: Path, *urls: str) -> Settings:
    return Settings(project=home, home=home, notify_urls=SecretStr(" ".join(urls)) if urls else None)


def record(**changes: Any) -> dict[str, Any]:
    check = {"figure": "evidence of drift in temp", "holds": False}
    finding = {"kind": "drift", "state": "alert", "checks": [check], "reasons": ["temp moved.", "It costs 0.04."]}
    about = {"model": "flights", "month": "2013-09", "as_of": "2013-10-02", "deployment": "deploy://local/flights/v1"}
    return about | {"snapshot": "sha256:a", "findings": [finding | changes]}


def test_an_alert_is_sent_once_however_often_the_flow_runs(tmp_path: Path, webhook: Webhook) -> None:
    settings = settings_of(tmp_path, webhook.url)

    first, second = notify(settings, record()), notify(settings, record(reasons=["temp moved a little more."]))

    (sent,) = webhook.sent
    assert "temp moved.\nIt costs 0.04." in sent["message"]
    assert sent["title"] == "flights, 2013-09: drift"
    assert (len(first), second) == (1, [])


def test_another_alert_is_sent_and_information_is_not(tmp_path: Path, webhook: Webhook) -> None:
    settings = settings_of(tmp_path, webhook.url)

    notify(settings, record())
    notify(settings, record(checks=[{"figure": "evidence of drift in visib", "holds": False}]))
    notify(settings, record(state="information", kind="other"))
    notify(settings, record(state="ok", kind="other"))

    assert len(webhook.sent) == 2


def test_what_was_not_taken_is_sent_by_the_next_run(tmp_path: Path, webhook: Webhook) -> None:
    settings, webhook.status = settings_of(tmp_path, webhook.url), 500

    failed = notify(settings, record())
    webhook.status = 200
    sent = notify(settings, record())

    assert "was not taken. The next run" in failed[0]
    assert (len(sent), len(webhook.sent)) == (1, 1)


def test_one_address_that_fails_keeps_no_other_from_it(tmp_path: Path, webhook: Webhook) -> None:
    settings = settings_of(tmp_path, "nothing-known://x:s3cret-word@host", webhook.url)

    said = notify(settings, record())

    assert ["not sent" in each for each in said] == [True, False]
    assert len(webhook.sent) == 1


def test_no_address_shows_in_a_sentence_a_log_a_mark_or_a_setting(
    tmp_path: Path, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    settings = settings_of(tmp_path, webhook.url, "nothing-known://x:s3cret-word@host")

    said = notify(settings, record())

    kept = "".join(file.read_text(encoding="utf-8") for file in tmp_path.rglob("*") if file.is_file())
    assert "s3cret-word" not in " ".join(said) + kept + repr(settings) + caplog.text


def test_without_an_address_nobody_is_notified(tmp_path: Path) -> None:
    assert notify(settings_of(tmp_path), record()) == []
