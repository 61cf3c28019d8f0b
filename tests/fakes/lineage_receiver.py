"""A receiver of OpenLineage events that remembers what came, and can be set to answer badly; a transport likewise."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from handrail.errors import Refused, Unavailable
from handrail.lineage.ports import Transport


class Receiver:
    """What a receiver was sent, in order; `answers` are the next statuses, then always 201."""

    def __init__(self):
        self.events = []
        self.tokens = set()
        self.answers = []
        self.arrived = threading.Condition()

    def take(self, body, token):
        with self.arrived:
            status = self.answers.pop(0) if self.answers else 201
            if status == 201:
                self.events.append(json.loads(body))
            self.tokens.add(token)
            self.arrived.notify_all()
            return status

    def wait_for(self, count, deadline_s=60):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.events) >= count, deadline_s), f"{len(self.events)} came"


@contextmanager
def receiving(port=0):
    """Serve a receiver; yield it and its URL."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take(body, self.headers.get("authorization")))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_address[1]}/api/v1/lineage"
    finally:
        server.shutdown()
        server.server_close()


class TransportInMemory(Transport):
    """Takes events; those in `never` are refused, and after `then_gone` events nobody is there."""

    def __init__(self, never=(), then_gone=None):
        self.never = set(never)
        self.then_gone = then_gone
        self.taken = []
        self.closed = False

    def send(self, event):
        assert not self.closed, "nothing is sent after the end"
        if self.then_gone is not None and len(self.taken) >= self.then_gone:
            raise Unavailable("receiver", "it is gone", "It is tried again.")
        if event.event_id in self.never:
            raise Refused("The event", ("It is not liked.",))
        self.taken.append(event.event_id)

    def close(self):
        self.closed = True
