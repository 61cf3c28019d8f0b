"""`handrail approvals witness`: cosigns the checkpoints of logs that only grow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap.approvals_log import open_witness
from handrail.entrypoints.cli.output import messages
from handrail.tools import require

EXAMPLE = "Example: handrail approvals witness --key witness.pem --name example.com/w1 --state witness/ --log log.vkey"


def witness(  # noqa: PLR0913 - one argument for each option of the command
    key: Annotated[Path, typer.Option(help="The witness's private key; made at its first use.")],
    name: Annotated[str, typer.Option(help="Its name, a URL without a scheme.")],
    state: Annotated[Path, typer.Option(help="Folder of the last checkpoint of each log, and of the public key.")],
    log: Annotated[list[Path], typer.Option(help="The public key of a log that it cosigns; repeat for more.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7890,
) -> None:
    """Cosign checkpoints over HTTP until Ctrl-C. Run it where those who run the gate's server cannot write."""
    require("uvicorn", "server")
    import uvicorn

    from handrail.entrypoints.http.witness import witness_app

    opened = open_witness(key, name, state, log)
    messages.print(f"The witness {name} listens at http://{host}:{port}. Its key: {state / 'witness.vkey'}")
    uvicorn.run(witness_app(opened), host=host, port=port, log_level="warning", server_header=False)
