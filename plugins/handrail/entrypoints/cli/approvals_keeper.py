"""`handrail approvals keeper`: ledger and keys in a process of their own, and a server beside it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from handrail.entrypoints.cli.output import messages
from handrail.errors import Misconfigured
from handrail.settings import Settings, load_settings

if TYPE_CHECKING:
    from handrail.bootstrap.approvals_keeper import KeeperProcess, SystemUser

EXAMPLE = (
    "Example: handrail approvals keeper --user handrail --server-user mlflow -- "
    "mlflow server --app-name handrail --workers 1 ..."
)
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def keeper(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="The server to start beside the keeper, after '--'; none: the keeper alone."),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Who keeps ledger and keys: a name or 990:990. Default: approvals_user.")
    ] = None,
    server_user: Annotated[
        str | None, typer.Option(help="Who runs the server and may ask the keeper. Default: the owner of the home.")
    ] = None,
) -> None:
    """Keep the gate's ledger, log and keys in a process of another user, which signs only what the ledger proves."""
    from handrail.bootstrap.approvals_keeper import (
        KeeperProcess,
        keeper_settings,
        open_keeper,
        prepare_gate_home,
        refuse_replaceable,
    )

    settings = keeper_settings(load_settings())
    keeping, serving = _users(settings, user, server_user)
    if keeping.uid != serving.uid:
        refuse_replaceable(settings.gate_home, [serving])
    for sentence in prepare_gate_home(settings, keeping):
        messages.print(sentence)
    if keeping.uid == serving.uid:
        messages.print(
            "Keeper and server are one user, so what runs code as the server can still read the keys. Start this as "
            "root with --user and --server-user to keep them apart."
        )
    clients = (keeping, serving)
    for number in PASSED_ON:
        signal.signal(number, _stop)
    with KeeperProcess.start(keeping, lambda: open_keeper(settings, clients)) as started:
        messages.print(
            f"The keeper of {settings.gate_home} listens at {settings.approvals_socket}, for user {serving.uid}."
        )
        sys.exit(_beside(started, command or [], serving, settings))


def _beside(started: KeeperProcess, command: list[str], serving: SystemUser, settings: Settings) -> int:
    from handrail.bootstrap.approvals_keeper import run_beside

    if not command:
        return started.wait()
    environment = os.environ | {
        "HANDRAIL_PROJECT": str(settings.project),
        "HANDRAIL_HOME": str(settings.home),
        "HANDRAIL_APPROVALS_HOME": str(settings.approvals_home),
        "HANDRAIL_APPROVALS_SOCKET": str(settings.approvals_socket),
    }
    return run_beside(started, command, serving, environment)


def _users(settings: Settings, user: str | None, server_user: str | None) -> tuple[SystemUser, SystemUser]:
    from handrail.bootstrap.approvals_keeper import SystemUser

    named = user or settings.approvals_user
    current = SystemUser.current()
    keeping = SystemUser.named(named, "approvals_user") if named else current
    serving = SystemUser.named(server_user, "--server-user") if server_user else _owner(settings, current)
    if current.uid != 0 and keeping.uid != current.uid:
        raise Misconfigured("approvals_user", "only root can start a keeper of another user", "Start this as root.")
    if keeping.uid != 0 and serving.uid == 0:
        problem = "the server would run as root, who can read everything"
        raise Misconfigured("--server-user", problem, "Name another user, who owns the server's home and artifacts.")
    return keeping, serving


def _owner(settings: Settings, current: SystemUser) -> SystemUser:
    from handrail.bootstrap.approvals_keeper import SystemUser

    return SystemUser.owner_of(settings.home) if current.uid == 0 and settings.home.exists() else current


def _stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
