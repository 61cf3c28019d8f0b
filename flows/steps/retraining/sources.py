"""Do the labels of one source contradict the others beyond chance? Asked before a challenger learns from them.

Within a day and a band of the champion's score, who reports a label should not matter. Each source is compared with all
others there: under chance its labels are a random draw of the stratum's, whose mean and variance are known exactly, so
that neither bad days nor a champion that is off raise a false alarm. A source that differs by more than a tolerated
share is not learned from. Two that said different things about the same predictions are compared there too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import polars as pl

from handrail.feedback import SourcedLabels
from handrail.label_kinds import CLASSIFIED

BANDS = 10
LEAST_LABELS = 30
LEAST_VARIANCE = 3.0
WHAT = "Learning from these labels"


@dataclass(frozen=True, slots=True)
class SourceRules:
    """When a source's labels are learned from.

    `most_altered` is the tolerated share of labels that differ from what others say in the same place; for labels that
    are numbers it is in standard deviations. `false_alarm` is the chance that a check of honest sources refuses one.
    `trusted` names sources that are right even where they differ.
    """

    most_altered: float = 0.02
    false_alarm: float = 0.001
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """How one source compares: `differ` is the estimated share of its labels that are not as the others'.

    `chance` is the probability of such a difference among honest sources, None where nothing could be compared.
    `overruled` is the share of its labels that replaced another value which another source had said.
    """

    source: str
    labels: int
    compared: int
    differ: float
    chance: float | None
    overruled: float
    verdict: Literal["trusted", "differs", "overrules", "not compared"]

    @property
    def sentence(self) -> str:
        """Say what was seen."""
        whose = f"labels of {self.source!r}"
        if self.verdict == "overrules":
            return f"{self.overruled:.1%} of the {self.labels} {whose} overruled what another source said."
        if self.verdict == "differs":
            return (
                f"About {self.differ:.1%} of the {self.compared} {whose} are not as other sources' of the same days "
                f"and scores; the chance of that is {self.chance:.1e}."
            )
        return f"The {self.labels} labels of {self.source!r}: {self.verdict}."


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What the check of a snapshot found; `distrusted` are the sources that are not learned from, worst first."""

    checks: tuple[SourceCheck, ...]
    distrusted: tuple[SourceCheck, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "sources": [asdict(each) for each in self.checks],
            "distrusted": [each.source for each in self.distrusted],
        }


def check_sources(labels: SourcedLabels, kind: str, rules: SourceRules) -> SourceReport:
    """Compare each source with the others; the worst is set aside, and the rest is compared again.

    A source with more than half of the labels is what the others are compared with, and is not set aside itself. Fewer
    than 30 labels are too few to say.

    Args:
        labels: those of a snapshot.
        kind: the kind of label, such as `binary`.
        rules: those of the project.
    """
    rows = _rows(labels, kind)
    distrusted: list[SourceCheck] = []
    while True:
        checks = _compared(rows, rules)
        suspects = [each for each in checks if each.verdict in ("differs", "overrules")]
        if not suspects:
            return SourceReport((*checks, *distrusted), tuple(distrusted))
        worst = max(suspects, key=lambda each: (max(each.differ, each.overruled), -each.labels))
        distrusted.append(worst)
        rows = rows.filter(pl.col("source") != worst.source)


def _rows(labels: SourcedLabels, kind: str) -> pl.DataFrame:
    score, label = np.asarray(labels.score, dtype=float), np.asarray(labels.label, dtype=float)
    if kind == "binary":
        value = label
    elif kind in CLASSIFIED:
        value = (label == np.asarray(labels.predicted, dtype=float)).astype(float)
    else:
        spread = float(np.std(label - score)) if len(labels) else 0.0
        value = (label - score) / (spread or 1.0)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BANDS + 1)[1:-1])) if len(labels) else np.empty(0)
    return pl.DataFrame(
        {
            "day": [at.date() for at in labels.made_at],
            "band": np.searchsorted(edges, score, side="right"),
            "value": value,
            "source": list(labels.source),
            "overruled": [bool(other) for other in labels.contradicts],
        },
        schema={"day": pl.Date, "band": pl.Int64, "value": pl.Float64, "source": pl.String, "overruled": pl.Boolean},
    )


