"""`handrail delivery package edge` and `function`: a permitted model for where Handrail is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.packaging import Packed, bento_to_package, pack_bento, pack_tree
from handrail.delivery import Target
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.errors import InvalidInput
from handrail.settings import Settings
from handrail.use_case import read_use_case

LOCK = Path("infra") / "requirements.lock"
app = typer.Typer(
    no_args_is_help=True,
    help="What a target needs to serve a permitted model, verified and written from the bento that is deployed here.",
    epilog="Example: handrail delivery package edge --to edge.tar",
)
Version = Annotated[str | None, typer.Argument(help="Version of the bento; the one that is deployed if left out.")]
Name = Annotated[str | None, typer.Option("--service", help="Name of the bento; the use case's if left out.")]
Lock = Annotated[
    Path | None, typer.Option("--lock", help="Lock with hashes of packages; else infra/requirements.lock.")
]
Tree = Annotated[Path | None, typer.Option("--tree", help="Package this permitted tree; no bento is needed then.")]
To = Annotated[Path, typer.Option("--to", help="Archive to write, .tar or .zip.")]


@app.command("edge", epilog="Example: handrail delivery package edge --to edge.tar")
def edge(  # noqa: PLR0913 - one argument for each option of the command
    to: To,
    version: Version = None,
    tree: Tree = None,
    service: Name = None,
    lock: Lock = None,
    as_json: AsJson = False,
) -> None:
    """Write an archive for a device: the model, its permit, and a program that needs Python and three packages."""
    packed = _pack(Target.EDGE, to, tree, lock, version, service)
    run = f"python edge.py --use {packed.use_text} --key-id {packed.key_id} < rows.ndjson > answers.ndjson"
    _say(packed, f"There, after pip install -r requirements.txt: {run}", as_json)


@app.command("function", epilog="Example: handrail delivery package function --to function.zip")
def function(  # noqa: PLR0913 - one argument for each option of the command
    to: To,
    version: Version = None,
    tree: Tree = None,
    service: Name = None,
    lock: Lock = None,
    as_json: AsJson = False,
) -> None:
    """Write an archive for a serverless function: the model, its permit, and a handler as AWS Lambda calls it."""
    packed = _pack(Target.FUNCTION, to, tree, lock, version, service)
    variables = f"HANDRAIL_USE={packed.use_text} HANDRAIL_KEY_ID={packed.key_id}"
    _say(packed, f"The handler is function.handler; its environment: {variables}", as_json)


def lock_of(settings: Settings, named: Path | None) -> Path | None:
    """Return the lock with hashes: the one that was named, the project's own, None if there is none."""
    own = settings.project / LOCK
    return named or (own if own.is_file() else None)


def _pack(  # noqa: PLR0913 - what both commands are given
    target: Target, to: Path, tree: Path | None, lock: Path | None, version: str | None, service: str | None
) -> Packed:
    if tree is not None and (version or service):
        raise InvalidInput("--tree", "a bento is named too", "Name the bento or the tree, not both.")
    with open_records() as platform:
        hashes = lock_of(platform.settings, lock)
        if hashes is None:
            messages.print("No lock with hashes is here: requirements.txt has versions only; --lock names one.")
        if tree is not None:
            return pack_tree(platform, target, tree, to, hashes)
        name = service or read_use_case(platform.settings.project).name
        return pack_bento(platform, target, bento_to_package(platform, name, version), to, hashes)


def _say(packed: Packed, run: str, as_json: bool) -> None:
    if as_json:
        return print_json(
            {
                "file": packed.file,
                "model_version": packed.model_version,
                "use": packed.use_text,
                "key_id": packed.key_id,
                "deployment": packed.deployment,
            }
        )
    sentence = f"{packed.file} holds {packed.model_version}, verified for {packed.use}."
    for line in (sentence, run, f"Its answers name {packed.deployment}; `handrail feedback import` records them."):
        results.print(line, highlight=False, markup=False)
    return None
