"""Which pages may call the gate with a browser's own login: those of this server, and those that it names."""

from __future__ import annotations

from urllib.parse import urlparse

from flask import request
from mlflow.server.security_utils import (
    get_allowed_hosts_from_env,
    get_allowed_origins_from_env,
    get_default_allowed_hosts,
    is_allowed_host_header,
)

from handrail.errors import Refused


def refuse_foreign_pages() -> None:
    """Let a request pass unless the page of another site sent it, or it names this server by a name it does not have.

    Raises:
        Refused: the header `Host` or `Origin` is not one that this server answers.
    """
    host = request.headers.get("Host", "")
    if not is_allowed_host_header(get_allowed_hosts_from_env() or get_default_allowed_hosts(), host):
        remedy = "Use the server's own address, or let its operator name this one in MLFLOW_SERVER_ALLOWED_HOSTS."
        raise Refused(f"A request to the host {host!r}", (remedy,))
    origin = request.headers.get("Origin")
    foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and request.method != "GET"
    if origin in (get_allowed_origins_from_env() or []):
        return
    if foreign or (origin is not None and urlparse(origin).netloc != host):
        remedy = "Send it from this server's own pages, or let its operator name the other in"
        raise Refused(f"A request from a page of {origin!r}", (f"{remedy} MLFLOW_SERVER_CORS_ALLOWED_ORIGINS.",))