def _compared(rows: pl.DataFrame, rules: SourceRules) -> list[SourceCheck]:
    strata = rows.group_by("day", "band").agg(
        n=pl.len(), total=pl.col("value").sum(), squares=(pl.col("value") ** 2).sum()
    )
    sources = rows["source"].unique().sort().to_list()
    level = rules.false_alarm / max(len(sources), 1)
    return [_check(rows.filter(pl.col("source") == source), strata, rules, level) for source in sources]


def _check(mine: pl.DataFrame, strata: pl.DataFrame, rules: SourceRules, level: float) -> SourceCheck:
    source, labels = str(mine["source"][0]), mine.height
    compared, differ, chance = _difference(mine, strata)
    overruled = float(mine["overruled"].sum()) / labels
    verdict: Literal["trusted", "differs", "overrules", "not compared"] = "trusted"
    if source in rules.trusted or labels > strata["n"].sum() / 2:
        pass
    elif labels >= LEAST_LABELS and overruled > rules.most_altered:
        verdict = "overrules"
    elif chance is None:
        verdict = "not compared"
    elif chance < level and differ > rules.most_altered:
        verdict = "differs"
    return SourceCheck(source, labels, compared, differ, chance, overruled, verdict)


def _difference(mine: pl.DataFrame, strata: pl.DataFrame) -> tuple[int, float, float | None]:
    """Return how many labels stand beside others', the share that differs, and the chance of it (None: too few)."""
    beside = (
        mine.group_by("day", "band")
        .agg(own=pl.len(), said=pl.col("value").sum())
        .join(strata, on=["day", "band"])
        .filter(pl.col("n") > pl.col("own"))
        .with_columns(spread=(pl.col("squares") - pl.col("total") ** 2 / pl.col("n")) / (pl.col("n") - 1))
        .with_columns(
            excess=pl.col("said") - pl.col("own") * pl.col("total") / pl.col("n"),
            variance=pl.col("own") * (pl.col("n") - pl.col("own")) / pl.col("n") * pl.col("spread"),
            apart=pl.col("said") - pl.col("own") * (pl.col("total") - pl.col("said")) / (pl.col("n") - pl.col("own")),
            noise=pl.col("own") * pl.col("n") / (pl.col("n") - pl.col("own")) * pl.col("spread"),
        )
    )
    compared = int(beside["own"].sum())
    bands = beside.group_by("band").agg(pl.col("excess", "variance", "apart", "noise").sum())
    judged = bands.filter(pl.col("variance") > LEAST_VARIANCE)
    if compared < LEAST_LABELS or not judged.height:
        return compared, 0.0, None
    differ = float((judged["apart"] ** 2 - judged["noise"]).clip(0).sqrt().sum()) / compared
    return compared, differ, _beyond(float((judged["excess"] ** 2 / judged["variance"]).sum()), judged.height)


def _beyond(value: float, degrees: int) -> float:
    """Return how likely a chi-squared variable exceeds a value, by the cube root of Wilson and Hilferty (1931)."""
    spread = 2 / (9 * degrees)
    return NormalDist().cdf(-((value / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread))


def reasons_against(report: SourceReport) -> Sequence[str]:
    """Return why nothing is learned from a snapshot, and what to do; empty if nothing is against it."""
    if not report.distrusted:
        return ()
    named = ", ".join(repr(each.source) for each in report.distrusted)
    return (
        *(each.sentence for each in report.distrusted),
        f"Look at {named} first. If its labels are wrong, have them retracted (`handrail feedback report --retract`), "
        "and take it out of the kind's sources in config/feedback.yaml; if they are right, name it under "
        "sources.trusted in config/retraining.yaml.",
    )


def finding_of(model: str, month: str, snapshot: str, report: SourceReport) -> Mapping[str, Any]:
    """Return the finding that the flow announces: kind `feedback`, which no automation answers by training."""
    return {
        "kind": "feedback",
        "model": model,
        "month": month,
        "state": "alert",
        "snapshot": snapshot,
        "reasons": list(reasons_against(report)),
        "checks": [asdict(each) for each in report.checks],
    }
