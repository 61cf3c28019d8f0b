"""`handrail feedback export`: the labels of a snapshot as a file, and under DVC if somebody asks for that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import Platform, open_records
from handrail.dvc_command import run_dvc, sentence_of
from handrail.entrypoints.cli.feedback_snapshot import as_json_of, in_words
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.entrypoints.hosts.named_data import project_file
from handrail.errors import Unavailable
from handrail.refs import FeedbackSnapshot
from handrail.tools import require

EXAMPLE = "Example: handrail feedback export sha256:1f0c... data/labels-august.parquet --dvc"


def export_labels(
    digest: Annotated[str, typer.Argument(help="The snapshot's digest, as `snapshot` printed it.")],
    path: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    under_dvc: Annotated[
        bool, typer.Option("--dvc", help="Put the file under DVC, and record in lineage what it was made from.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the mature labels of a snapshot as Parquet, each subject once; always the same bytes."""
    if under_dvc:
        require("dvc", "dvc")
    with open_records() as platform:
        snapshot = platform.feedback.export_snapshot(digest, path)
        tracked = _tracked(platform, digest, path) if under_dvc else None
    if as_json:
        return print_json(as_json_of(snapshot) | {"path": str(path)} | ({"tracked_by": tracked} if tracked else {}))
    results.print(f"Wrote {path} from {in_words(snapshot)}", highlight=False)
    if tracked:
        messages.print(f"DVC tracks it: commit {tracked} and run dvc push.", highlight=False)
    return None


def _tracked(platform: Platform, digest: str, path: Path) -> str:
    """Put the labels under DVC, record that they were made from the snapshot, and return the file that git tracks.

    Raises:
        InvalidInput: they lie outside the project.
        Unavailable: DVC refuses; the sentence is its own.
    """
    labels = project_file(platform.settings, str(path))
    code, lines = run_dvc(platform.settings.project, ("add", str(path.resolve())), os.environ, None)
    if code:
        remedy = "Correct that, or leave out --dvc: the file is written."
        raise Unavailable(f"dvc add {path}", sentence_of(lines), remedy)
    deployments = sorted(set(platform.feedback.snapshot_cohort(digest).deployment))
    platform.lineage.record_snapshot(FeedbackSnapshot(digest).artifact, deployments=deployments, labels=labels)
    return f"{path}.dvc"
