"""The option `--sign` of decisions: a person's private key, read on their own machine and never sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from handrail.approvals import SigningKey
from handrail.errors import InvalidInput

Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Your Ed25519 private key, or its .pub if ssh-agent holds it."),
]


def signing_key(path: Path) -> SigningKey:
    """Read a key; the passphrase of an encrypted one is asked for on a terminal.

    Raises:
        InvalidInput: it cannot be used.
    """

    def ask() -> str:
        return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))

    return SigningKey.from_file(path, ask if sys.stdin.isatty() else None)


def require_look(seen: str | None, command: str) -> str:
    """Return the digest of what was looked at before it is signed.

    Raises:
        InvalidInput: nothing was.
    """
    if seen is None:
        raise InvalidInput(
            "--seen", "what is signed has to be looked at first", f"Give the 'seen' that {command} shows."
        )
    return seen
