"""`handrail serve`: lineage over HTTP."""

from __future__ import annotations

import socket
from contextlib import closing

from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import messages
from handrail.errors import Unavailable
from handrail.settings import Settings
from handrail.tools import require

GRACE_S = 10


def serve() -> None:
    """Take OpenLineage events and answer questions at `ports.lineage`, until Ctrl-C."""
    require("uvicorn", "server")
    import uvicorn

    from handrail.bootstrap.lineage_events import open_access
    from handrail.entrypoints.http.lineage import lineage_app

    with open_to_record() as platform, closing(_listen(platform.settings)) as listener:
        app = lineage_app(platform)
        if not open_access(platform.store).tokens():
            messages.print("Nobody has a token yet. Make one: handrail lineage token create <name>")
        messages.print(f"Lineage at http://{platform.settings.host}:{listener.getsockname()[1]}/api/v1/lineage")
        # What a proxy says about a caller is read by the app, which knows the proxies; uvicorn would believe any here.
        config = uvicorn.Config(
            app, log_level="warning", timeout_graceful_shutdown=GRACE_S, server_header=False, proxy_headers=False
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    port = settings.ports.lineage
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, port))
    except OSError as err:
        listener.close()
        raise Unavailable(
            f"Port {port} on {settings.host}",
            (err.strerror or "it is taken").lower(),
            "Choose another: HANDRAIL_PORTS__LINEAGE=17878, or ports.lineage in config/handrail.yaml.",
        ) from err
    return listener
