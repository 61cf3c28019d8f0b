"""`handrail lineage collect dvc`: the stages of every dvc.lock and the data of the `.dvc` files."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap.lineage import find_commit
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json


def collect_dvc(
    revision: Annotated[str, typer.Option("--commit", help="A commit, tag or branch.")] = "HEAD",
    as_json: AsJson = False,
) -> None:
    """Record every stage run of each dvc.lock and all data that a .dvc file names, as a commit holds them."""
    with open_to_record() as platform:
        project = platform.settings.project
        commit = find_commit(project, revision)
        record = platform.lineage.record_pipeline(project, commit)
    artifacts = record.artifacts().values()
    hashed = sum((one.digest or "").startswith("sha256:") for one in artifacts)
    found = {"stages": len(record.stages), "tracked": len(record.tracked), "files": len(artifacts), "hashed": hashed}
    if as_json:
        print_json({"commit": commit, **found, "notes": list(record.notes)})
        return
    typer.echo(
        f"Recorded commit {commit[:12]}: stages {found['stages']}, tracked files {found['tracked']}, "
        f"files and folders {found['files']}, with the sha256 of the bytes at hand {hashed}."
    )
    for note in record.notes:
        messages.print(note, markup=False)
