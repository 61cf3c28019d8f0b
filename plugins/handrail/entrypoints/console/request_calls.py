"""What both versions decide, counted on one base: of so many cases those called rightly, called wrongly, and missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.approvals import Wording
from handrail.entrypoints.console.words import signed

Row = dict[str, Any]
BASE = 1_000
LEAST = 10
"""So many calls the base has to show of each version, if there are cases enough for a larger one."""
WHO = ("champion", "candidate")


def calls_of(found: Mapping[str, Any], wording: Wording) -> Row | None:
    """Return counts of both versions on one base, as JSON values; None where the answers are no yes or no.

    Returns:
        `base`, `positives` on it (None if not known), `champion` (None without one) and `candidate` with `called`,
        `rightly`, `wrongly` and `missed`, `words` of the use case, and whether something became `better` or `worse`.
    """
    measures = {row["name"]: row for row in found["measures"]}
    if any(measures.get(name, {}).get("candidate") is None for name in ("called", "found")):
        return None
    base = _base(measures["called"], found.get("rows") or 0)
    positive = _positive(measures)
    counts = {who: _counts(measures, who, base, positive) for who in WHO}
    return {
        "base": base,
        "positives": None if positive is None else round(positive * base),
        **counts,
        **_sides(measures, counts),
        "words": {name: getattr(wording, name) for name in ("many", "positive", "called")},
    }


def _base(called: Mapping[str, Any], rows: float) -> int:
    shares, base = [called[who] for who in WHO if called.get(who)], BASE
    while shares and min(shares) * base < LEAST and base * 10 <= rows:
        base *= 10
    return base


def _positive(measures: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the share of positive cases: as it was measured, else from what one version called and found."""
    share = measures.get("base_rate", {}).get("candidate")
    if share is not None:
        return float(share)
    for who in WHO:
        called, right, found = (measures[name].get(who) for name in ("called", "right", "found"))
        if called and right and found:
            return float(called * right / found)
    return None


def _counts(
    measures: Mapping[str, Mapping[str, Any]], who: str, base: int, positive: float | None
) -> dict[str, int | None] | None:
    called, right = measures["called"].get(who), measures.get("right", {}).get(who)
    if called is None:
        return None
    hits = called * (right or 0)
    rightly, wrongly = round(hits * base), round((called - hits) * base)
    missed = None if positive is None else max(round(positive * base) - rightly, 0)
    return {"called": rightly + wrongly, "rightly": rightly, "wrongly": wrongly, "missed": missed}


def _sides(measures: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Any]) -> dict[str, bool]:
    """Say whether what people notice became better, and whether it became worse, beyond chance."""
    sides = {name: side_of(measures.get(name, {})) for name in ("found", "right", "called")}
    if counts["champion"] is None:
        return {"better": False, "worse": False}
    alarms = counts["candidate"]["wrongly"] - counts["champion"]["wrongly"] if sides["called"] else 0
    return {
        "better": sides["found"] > 0 or sides["right"] > 0 or alarms < 0,
        "worse": sides["found"] < 0 or sides["right"] < 0 or alarms > 0,
    }


def side_of(row: Mapping[str, Any]) -> int:
    """Return 1 if a difference is above nothing beyond chance, -1 if it is below, else 0."""
    low, high = row.get("low"), row.get("high")
    return 0 if low is None or high is None else int(low > 0) - int(high < 0)


def calls_sentences(calls: Mapping[str, Any]) -> str:
    """Say in words what the counts are."""
    words, now = calls["words"], calls["candidate"]
    many, called = words["many"], words["called"]
    if calls["champion"] is None:
        text = f"Of {calls['base']:,} {many}, {now['called']:,} are {called}: {_alone(now)}."
        return text + _missed_alone(calls)
    text = (
        f"Of {calls['base']:,} {many}, {_instead(calls, 'called')} would be {called}: {_instead(calls, 'rightly')} "
        f"rightly and {_instead(calls, 'wrongly')} wrongly, as false alarms."
    )
    if calls["positives"] is None:
        return text
    return f"{text} Of {calls['positives']:,} that {words['positive']}, {_instead(calls, 'missed')} would be missed."


def _instead(calls: Mapping[str, Any], name: str) -> str:
    now, before = calls["candidate"][name], calls["champion"][name]
    return f"{now:,} as before" if now == before else f"{now:,} instead of {before:,}"


def _alone(now: Mapping[str, Any]) -> str:
    return f"{now['rightly']:,} rightly and {now['wrongly']:,} wrongly, as false alarms"


def _missed_alone(calls: Mapping[str, Any]) -> str:
    if calls["positives"] is None:
        return ""
    return f" Of {calls['positives']:,} that {calls['words']['positive']}, {calls['candidate']['missed']:,} are missed."


def call_rows(calls: Mapping[str, Any] | None) -> list[Row]:
    """Return the counts as lines of a table: what, why it matters, both versions, the change, and its side."""
    if calls is None or calls["champion"] is None:
        return []
    words = calls["words"]
    kinds = (
        ("rightly", f"{words['called']}, rightly", f"{words['many']} that {words['positive']}", 1),
        ("wrongly", f"{words['called']}, wrongly", "false alarms", -1),
        ("missed", "missed", f"{words['many']} that {words['positive']} and were not {words['called']}", -1),
    )
    return [
        {"label": label[:1].upper() + label[1:], "about": about, **_change(calls, name, good)}
        for name, label, about, good in kinds
        if calls["candidate"][name] is not None
    ]


def _change(calls: Mapping[str, Any], name: str, good: int) -> Row:
    before, after = calls["champion"][name], calls["candidate"][name]
    kind = "flat" if before == after else "good" if (after > before) == (good > 0) else "bad"
    said = {"flat": "as before", "good": "better", "bad": "worse"}[kind]
    return {"champion": before, "candidate": after, "change_text": signed(after - before, 0), "side": said}


def group_calls(row: Mapping[str, Any]) -> Row:
    """Return false alarms of 1,000 cases of a group for both versions, and how many more answers are wrong of 1,000."""
    wrong = {who: _wrong(row, who) for who in WHO}
    if None in wrong.values():
        return dict.fromkeys(("alarms_champion", "alarms_candidate", "more_wrong")) | {
            "alarms_text": "–",
            "more_text": "–",
        }
    (alarms_before, hits_before), (alarms, hits) = wrong["champion"], wrong["candidate"]  # type: ignore[misc]
    more = round((alarms - alarms_before - hits + hits_before) * BASE)
    both = round(alarms_before * BASE), round(alarms * BASE)
    return {
        "alarms_champion": both[0],
        "alarms_candidate": both[1],
        "more_wrong": more,
        "alarms_text": " → ".join(f"{each:,}" for each in both),
        "more_text": signed(more, 0),
    }


def _wrong(row: Mapping[str, Any], who: str) -> tuple[float, float] | None:
    """Return which share of a group is called wrongly, and which rightly."""
    called, right = row.get(f"called_{who}"), row.get(f"right_{who}")
    if called is None:
        return None
    hits = float(called * (right or 0))
    return float(called) - hits, hits


def worst_first(groups: Sequence[Row]) -> list[Row]:
    """Return groups by how many more of their answers became wrong, or without that by how much less is found."""
    return sorted(groups, key=_loss)


def _loss(row: Row) -> tuple[float, str]:
    more, before, after = row["more_wrong"], row["found_champion"], row["found_candidate"]
    if more is not None:
        return -float(more), str(row["label"])
    return (after - before if None not in (before, after) else 1.0), str(row["label"])
