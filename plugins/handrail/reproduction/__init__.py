"""Reproduction: runs again what made a model, in a clean folder, and compares every byte with the record."""

from handrail.reproduction.domain.environments import EnvironmentCheck, PackageDifference
from handrail.reproduction.domain.verdicts import Compared, FetchedData, Grade, Judgement, Part, Predictions, Verdict
from handrail.reproduction.ports import WorkFolder
from handrail.reproduction.service.plan import Listener, Outcome, Plan, Planner, Step, Wish
from handrail.reproduction.service.run import Reproducer

__all__ = [
    "Compared",
    "EnvironmentCheck",
    "FetchedData",
    "Grade",
    "Judgement",
    "Listener",
    "Outcome",
    "PackageDifference",
    "Part",
    "Plan",
    "Planner",
    "Predictions",
    "Reproducer",
    "Step",
    "Verdict",
    "Wish",
    "WorkFolder",
]
