"""What a month says beyond its metrics: how differently groups were treated, and what the answers were made of.

Groups are compared on mature outcomes with the bounds that the gate uses; a finding is raised only where even the more
favourable bound is beyond a limit. Contributions to answers are information: nothing is decided by them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.steps.modelling.slices import pooled
from flows.steps.monitoring.findings import Check, Finding, Subject, conclude
from flows.steps.monitoring.month import Forecasts
from flows.steps.monitoring.report_tables import SUBJECT, MonthFeatures
from flows.steps.release.deploy import bentos_of, slot_of
from handrail.bootstrap.delivery import lend_carried
from handrail.delivery import find_carried
from handrail.errors import HandrailError, Misconfigured, Unavailable
from handrail.monitored import record_file
from handrail.objectives import Objective
from handrail.settings import Settings
from handrail.statistics import Intervals, Scored, disparities, draw_clusters
from handrail.use_case import FILE, Group, UseCase

if TYPE_CHECKING:
    from handrail.scoring import Scorer

DRAWS = Intervals(500, 0)
EXPLAINED_ROWS = 1000
DIGITS = 9
MOST_CHANGED = 5
Trees = Callable[[Settings, str], Any]


@dataclass(frozen=True, slots=True)
class MonthQuality:
    """What `judge_month` adds to a record: groups compared by segment, and contributions by feature, if known.

    `unknown` are segments whose column the month's features do not have.
    """

    fairness: Mapping[str, Any]
    unknown: tuple[str, ...] = ()
    explanations: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, nothing for what nobody asked for or could know."""
        found: dict[str, Any] = {"fairness": dict(self.fairness)} if self.fairness else {}
        if self.unknown:
            found["segments_unknown"] = list(self.unknown)
        return found | ({"explanations": dict(self.explanations)} if self.explanations else {})


def check_fairness_limits(case: UseCase, objectives: Mapping[str, Objective]) -> None:
    """Check that each limit between groups cites an objective that exists and wants the side on which it is better.

    Raises:
        Misconfigured: one does not; the sentence names it.
    """
    for figure, limit in (case.fairness.limits if case.fairness else {}).items():
        wanted = "at-most" if figure.endswith("difference") else "at-least"
        objective = objectives.get(limit.objective)
        if objective is None or objective.kind != wanted:
            is_there = "which config/objectives.yaml does not name" if objective is None else f"which is not {wanted}"
            problem = f"'fairness.limits.{figure}' cites the objective {limit.objective!r}, {is_there}"
            raise Misconfigured(FILE.as_posix(), problem, f"Cite an objective of kind {wanted}.")


