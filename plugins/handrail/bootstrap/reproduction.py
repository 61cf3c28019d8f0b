"""Which adapters stand behind reproducing a model, how a model is named, and what lineage keeps of a reproduction."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform
from handrail.errors import UnknownReference
from handrail.lineage.domain import ActivityDetails, AmbiguousReference, artifact_at, tree_uri
from handrail.refs import GitCommit
from handrail.reproduction.ports import ReproductionPorts, WorkFolder
from handrail.reproduction.service.plan import Outcome, Planner
from handrail.reproduction.service.run import Reproducer
from handrail.settings import Settings

__all__ = [
    "find_model",
    "open_reproducer",
    "open_work_folder",
    "record_reproduction",
]

_VERSION = re.compile(r"(?:models:/)?([^/@\s]+)/(\d+)")
_ALIAS = re.compile(r"(?:models:/)?([^/@\s]+)@([^/@\s]+)")


def open_reproducer(platform: Platform, repository: str | None = None) -> tuple[Planner, Reproducer]:
    """Open what plans and what runs reproductions; commits are looked for in `repository` alone if it is given."""
    from handrail.reproduction.adapters.dvc_data import DvcData
    from handrail.reproduction.adapters.dvc_stage_runs import DvcStageRuns
    from handrail.reproduction.adapters.file_differences import FileDifferences
    from handrail.reproduction.adapters.git_checkout import GitCheckout
    from handrail.reproduction.adapters.mlflow_scores import MlflowScores
    from handrail.reproduction.adapters.pip_packages import PipPackages

    settings = platform.settings
    ports = ReproductionPorts(
        commits=GitCheckout(settings.project, settings.home, repository),
        data=DvcData([settings.project]),
        runner=DvcStageRuns(),
        packages=PipPackages(),
        files=FileDifferences(),
        scorer=MlflowScores(),
    )
    return Planner(platform.lineage, ports), Reproducer(ports)


def open_work_folder(path: Path) -> WorkFolder:
    """Return the folder at `path` as the place of one reproduction; nothing is made yet."""
    from handrail.reproduction.adapters.work_folder import ReproductionFolder

    return ReproductionFolder(path)


def find_model(platform: Platform, name: str, at: datetime) -> str:
    """Return the URI behind `flights/3`, `models:/flights/3` or, at that moment, `flights@champion`.

    Anything else is returned as it is: a URI, or a prediction id.

    Raises:
        UnknownReference: lineage knows no such version or alias.
        AmbiguousReference: the model was deleted and made again, so that its versions began anew.
    """
    if found := _ALIAS.fullmatch(name):
        alias = f"mlflow alias {found[1]}@{found[2]}"
        pointer = platform.lineage.pointer_at(alias, at)
        if pointer is None or pointer.target is None:
            raise UnknownReference("alias", name, "See where names pointed: handrail lineage timeline.")
        return pointer.target
    if found := _VERSION.fullmatch(name):
        return _version(platform, found[1], found[2])
    return name


def _version(platform: Platform, model: str, version: str) -> str:
    from handrail.lineage.adapters.sql.graph import SqlGraph

    prefix = f"mlflow://{_server(platform.settings)}/registered/{model}/"
    known = SqlGraph(platform.store).find(prefix, 100_000)
    fitting = [uri for uri in known if uri.rpartition("/")[2] == version]
    if not fitting:
        raise UnknownReference(
            "model version", f"{model}/{version}", "Give its URI, or register it on this project's MLflow server."
        )
    if len(fitting) > 1:
        raise AmbiguousReference(f"{model}/{version}", fitting)
    return fitting[0]


def _server(settings: Settings) -> str:
    from handrail.bootstrap.approvals import server_name

    return server_name(settings) if (settings.home / "mlflow" / "server-name").is_file() else ""


def record_reproduction(platform: Platform, outcome: Outcome, began: datetime, ended: datetime) -> str:
    """Tell lineage that a model was reproduced, or was not; return the activity's URI.

    It used the model, its tree and the commit, and generated nothing: equal bytes are the same artifact, which must
    not become its own cause.
    """
    recorded, commit = outcome.plan.recorded, outcome.plan.place.commit
    attributes = {"verdict": outcome.judgement.verdict.value, **_told(outcome)}
    content = json.dumps([recorded.tree, commit, began.isoformat(), attributes], sort_keys=True)
    repository = platform.settings.repository
    uri = f"reproduction://{repository}/{hashlib.sha256(content.encode()).hexdigest()}"
    used = [artifact_at(tree_uri(recorded.tree)), artifact_at(GitCommit(repository, commit).uri)]
    if recorded.version:
        used.append(artifact_at(recorded.version))
    details = ActivityDetails(began, ended, attributes, asserted_by="handrail reproduce")
    platform.lineage.record_activity(uri, "reproduction", used=used, details=details)
    return uri


def _told(outcome: Outcome) -> Mapping[str, str]:
    found: dict[str, Any] = {}
    if (first := outcome.judgement.first) is not None:
        found["first_difference"] = first.path
    if outcome.environment is not None:
        found["packages_differ"] = str(len(outcome.environment.differences))
    if outcome.predictions is not None:
        found["rows_scored"] = str(outcome.predictions.rows)
        found["predictions_max_difference"] = f"{outcome.predictions.max_difference:.3g}"
    return found
