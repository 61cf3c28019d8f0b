"""A comparison of versions as JSON values, and as a person reads it: the answer, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from handrail.feedback import ComparisonArm, VersionComparison
from handrail.statistics import Guardrail

Row = dict[str, Any]
ANSWERS = {
    "better": "The challenger is better.",
    "worse": "The challenger is worse.",
    "no_difference": "There is no difference that matters.",
    "inconclusive": "Inconclusive.",
    "blocked": "No verdict.",
}
BLOCKS = {
    "arm_ratio": "the arms did not get the shares of subjects that they should have, or lose outcomes unequally",
    "immature": "predictions of the window are not mature yet",
    "too_few": "there are too few observations with a known outcome, or all of them are equal",
}
MENDS = {
    "arm_ratio": "Find out why subjects or outcomes are lost on the way, and begin anew.",
    "immature": "Compare up to an earlier --until, or wait.",
    "too_few": "Wait for more.",
}
DESIGNS = {"open_ended": "open-ended", "fixed_horizon": "fixed horizon"}


def plain(found: VersionComparison, models: Mapping[str, str | None]) -> Row:
    """Return a comparison as JSON values; `models` has the model version of each deployment, by URI."""
    plan, verdict = found.plan, found.verdict
    row: Row = {
        "answer": verdict.answer,
        "gain": {name: _known(getattr(verdict.gain, name)) for name in ("value", "low", "high")},
        "kind": plan.measure.kind,
        "metric": plan.measure.metric,
        "better": plan.measure.side,
        "by": plan.sides.by,
        "champion": _arm(found.champion, models),
        "challenger": _arm(found.challenger, models),
        "paired": found.paired,
        "pairs": found.pairs,
        "crossed": found.crossed,
        "design": plan.design,
        "alpha": plan.alpha,
        "matters": plan.smallest,
        "horizon": plan.horizon,
        "unit": plan.unit,
        "units": found.units,
        "looks": found.looks,
        "decided_at_look": None if verdict.look is None else verdict.look + 1,
        "more_units": verdict.more_units,
        "days_left": found.days_left,
        "blocked_by": list(verdict.blocked_by),
        "broken": list(verdict.broken),
        "arm_ratio_p": found.ratio_p,
        "mature": found.mature,
        "guardrails": [_guardrail(each) for each in found.guardrails],
        "false_positives": _simulated(found),
        "start": None if found.start is None else found.start.isoformat(),
        "end": found.end.isoformat(),
        "as_of": found.as_of.isoformat(),
    }
    return row | {"sentence": _sentence(row)}


def in_words(row: Row) -> list[tuple[str, str]]:
    """Return the lines of a comparison that `plain` made: what, and its figures."""
    both = "cases that both answered" if row["paired"] else "subjects, each in one arm"
    ends = f"{row['start'] or 'the first one'} until {row['end']}, as of {row['as_of']}"
    count = row["pairs"] if row["paired"] else _of_both(row)
    lines = [
        ("champion", _arm_words(row["champion"], row["metric"])),
        ("challenger", _arm_words(row["challenger"], row["metric"])),
        ("compared", f"{count:,} {both}; {row['looks']} looks, one a day"),
        ("gain", _interval(row["gain"])),
        ("design", _design(row)),
        *((f"guardrail {each['name']}", _guardrail_words(each)) for each in row["guardrails"]),
    ]
    if not row["paired"]:
        lines.append(("arm ratio", f"p = {row['arm_ratio_p']:.3g}; below 0.001 it blocks every verdict"))
    if row["crossed"]:
        lines.append(("left out", f"{row['crossed']:,} subjects that both arms have"))
    if simulated := row["false_positives"]:
        lines.append(("false positives", _simulated_words(simulated)))
    return [*lines, ("predictions", ends)]


def _sentence(row: Row) -> str:
    """Return the answer, why, and what would end one that is none."""
    said = ANSWERS[row["answer"]]
    if row["answer"] == "blocked":
        why = " and ".join(BLOCKS[each] for each in row["blocked_by"])
        return f"{said} Blocked: {why}. {MENDS[row['blocked_by'][0]]}"
    if row["broken"]:
        return f"{said} A guardrail is broken: {', '.join(row['broken'])}."
    if row["answer"] == "inconclusive":
        return f"{said} {_what_ends_it(row)}"
    return f"{said} The gain in {row['metric']} is {_interval(row['gain'])}."


def _what_ends_it(row: Row) -> str:
    unit = f"{row['unit']}s{'' if row['paired'] else ' an arm'}"
    if row["more_units"] is None:
        if row["design"] == "fixed_horizon":
            return "The gain that was seen would not decide at the horizon either: plan a longer one anew."
        return "The gain that was seen is too small to be distinguished from none: decide by other reasons."
    days = "" if row["days_left"] is None else f", about {math.ceil(row['days_left']):,} days at the present rate"
    return f"About {row['more_units']:,} more {unit} would end it if the gain stays as it is{days}."


def _arm(arm: ComparisonArm, models: Mapping[str, str | None]) -> Row:
    return {
        "name": arm.name,
        "deployments": list(arm.deployments),
        "models": sorted({models.get(uri) or "" for uri in arm.deployments} - {""}),
        "predictions": arm.predictions,
        "subjects": arm.subjects,
        "judged": arm.judged,
        "coverage": arm.coverage,
        "mean": arm.mean,
    }


def _guardrail(each: Guardrail) -> Row:
    ends = {name: _known(getattr(each, name)) for name in ("gain", "low", "high")}
    return {"name": each.name, "standing": each.standing, "margin": each.margin, **ends}


def _simulated(found: VersionComparison) -> Row | None:
    if found.simulated is None:
        return None
    return {"rule": found.simulated.decided, "peeking": found.simulated.naive, "trials": found.simulated.trials}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _of_both(row: Row) -> int:
    return int(row["champion"]["subjects"] + row["challenger"]["subjects"])


def _arm_words(arm: Row, metric: str) -> str:
    mean = "not known" if arm["mean"] is None else f"{arm['mean']:.5g}"
    counts = (
        f"{arm['judged']:,} judged of {arm['predictions']:,} predictions, {arm['coverage']:.1%} of mature ones known"
    )
    return f"{arm['name']}: {metric} {mean}; {counts}"


def _interval(gain: Row) -> str:
    value, low, high = (gain[name] for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return "not known"
    digits = _digits((high - low) / 2)
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f}, positive is better)"


def _digits(reach: float) -> int:
    """Return how many digits after the point show the reach of an interval to two figures, 0 to 8."""
    return min(max(math.ceil(-math.log10(reach)) + 1, 0), 8) if reach > 0 else 5


def _design(row: Row) -> str:
    limit = f"up to {row['horizon']:,} {row['unit']}s" if row["horizon"] else "look whenever you want"
    matters = "" if row["matters"] is None else f", a gain of {row['matters']:g} matters"
    return f"{DESIGNS[row['design']]}, {limit}{matters}; an error has the probability {row['alpha']:g}"


def _guardrail_words(each: Row) -> str:
    ends = "not known" if each["gain"] is None else f"{each['gain']:+.5g}"
    low, high = ("" if each[name] is None else f"{each[name]:+.5g}" for name in ("low", "high"))
    bounds = f"above {low or 'nothing'}, below {high or 'nothing'}"
    return f"{each['standing']}: gain {ends} ({bounds}), margin {each['margin']:g}"


def _simulated_words(simulated: Row) -> str:
    return (
        f"{simulated['rule']:.1%} by this rule, {simulated['peeking']:.1%} by naive peeking at the same looks "
        f"({simulated['trials']:,} simulated comparisons where nothing differs)"
    )
