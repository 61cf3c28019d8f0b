"""`handrail delivery key`: keys by which callers of a service say who they are."""

from __future__ import annotations

import getpass
import re
from datetime import timedelta
from typing import Annotated, Any

import typer

from handrail.bootstrap import Platform, open_records
from handrail.bootstrap.delivery import open_keys
from handrail.clock import system_time
from handrail.delivery import EVERY_RIGHT, Keys, Right, ServingKey
from handrail.entrypoints.cli.delivery import By, Service
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows
from handrail.errors import InvalidInput
from handrail.use_case import read_use_case

NEVER = "never"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
app = typer.Typer(
    no_args_is_help=True,
    help="Keys by which callers of a service say who they are; a running service follows within 3 seconds.",
    epilog="Example: handrail delivery key make crew-desk --may predict --expires 30d",
)


@app.command(epilog="Example: handrail delivery key make crew-desk --may predict --expires 30d")
def make(  # noqa: PLR0913 - one argument for each option of the command
    name: Annotated[str, typer.Argument(help="Who calls; the log and metrics name it. Earlier keys of it stay.")],
    may: Annotated[
        list[Right] | None,
        typer.Option("--may", help="What it allows: predict, or report feedback; repeat it. Both if unset."),
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", help="After which time it opens nothing: 30d, 12h, 90m, or never.")
    ] = "90d",
    service: Service = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    lifetime = read_lifetime(expires)
    rights = frozenset(may) if may else EVERY_RIGHT
    with open_to_record() as platform:
        text, key = _open(platform, service).make(name, by or getpass.getuser(), lifetime, rights)
    if as_json:
        return print_json(_plain(key) | {"key": text})
    until = f"until {_day(key)}" if key.expires_at else "until it is revoked"
    messages.print(
        f"{key.key_id} opens {key.pointer} {until}. Keep it safe: it cannot be shown again. "
        "Send it as: Authorization: Bearer <key>",
        markup=False,
        highlight=False,
    )
    return typer.echo(text)


@app.command("list", epilog="Example: handrail delivery key list --json")
def list_keys(service: Service = None, as_json: AsJson = False) -> None:
    """List every key that was made for a service, and what became of it; the keys themselves are not kept."""
    with open_records() as platform:
        keys = _open(platform, service).all()
    if as_json:
        return print_json([_plain(key) for key in keys])
    rows = [
        [key.key_id, key.name, ", ".join(sorted(key.rights)), _state(key), f"made {key.made_at:%Y-%m-%d}", key.made_by]
        for key in keys
    ]
    return print_rows([["id", "name", "may", "state", "since", "by"], *rows])


@app.command(epilog="Example: handrail delivery key revoke 0a1b2c3d4e5f")
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, or the name of a caller who has one key that stands.")],
    every: Annotated[bool, typer.Option("--all", help="Revoke each key of that name.")] = False,
    service: Service = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key: what it opened stays closed to it. To change keys, make the new one first."""
    with open_records() as platform:
        revoked = _open(platform, service).revoke(key, by or getpass.getuser(), every)
    if as_json:
        return print_json([{"id": each.key_id, "name": each.name, "revoked": True} for each in revoked])
    for each in revoked:
        sentence = f"{each.key_id} of {each.name} opens nothing any more, in a running service within 3 seconds."
        messages.print(sentence, markup=False, highlight=False)
    return None


def read_lifetime(text: str) -> timedelta | None:
    """Return how long a key lives, None if always.

    Raises:
        InvalidInput: it is no such time.
    """
    if text == NEVER:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,6})([dhm])", text)
    if found is None:
        raise InvalidInput("--expires", f"{text!r} is no time to live", "Write it as 30d, 12h, 90m or never.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _open(platform: Platform, service: str | None) -> Keys:
    return open_keys(platform, service or read_use_case(platform.settings.project).name)


def _state(key: ServingKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d} by {key.revoked_by}"
    if not key.stands(system_time()):
        return f"expired {_day(key)}"
    return f"until {_day(key)}" if key.expires_at else "stands"


def _day(key: ServingKey) -> str:
    return f"{key.expires_at:%Y-%m-%d %H:%MZ}" if key.expires_at else NEVER


def _plain(key: ServingKey) -> dict[str, Any]:
    row: dict[str, Any] = {"id": key.key_id, "name": key.name, "slot": key.pointer, "may": sorted(key.rights)}
    row |= {"made_at": key.made_at, "made_by": key.made_by, "expires_at": key.expires_at}
    return row | {"revoked_at": key.revoked_at, "revoked_by": key.revoked_by, "stands": key.stands(system_time())}