def columns_for_quality(scorer: Scorer, shown: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features that are read beside those that are shown: all, for contributions need the whole row."""
    return tuple(name for name in scorer.features if name not in shown)


def open_trees(settings: Settings, deployment: str) -> Any:
    """Load the trees that a deployment serves from a verified copy of what its bento carries.

    Raises:
        Unavailable: the bento is not in this store.
        Refused: no permit covers exactly these bytes, or they hold no trees.
        MissingTool: shap is not installed.
    """
    from handrail.explaining import load_trees

    bento = bentos_of(settings).find(slot_of(settings).tag_of(deployment).version)
    carried = find_carried(bento.root) if bento else None
    if carried is None:
        raise Unavailable(f"The bento of {deployment}", "it is not in the local store", "Deploy that model again.")
    with lend_carried(settings, carried) as verified:
        return load_trees(verified.tree)


def month_quality(
    case: UseCase, forecasts: Forecasts, features: MonthFeatures, explanations: Mapping[str, Any] | None
) -> MonthQuality:
    """Compare the groups of each segment on mature outcomes; without features there are no groups."""
    wanted = case.fairness
    if wanted is None or features.rows is None:
        return MonthQuality({}, explanations=explanations)
    columns = {segment: case.groups.get(segment, Group()).column or segment for segment in wanted.segments}
    known = {segment: column for segment, column in columns.items() if column in features.rows.columns}
    judged = forecasts.rows.filter("mature").drop_nulls("outcome")
    rows = judged.join(features.rows.select(SUBJECT, *dict.fromkeys(known.values())), on=SUBJECT, how="inner")
    if rows.is_empty():
        return MonthQuality({}, explanations=explanations)
    compared = {
        segment: _compared(case, rows, cut(rows[column], case.groups.get(segment, Group())), wanted.least_rows)
        for segment, column in known.items()
    }
    return MonthQuality(compared, tuple(name for name in columns if name not in known), explanations)


def cut(values: pl.Series, group: Group) -> np.ndarray:
    """Return the name of each row's group, (n,) text: the value itself, or what a number is cut into."""
    if group.per is not None:
        values = (values.cast(pl.Float64) / group.per).floor().cast(pl.Int64, strict=False)
    elif group.edges:
        place = np.searchsorted(np.array(group.edges), values.cast(pl.Float64).to_numpy(), side="right")
        return np.asarray(place.astype(str))
    return np.asarray(values.cast(pl.String).fill_null("unknown").to_numpy().astype(str))


def _compared(case: UseCase, rows: pl.DataFrame, names: np.ndarray, least_rows: int) -> dict[str, Any]:
    day = rows["made_at"].dt.convert_time_zone(case.time.zone).dt.date().rank("dense").cast(pl.Int64).to_numpy() - 1
    kind, groups = case.label.kind, pooled(names, least_rows)
    label = rows["outcome"].to_numpy()
    scored = Scored(
        rows["score"].to_numpy(),
        label.astype(np.int64) if kind in ("binary", "multiclass") else label,
        day,
        rows["predicted"].to_numpy(),
    )
    texts, code = np.unique(groups, return_inverse=True)
    found = disparities(kind, scored, code, draw_clusters(scored.clusters, DRAWS), least_rows)
    apart = {
        name: rate.as_dict() | {"highest": str(texts[rate.highest]), "lowest": str(texts[rate.lowest])}
        for name, rate in found.items()
    }
    return {"groups": len(texts), "rows": rows.height, **apart}


def fairness_finding(
    subject: Subject, quality: MonthQuality, case: UseCase, objectives: Mapping[str, Objective]
) -> Finding | None:
    """Say whether groups were surely treated more differently than allowed; None where nothing could be compared."""
    limits = case.fairness.limits if case.fairness else {}
    checks = []
    for figure, limit in limits.items():
        segment, rate, name = figure.split(".")
        values = quality.fairness.get(segment, {}).get(rate)
        if values is not None:
            objective = objectives[limit.objective]
            # A limit is crossed where even the bound on its good side is beyond it.
            bound = values[f"{name}_low" if objective.kind == "at-most" else f"{name}_high"]
            shown = f"{figure} ({values['highest']} over {values['lowest']}, {values[name]:.3f}), surely"
            holds = objective.holds(bound, limit.limit)
            checks.append(Check(shown, bound, limit.limit, holds, limit.objective, objective.target, objective.owner))
    return conclude("fairness", subject, tuple(checks)) if checks else None


def contributions(
    settings: Settings, forecasts: Forecasts, features: MonthFeatures, scorer: Scorer, trees: Trees | None
) -> dict[str, Any] | None:
    """Return the mean absolute contribution of each feature over a fixed sample of the month's rows.

    None where nobody asks, or the rows lack a feature; where it cannot be computed, `reason` says why.
    """
    if trees is None or features.rows is None or not {*scorer.features} <= {*features.rows.columns}:
        return None
    from handrail.explaining import contributions_of

    rows = _sample(features.rows)
    encoded = scorer.encode({name: rows[name].to_list() for name in scorer.features})
    try:
        amounts, _, _ = contributions_of(trees(settings, forecasts.deployment), encoded)
    except HandrailError as err:
        return {"rows": rows.height, "reason": str(err)}
    mean = np.abs(amounts).mean(axis=(0, 2))
    order = sorted(zip(scorer.features, mean.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
    return {"rows": rows.height, "mean_absolute": {name: round(value, DIGITS) for name, value in order}}


def _sample(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose subjects have the smallest digests: the same ones however the rows are ordered."""
    digests = [hashlib.sha256(str(subject).encode()).hexdigest() for subject in rows[SUBJECT].to_list()]
    return rows.with_columns(_digest=pl.Series(digests)).sort("_digest").head(EXPLAINED_ROWS).drop("_digest")


def changed_since(settings: Settings, earlier: str, now: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how contributions changed since an earlier month: the features whose share of all moved most.

    Nothing where one of the months has none. `moved` is half the sum of all changes of shares, 0 to 1.
    """
    file = record_file(settings.home, earlier)
    if not now or "mean_absolute" not in now or not file.is_file():
        return {}
    try:
        before = json.loads(file.read_text(encoding="utf-8"))["explanations"]["mean_absolute"]
    except (ValueError, KeyError, TypeError):
        return {}
    one, other = _shares(before), _shares(now["mean_absolute"])
    moved = {name: other.get(name, 0.0) - one.get(name, 0.0) for name in {*one, *other}}
    most = sorted(moved, key=lambda name: (-abs(moved[name]), name))[:MOST_CHANGED]
    return {
        "since": earlier,
        "moved": round(sum(map(abs, moved.values())) / 2, DIGITS),
        "most": {name: [round(one.get(name, 0.0), DIGITS), round(other.get(name, 0.0), DIGITS)] for name in most},
    }


def _shares(mean: Mapping[str, float]) -> dict[str, float]:
    total = sum(mean.values()) or 1.0
    return {name: value / total for name, value in mean.items()}
