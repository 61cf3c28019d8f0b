"""How candidates are measured: what config/evaluation.yaml and the use case that it names say, at each use."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from handrail.approvals.adapters.everyday_measures import groupings_of, measures_of, wording_of
from handrail.approvals.domain.cases import MOST_GROUPINGS, MOST_GROUPS, CasesPlan
from handrail.approvals.domain.evaluation import Columns, EvaluationPlan, Prospective
from handrail.approvals.domain.fairness import FairnessPlan
from handrail.approvals.domain.people import RoleName
from handrail.approvals.domain.wording import Wording
from handrail.approvals.evidence_ports import EvaluationPlans
from handrail.config import Section, parse_config, read_text
from handrail.errors import Misconfigured, UnknownReference
from handrail.statistics import METRICS_OF, RATES_OF, names_of_disparity
from handrail.use_case import UseCase

FILE = "config/evaluation.yaml"
KEPT = 16
"""Texts are asked for at each look at a page, so what was read of so many is kept."""
REMEDY = "Correct the file; nothing is measured until then."
Rows = Annotated[str, Field(min_length=1, pattern=r"^[^/\\]", description="a Parquet file of the project")]


class IntervalKeys(Section):
    """How often clusters are drawn again for an interval, and the seed of the draws."""

    draws: Annotated[int, Field(ge=100, le=10_000, strict=True)] = 500
    seed: Annotated[int, Field(ge=0, strict=True)] = 0


class LimitKeys(Section):
    """What the evaluator may use before it is stopped."""

    seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    megabytes: Annotated[int, Field(ge=256, strict=True)] = 4096


class SnapshotKeys(Section):
    """Which rows of the project the flows hand in for a first promotion, and for the replacement of a champion."""

    first: Rows = "data/training/validate.parquet"
    replacement: Rows = "data/training/validate.parquet"


class GroupKeys(Section):
    """From how many rows on a group is seen apart, and how many groups there are at most, those of all slices."""

    least_rows: Annotated[int, Field(ge=1, strict=True)] = 100
    most: Annotated[int, Field(ge=2, le=MOST_GROUPS, strict=True)] = 60


class ProspectiveKeys(Section):
    """How many rows have to have been foretold before they are measured by themselves."""

    least_rows: Annotated[int, Field(ge=1, strict=True)] = 100


class ModelKeys(Section):
    """How the versions of one registered model are measured."""

    use_case: Rows = "config/use_case.yaml"
    snapshots: SnapshotKeys = SnapshotKeys()
    metrics: Annotated[list[str], Field(min_length=1)] | None = None
    custody: Annotated[list[RoleName], Field(min_length=1, description="roles that confirm rows first")] | None = None
    prospective: ProspectiveKeys | None = None
    looks: Annotated[int, Field(ge=1, strict=True)] = 20
    least_rows: Annotated[int, Field(ge=1, strict=True)] = 100
    groups: GroupKeys = GroupKeys()
    intervals: IntervalKeys = IntervalKeys()
    limits: LimitKeys = LimitKeys()


class EvaluationFile(Section):
    """The models that the gate's evaluator measures, by their registered names."""

    version: Literal[1]
    models: Annotated[dict[str, ModelKeys], Field(min_length=1)]


def files_of(project: Path) -> Callable[[str], str | None]:
    """Return what reads files of a project by their path below it; one that is not there is None.

    What it returns raises Misconfigured where a file cannot be read.
    """
    return lambda path: read_text(project / path, path) if (project / path).is_file() else None


class YamlEvaluations(EvaluationPlans):
    """Keeps the promise of `EvaluationPlans` with texts that people wrote."""

    def __init__(self, text: Callable[[str], str | None]) -> None:
        """Read texts by their path below the project with `text`."""
        self._text = text

    def plan(self, model: str) -> EvaluationPlan:
        """Return the plan for a registered model.

        Raises:
            UnknownReference: config/evaluation.yaml is not there, or does not name the model.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        keys = self.keys(model)
        case = self._case(keys)
        known = [metric.name for metric in METRICS_OF[case.label.kind]]
        metrics, few = tuple(keys.metrics or known), keys.prospective
        for name in (*metrics, case.metrics.main):
            if name not in known:
                problem = f"{name!r} does not judge a {case.label.kind} label"
                raise Misconfigured(FILE, problem, f"Use {', '.join(known)}.")
        return EvaluationPlan(
            model=model,
            kind=case.label.kind,
            columns=Columns(
                label=case.label.column,
                cluster=case.cluster,
                subject=case.subject.column,
                # What is known only afterwards, and what names a row, says nothing about the next one.
                withheld=(case.label.column, case.time.known, case.subject.column),
            ),
            main=case.metrics.main,
            margin=case.metrics.margin,
            metrics=metrics,
            classes=case.label.classes or (),
            draws=keys.intervals.draws,
            seed=keys.intervals.seed,
            looks=keys.looks,
            least_rows=keys.least_rows,
            seconds=keys.limits.seconds,
            megabytes=keys.limits.megabytes,
            prospective=Prospective(case.time.known, few.least_rows) if few else None,
            custody=tuple(sorted(set(keys.custody or ()))),
            better=case.main_metric.better,
            cases=_cases(case, metrics, keys),
            fairness=_fairness(case),
        )

    def wording(self, model: str) -> Wording:
        """Return what people call the answers of a registered model.

        Raises:
            UnknownReference: config/evaluation.yaml is not there, or does not name the model.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        return wording_of(self._case(self.keys(model)))

    def keys(self, model: str) -> ModelKeys:
        """Return what the file says about a model.

        Raises:
            UnknownReference: it is not there, or does not name the model.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        models = self._models()
        if model not in models:
            known = ", ".join(sorted(models)) or "no model"
            raise UnknownReference("model to measure", model, f"{FILE} names {known}.", "model")
        return models[model]

    def paths(self) -> Sequence[str]:
        """Return the paths of the texts that the plans are in, below the project.

        Raises:
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        models = self._models()
        return [FILE, *sorted({keys.use_case for keys in models.values()})] if models else []

    def check(self) -> None:
        """Read every plan once.

        Raises:
            Misconfigured: one of them cannot be used.
        """
        for model in self._models():
            self.plan(model)

    def _case(self, keys: ModelKeys) -> UseCase:
        text = self._text(keys.use_case)
        if text is None:
            raise Misconfigured(keys.use_case, "it is missing", "Restore it from the repository.")
        return _use_case(text, keys.use_case)

    def _models(self) -> dict[str, ModelKeys]:
        text = self._text(FILE)
        return {} if text is None else _file(text).models


@lru_cache(KEPT)
def _use_case(text: str, shown: str) -> UseCase:
    return parse_config(text, UseCase, shown=shown, remedy=REMEDY)


@lru_cache(KEPT)
def _file(text: str) -> EvaluationFile:
    return parse_config(text, EvaluationFile, shown=FILE, remedy=REMEDY)


def _fairness(case: UseCase) -> FairnessPlan | None:
    if case.fairness is None:
        return None
    rates = {rate.name: names_of_disparity(rate) for rate in RATES_OF[case.label.kind]}
    return FairnessPlan(case.fairness.segments, case.fairness.least_rows, rates)


def _cases(case: UseCase, metrics: Sequence[str], keys: ModelKeys) -> CasesPlan:
    return CasesPlan(
        measures=measures_of(case, metrics),
        groupings=groupings_of(case, keys.use_case, MOST_GROUPINGS),
        least_rows=keys.groups.least_rows,
        most=keys.groups.most,
    )
