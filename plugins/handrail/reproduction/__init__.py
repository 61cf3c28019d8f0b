"""Reproduction: runs again what made a model, in a clean folder, and compares every byte with the record."""

from handrail.reproduction.domain.environments import EnvironmentCheck, PackageDifference
from handrail.reproduction.domain.recorded import FetchedData
from handrail.reproduction.domain.results import Compared, Conclusion, Grade, Part, Predictions, Result
from handrail.reproduction.ports import WorkFolder
from handrail.reproduction.service.models import Models
from handrail.reproduction.service.plan import Listener, Options, Plan, Planner, Reproduction, StepReport
from handrail.reproduction.service.report import report_of
from handrail.reproduction.service.run import Reproducer

__all__ = [
    "Compared",
    "Conclusion",
    "EnvironmentCheck",
    "FetchedData",
    "Grade",
    "Listener",
    "Models",
    "Options",
    "PackageDifference",
    "Part",
    "Plan",
    "Planner",
    "Predictions",
    "Reproducer",
    "Reproduction",
    "Result",
    "StepReport",
    "WorkFolder",
    "report_of",
]
