"""Which adapters the reproduction of a model uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handrail.bootstrap import Platform
from handrail.reproduction.ports import ReproductionPorts, WorkFolder
from handrail.reproduction.service.models import Models
from handrail.reproduction.service.plan import Planner
from handrail.reproduction.service.run import Reproducer
from handrail.settings import Settings

__all__ = [
    "open_models",
    "open_reproducer",
    "open_work_folder",
]


def open_models(platform: Platform) -> Models:
    """Open the models that the platform's lineage knows."""
    from handrail.lineage.adapters.sql.graph import SqlGraph

    settings, graph = platform.settings, SqlGraph(platform.store)
    return Models(platform.lineage, graph.find, _server(settings), settings.repository)


def open_reproducer(
    platform: Platform, mlflow: Callable[[], str], repository: str | None = None
) -> tuple[Planner, Reproducer]:
    """Open what plans and what runs reproductions; commits are looked for in `repository` alone if it is given.

    `mlflow` returns the address of the MLflow that holds the project's models, if one of its files is needed.
    """
    from handrail.reproduction.adapters.dvc_data import DvcData
    from handrail.reproduction.adapters.dvc_stage_runs import DvcStageRuns
    from handrail.reproduction.adapters.file_differences import FileDifferences
    from handrail.reproduction.adapters.git_checkout import GitCheckout
    from handrail.reproduction.adapters.mlflow_models import MlflowModels
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
        models=MlflowModels(mlflow),
    )
    return Planner(platform.lineage, ports), Reproducer(ports)


def open_work_folder(path: Path) -> WorkFolder:
    """Return the folder at `path` as the place of one reproduction; nothing is made yet."""
    from handrail.reproduction.adapters.work_folder import ReproductionFolder

    return ReproductionFolder(path)


def _server(settings: Settings) -> str:
    from handrail.bootstrap.approvals import server_name

    return server_name(settings) if (settings.home / "mlflow" / "server-name").is_file() else ""
