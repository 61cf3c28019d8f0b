"""The page of what really happened: how much is known, how late it came, and what the naive way would have said.

It reads a sample of a fixed size, so that it takes as long for a large log; the command reads everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import timedelta
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.console.charts import Interval, bars, interval, scale_around
from handrail.entrypoints.console.deployments_page import everything, model_of
from handrail.entrypoints.console.feedback_compared import compared, pictured
from handrail.entrypoints.console.feedback_expected import expected_row
from handrail.entrypoints.console.feedback_versions import same_cases, versions_of
from handrail.entrypoints.console.moments import read_span
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.words import digits_within
from handrail.entrypoints.console.words import metric as metric_words
from handrail.errors import HandrailError, InvalidInput, MissingTool, UnknownReference
from handrail.feedback import Cohort, FeedbackLog, Overview, groups
from handrail.monitored import read_alerts
from handrail.objectives import read_objectives
from handrail.tools import require

Row = dict[str, Any]
HOUR = timedelta(hours=1)
MOST = 10_000
"""Up to so many predictions are all read."""
DRAWN = 4_000
"""About how many are read of a log that has more; the interval of a figure holds what the draw adds."""
MOST_AT_ALL = 250_000
"""How many it reads for who asks for all, which takes seconds."""
LEAST = 30
"""With fewer outcomes a period has no figure of its own."""
DRAWS = 200
MOST_PERIODS = 36
MOST_QUARANTINED = 1_000
WIDTH, HEIGHT = 540.0, 240.0


def feedback_page(  # noqa: PLR0913 - what a person can choose
    platform: Platform, model: str, kind: str, as_of: str, reads: Callable[[str], bool] = everything, *, rows: str = ""
) -> Page:
    """Return what is known about predictions at a moment.

    Args:
        platform: knows predictions and feedback.
        model: the registered model; empty for all that the person may read.
        kind: the kind of feedback; empty for the first one.
        as_of: the moment, as a person writes it; empty for now, in event time.
        reads: what the person may read.
        rows: `all` to read every prediction, up to `MOST_AT_ALL`; empty for a sample of a large log.

    Raises:
        UnknownReference: there is no such kind, or no deployment of such a model.
        InvalidInput: it is no moment, or no such choice of rows.
    """
    log, declared = platform.feedback, sorted(platform.feedback.kinds.items())
    kinds, texts = ([name for name, each in declared if each.is_text is is_text] for is_text in (False, True))
    if not kinds:
        return Page("feedback.html", "Feedback", {"kinds": [], "kind": None, "texts": texts})
    chosen, now = kind or kinds[0], platform.event_clock()
    at = read_span(as_of, "as_of", now)[1] if as_of else now
    records = log.deployments()
    mine = {each.uri: model_of(each.model_version_uri) for each in records if reads(each.model_version_uri or "")}
    models = sorted({named[1] for named in mine.values() if named})
    mine = _only(mine, model) if model else mine
    found = log.overview(chosen, at, None if len(mine) == len(records) else tuple(mine), _most(rows), DRAWN)
    facts: Row = {"kinds": kinds, "texts": texts, "kind": chosen, "models": models, "model": model}
    facts |= {"as_of": at.isoformat()}
    window_h = log.kind(chosen).maturity_window.total_seconds() / 3600
    estimated = found.step > 1 and len(mine) != len(records)
    facts |= {"asked": as_of, "estimated": estimated, "rows": rows, "window_h": window_h}
    # What is in quarantine is of any model, so it is counted for those alone who may read them all.
    whole = all(reads(each.model_version_uri or "") for each in records)
    facts |= {"target": _target(platform, model or (models[0] if len(models) == 1 else ""))}
    facts["alerts"] = _alerts(platform, [model] if model else models)
    facts["comparisons"] = compared(platform.settings, chosen, model, reads, whole)
    facts |= _counts(found) | {"quarantine": _quarantine(log) if whole else None} | _judged(log, found, chosen, mine)
    title = f"How good is {model or 'every model'}, by what really happened?"
    return Page("feedback.html", title, facts, 200, _drawn(facts))


def _only(mine: Row, model: str) -> Row:
    found = {uri: named for uri, named in mine.items() if named and named[1] == model}
    if not found:
        raise UnknownReference("model", model, "See which there are: /handrail/feedback.")
    return found


def _most(rows: str) -> int:
    if rows not in ("", "all"):
        raise InvalidInput("rows", f"{rows!r:.80} is no choice", "Leave it out for a sample, or give all.")
    return MOST_AT_ALL if rows else MOST


def _target(platform: Platform, model: str) -> Row | None:
    """Return the objective about the share that the page judges by, if the project has one for its model."""
    if model != platform.settings.model_name:
        return None
    with suppress(HandrailError):
        for name, each in read_objectives(platform.settings.project / "config").items():
            if each.measure == "evaluation.roc_auc":
                return {"name": name, "value": each.target, "kind": each.kind, "statement": each.statement}
    return None


def _alerts(platform: Platform, models: Sequence[str]) -> list[Row]:
    return [each.to_json() for each in read_alerts(platform.settings.home) if each.model in models]


def _counts(found: Overview) -> Row:
    cohort = found.corrected
    known = len(cohort.judged())
    return {
        "predictions": found.total,
        "sampled": len(cohort),
        "whole": found.step == 1,
        "mature_share": cohort.mature_share,
        "mature": sum(cohort.mature),
        "known": known,
        "coverage": cohort.coverage if any(cohort.mature) else None,
        "revised": found.revised,
        "silence": found.silence,
    }


def _delay(found: Overview) -> Row:
    """Return how late first answers come, in hours: predictions without one count as waiting, up to their age."""
    import numpy as np

    from handrail.statistics import label_delay

    cohort, answered = found.corrected, [wait is not None for wait in found.waited]
    row: Row = {"median_h": None, "p90_h": None, "answered": sum(answered), "of": len(answered), "curve": []}
    if not any(answered):
        return row
    ages = [(cohort.scope.as_of - made) / HOUR for made in cohort.made_at]
    hours = [age if wait is None else wait / HOUR for wait, age in zip(found.waited, ages, strict=True)]
    curve = label_delay(np.array(hours), np.array(answered))
    ends = (curve.time, curve.share, curve.low, curve.high)
    quantiles = {name: _known(curve.quantile(share).value) for name, share in (("median_h", 0.5), ("p90_h", 0.9))}
    return row | quantiles | {"curve": [[float(each[at]) for each in ends] for at in _places(len(curve.time))]}


def _known(value: float) -> float | None:
    return None if value != value else value


def _places(count: int) -> list[int]:
    return sorted({round(step * (count - 1) / 60) for step in range(61)}) if count else []


def _quarantine(log: FeedbackLog) -> Row:
    held = log.quarantined(MOST_QUARANTINED)
    reasons: dict[str, int] = {}
    for each in held:
        reasons[each.what] = reasons.get(each.what, 0) + 1
    return {"count": len(held), "more": len(held) == MOST_QUARANTINED, "by": dict(sorted(reasons.items()))}


def _judged(log: FeedbackLog, found: Overview, kind: str, mine: Row) -> Row:
    values = set(log.kind(kind).values)
    metric = "roc_auc" if values == {0.0, 1.0} else "accuracy" if values else "mae"
    row: Row = {"metric": metric, "periods": [], "versions": [], "pairs": [], "corrected": None, "naive": None}
    row |= {"delay": None, "missing": None, "silent": [], "expected": None}
    try:
        require("numpy", "server")
    except MissingTool as err:
        return row | {"missing": str(err)}
    named = versions_of(found.corrected, mine)
    return row | {
        "periods": [
            _period(log, found.part(keep), name, metric) for name, keep in list(groups(found.corrected))[-MOST_PERIODS:]
        ],
        "versions": [_version(log, found, metric, *each) for each in list(named.items())[:MOST_PERIODS]],
        "silent": _silent(log, found, mine, named),
        "pairs": same_cases(log, found, metric, named),
        "corrected": _figure(log, found.corrected, metric),
        "naive": _figure(log, found.naive, metric),
        "delay": _delay(found),
        "expected": expected_row(found.corrected, metric),
    }


def _silent(log: FeedbackLog, found: Overview, mine: Row, named: Mapping[str, Set[str]]) -> list[str]:
    """Return the deployed versions that answered nothing by then; of a sample only those that never did."""
    unseen: dict[str, list[str]] = {}
    for uri, version in mine.items():
        if version and (name := f"{version[1]} {version[2]}") not in named:
            unseen.setdefault(name, []).append(uri)
    if found.step > 1:
        counts = log.count_predictions([uri for uris in unseen.values() for uri in uris])
        unseen = {name: uris for name, uris in unseen.items() if not any(counts[uri] for uri in uris)}
    return sorted(unseen)


def _period(log: FeedbackLog, part: Overview, name: str, metric: str) -> Row:
    cohort = part.corrected
    return {
        "name": name,
        "sampled": len(cohort),
        "mature": sum(cohort.mature),
        "known": len(cohort.judged()),
        "coverage": cohort.coverage if any(cohort.mature) else None,
        "corrected": _figure(log, cohort, metric),
        "naive": _figure(log, part.naive, metric),
    }


def _version(log: FeedbackLog, found: Overview, metric: str, name: str, uris: Set[str]) -> Row:
    part = found.part([uri in uris for uri in found.corrected.deployment]).corrected
    coverage = part.coverage if any(part.mature) else None
    return {"name": name, "sampled": len(part), "coverage": coverage, "corrected": _figure(log, part, metric)}


def _figure(log: FeedbackLog, cohort: Cohort, metric: str) -> Row | None:
    """Return a figure with its interval; None where it is not defined, as for labels of one class."""
    try:
        figure = log.figure(cohort, metric, draws=DRAWS)
    except InvalidInput:
        return None
    if figure.value is None:
        return None
    digits = digits_within(figure.low, figure.high)
    return {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "subjects": figure.subjects,
        "digits": digits,
        "too_few": figure.subjects < LEAST,
    }


def _drawn(facts: Row) -> Row:
    rows: Sequence[Row] = [*facts["periods"], *facts["versions"]]
    shown = [row["corrected"] for row in rows if row["corrected"] and not row["corrected"]["too_few"]]
    target = facts["target"]["value"] if facts["target"] and facts["metric"] == "roc_auc" else None
    scale = scale_around([target, *(each[end] for each in shown for end in ("value", "low", "high"))])
    label = metric_words(facts["metric"])
    drawn = {
        row["name"]: interval(
            scale, figure["value"], figure["low"], figure["high"], limit=target, label=f"{label} of {row['name']}"
        )
        for row in rows
        if (figure := row["corrected"]) in shown
    }
    curve, window = facts["delay"]["curve"] if facts["delay"] else [], facts["window_h"]
    longest = max([window * 1.25, *(hours for hours, *_ in curve)])
    return {
        "intervals": drawn,
        "ends": (scale.left, scale.right) if drawn else None,
        "at_target": target,
        "most_at_all": MOST_AT_ALL,
        "least": LEAST,
        "verdicts": pictured(facts["comparisons"]),
        "gains": _gains(facts["pairs"], label),
        "label": label,
        "curve": _line([(hours, share) for hours, share, *_ in curve], longest),
        "band": _band(curve, longest),
        "window_x": _x(window, longest),
        "bars": bars([(row["name"], row["sampled"], row["mature"], row["known"]) for row in facts["periods"]]),
    }


def _gains(pairs: Sequence[Row], label: str) -> dict[str, Interval]:
    """Return the picture of each gain by the names of both versions; better is right, and nothing in the middle."""
    known = {f"{row['first']} {row['second']}": row["gain"] for row in pairs if row["gain"]}
    scale = scale_around([each[end] for each in known.values() for end in ("value", "low", "high")], zero=True)
    return {
        name: interval(scale, each["value"], each["low"], each["high"], label=f"Gain in {label}", zero=True)
        for name, each in known.items()
    }


def _x(hours: float, longest: float) -> float:
    return round(44 + (WIDTH - 60) * hours / longest, 1)


def _y(share: float) -> float:
    return round(HEIGHT - 30 - (HEIGHT - 60) * share, 1)


def _line(curve: Sequence[tuple[float, float]], longest: float) -> str:
    return "M" + "L".join(f"{_x(hours, longest)} {_y(share)}" for hours, share in curve) if curve else ""


def _band(curve: Sequence[Sequence[float]], longest: float) -> str:
    """Return the outline of the interval around a curve: along its upper ends, and back along the lower ones."""
    upper = [(hours, high) for hours, _, _, high in curve]
    lower = [(hours, low) for hours, _, low, _ in reversed(curve)]
    return f"{_line([*upper, *lower], longest)}Z" if curve else ""
