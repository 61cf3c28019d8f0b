"""`handrail approvals leave`: takes everything along that the gate has recorded, before it is switched off."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.approvals import Approvals
from handrail.bootstrap import Platform, open_records
from handrail.bootstrap.approvals_export import beside_requests
from handrail.entrypoints.cli.approvals_printing import print_facts
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import FolderNotEmpty, Unavailable
from handrail.manifest import canonical_json

EXAMPLE = "Example: handrail approvals leave --to approvals-2026"
NEXT = (
    "Nothing was switched off yet: start the server without --app-name handrail. From then on every editor moves every "
    "alias again. Runs, models and aliases stay as they are, permits still verify with gate.pub from this folder, and "
    "a later start with the app names each alias that moved meanwhile."
)


def leave(
    to: Annotated[
        Path, typer.Option(help="New folder for all that was asked, decided, found and permitted, with key and log.")
    ],
    as_json: AsJson = False,
) -> None:
    """Copy all that was asked, decided, permitted and logged, so that it can be read and verified without the gate.

    Run it on the server's machine, where HANDRAIL_HOME is. It changes nothing there.
    """
    with open_records() as platform:
        facts = _export(platform, to)
    if as_json:
        return print_json(facts)
    print_facts({name: str(value) for name, value in facts.items()})
    messages.print(NEXT)
    return None


def _export(platform: Platform, to: Path) -> dict[str, object]:
    approvals, settings = platform.approvals, platform.settings
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(to.iterdir()):
            raise FolderNotEmpty(str(to))
        counted = {"requests": _write(to / "requests.ndjson", _requests(approvals))}
        for name, rows in beside_requests(platform):
            counted[name] = _write(to / f"{name}.ndjson", rows)
        for folder in (settings.permits, settings.log):
            if folder.is_dir():
                shutil.copytree(folder, to / folder.name)
    except OSError as err:
        remedy = "Free the disk or correct the permissions, remove the folder, and run the command again."
        raise Unavailable(str(to), f"it cannot be written: {err.strerror or err}", remedy) from err
    return {
        **counted,
        "permits": sum(1 for _ in (to / settings.permits.name).rglob("*.json")),
        "log": (to / settings.log.name).is_dir(),
        "folder": str(to),
    }


def _requests(approvals: Approvals) -> Iterator[dict[str, Any]]:
    for view in approvals.requests():
        yield view.to_json() | {"evidence_content": approvals.evidence(view.history.request.request_id)}


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write one row a line, and return how many there are."""
    count = 0
    with file.open("wb") as out:
        for row in rows:
            out.write(canonical_json(row) + b"\n")
            count += 1
    return count
