"""The runtime API of AWS Lambda over real HTTP: whoever asks for the next invocation gets what a test sent."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

PREFIX = "/2018-06-01/runtime/"
PATIENCE_S = 60.0


class FunctionRuntime:
    """Serves `invocation/next`, `invocation/<id>/response`, `invocation/<id>/error` and `init/error` on a free port."""

    def __init__(self) -> None:
        """Listen; nothing is answered before the context is entered."""
        self.waiting: Queue[tuple[str, bytes]] = Queue()
        self.said: Queue[tuple[str, str, Any]] = Queue()
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != PREFIX + "invocation/next":
                    self._send(404, b"", {})
                    return
                name, event = runtime.waiting.get()
                self._send(200, event, {"Lambda-Runtime-Aws-Request-Id": name, "Lambda-Runtime-Deadline-Ms": "9" * 13})

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                *name, what = self.path.removeprefix(PREFIX).split("/")[1:]
                runtime.said.put((what, "".join(name), json.loads(content)))
                self._send(202, b"{}", {})

            def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for key, value in (
                    {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
                ).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def invoke(self, event: Any) -> Any:
        """Send an event and return the answer.

        Raises:
            AssertionError: the function answered with an error, or not in time.
        """
        name = str(uuid4())
        self.waiting.put((name, json.dumps(event).encode()))
        try:
            what, answered, content = self.said.get(timeout=PATIENCE_S)
        except Empty:
            raise AssertionError("nothing was answered") from None
        assert (what, answered) == ("response", name), content
        return content

    def __enter__(self) -> Self:
        """Answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def http_event(body: str, method: str = "POST", **changes: Any) -> dict[str, Any]:
    """Return an event as API Gateway sends it, payload format 2.0."""
    about = {"http": {"method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"}}
    event = {"version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {}}
    return event | {"requestContext": about, "body": body, "isBase64Encoded": False} | changes
