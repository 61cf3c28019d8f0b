"""A witness over HTTP: one route, `POST /add-checkpoint`, as a plain ASGI app."""

from __future__ import annotations

from typing import Any

from handrail.approvals import FolderWitness

MOST_BYTES = 100_000
ROUTE = "/add-checkpoint"


def witness_app(witness: FolderWitness) -> Any:
    """Return the app of a witness."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, body, media_type = 404, b"There is only POST /add-checkpoint.\n", "text/plain; charset=utf-8"
        if (scope["method"], scope["path"]) == ("POST", ROUTE):
            content = await _body(receive)
            if content is None:
                status, body = 413, f"A submission has at most {MOST_BYTES:,} bytes.\n".encode()
            else:
                reply = witness.add_checkpoint(content)
                status, body, media_type = reply.status, reply.body, reply.media_type
        headers = [(b"content-type", media_type.encode("ascii")), (b"content-length", str(len(body)).encode("ascii"))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _body(receive: Any) -> bytes | None:
    """Read a request's body; None if it is too large."""
    content = b""
    while True:
        message = await receive()
        content += message.get("body", b"")
        if len(content) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return content
