"""`handrail approvals leave`: takes everything along that the gate has recorded, before it is switched off."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from handrail.approvals import Approvals
from handrail.bootstrap import open_records
from handrail.entrypoints.cli.approvals_printing import print_facts
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import FolderNotEmpty, Unavailable
from handrail.manifest import canonical_json
from handrail.settings import Settings

EXAMPLE = "Example: handrail approvals leave --to approvals-2026"
NEXT = (
    "Nothing was switched off yet: start the server without --app-name handrail. From then on every editor moves every "
    "alias again. Runs, models and aliases stay as they are, permits still verify with gate.pub from this folder, and "
    "a later start with the app names each alias that moved meanwhile."
)


def leave(
    to: Annotated[Path, typer.Option(help="New folder for requests, evidence, decisions, permits, key and log.")],
    as_json: AsJson = False,
) -> None:
    """Copy all that was asked, decided, permitted and logged, so that it can be read and verified without the gate.

    Run it on the server's machine, where HANDRAIL_HOME is. It changes nothing there.
    """
    with open_records() as platform:
        facts = _export(platform.approvals, platform.settings, to)
    if as_json:
        return print_json(facts)
    print_facts({name: str(value) for name, value in facts.items()})
    messages.print(NEXT)
    return None


def _export(approvals: Approvals, settings: Settings, to: Path) -> dict[str, object]:
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(to.iterdir()):
            raise FolderNotEmpty(str(to))
        requests = 0
        with (to / "requests.ndjson").open("wb") as file:
            for view in approvals.requests():
                evidence = approvals.evidence(view.history.request.request_id)
                file.write(canonical_json(view.to_json() | {"evidence_content": evidence}) + b"\n")
                requests += 1
        for folder in (settings.permits, settings.log):
            if folder.is_dir():
                shutil.copytree(folder, to / folder.name)
    except OSError as err:
        remedy = "Free the disk or correct the permissions, remove the folder, and run the command again."
        raise Unavailable(str(to), f"it cannot be written: {err.strerror or err}", remedy) from err
    return {
        "requests": requests,
        "permits": sum(1 for _ in (to / settings.permits.name).rglob("*.json")),
        "log": (to / settings.log.name).is_dir(),
        "folder": str(to),
    }
