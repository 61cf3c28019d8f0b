"""Whether a deployment reached the running service: what is asked over HTTP, and what is said."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.steps.release.serving import asker, await_bento
from handrail.refs import BentoTag

NEW = BentoTag("flights", "new")


@pytest.fixture
def service():
    """A service whose bento is `versions`, one after another, and which is ready with status `ready`."""

    class Service(BaseHTTPRequestHandler):
        versions = ["old"]
        ready = 200
        says: dict[str, object] | None = None

        def do_GET(self):
            if self.path == "/serving":
                return self.answer(404 if Service.says is None else 200, Service.says)
            version = Service.versions[0] if len(Service.versions) == 1 else Service.versions.pop(0)
            status = Service.ready if self.path == "/readyz" else 200 if version else 503
            return self.answer(status, {"info": {"title": "Flights", "version": version}})

        def answer(self, status, body):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Service.url = f"http://127.0.0.1:{server.server_port}"
        yield Service
        server.shutdown()


def test_a_service_that_follows_is_waited_for_through_its_restart(service):
    service.versions = ["old", "old", None, "new"]

    found = await_bento(service.url, NEW, 30)

    assert (found.answers, found.sentence) == (True, f"{service.url} answers with flights:new.")


def test_a_service_that_does_not_follow_is_named_with_what_to_do(service):
    found = await_bento(service.url, NEW, 0)

    assert not found.answers
    assert "still serves version old" in found.sentence
    assert "bentoml serve flights:new" in found.sentence


def test_a_service_that_is_not_ready_does_not_count(service):
    service.versions, service.ready = ["new"], 503

    found = await_bento(service.url, NEW, 0)

    assert not found.answers
    assert "is not ready" in found.sentence


def test_a_service_that_ends_meanwhile_is_said_to_have_ended(service):
    service.versions = ["old", None]

    found = await_bento(service.url, NEW, 1)

    assert not found.answers
    assert "ended or does not start" in found.sentence


def test_where_no_service_runs_the_sentence_says_how_to_start_one(service):
    service.versions = [None]

    found = await_bento(service.url, NEW, 30)

    assert not found.answers
    assert found.sentence.endswith(f"no service answers at {service.url}. Start it: make up.")


def test_a_service_that_follows_the_slot_is_believed_what_it_says_and_not_what_it_was_started_with(service):
    service.says = {"deployment": "deploy://local/flights/new", "not_served": None}

    found = await_bento(service.url, NEW, 0)

    assert (found.answers, found.sentence) == (True, f"{service.url} answers with flights:new.")


def test_a_service_that_may_not_serve_it_is_not_waited_for_and_its_reason_is_given(service):
    reason = "deploy://local/flights/new is deployed and not served: 'MLmodel' differs."
    refused = {"deployment": "deploy://local/flights/new", "reason": reason}
    service.says = {"deployment": "deploy://local/flights/old", "not_served": refused}

    found = await_bento(service.url, NEW, 300)

    assert (found.answers, found.sentence) == (False, reason)


def test_asking_again_makes_no_new_client():
    assert asker() is asker()
