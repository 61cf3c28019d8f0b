"""What *In short* says of both versions on the same cases: sentences from templates over the gate's measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.entrypoints.console.request_calls import calls_sentences, side_of
from handrail.entrypoints.console.request_cases import verdict_of
from handrail.entrypoints.console.words import counted, listed

Row = dict[str, Any]
Said = Iterator[tuple[str, str, str]]
"""The kind of a sign, what is said first, and the rest."""
EVERYDAY = ("found", "right", "called")
"""What people notice of a model without knowing a metric."""


def differing(cases: Mapping[str, Any]) -> list[Row]:
    """Return the measures whose difference leaves no doubt that there is one."""
    return [row for row in cases["measures"] if side_of(row)] if cases["against"] else []


def difference_of(cases: Mapping[str, Any]) -> Said:
    """Give the sentences about both versions on the same cases: by the measure that decides, and as people see it."""
    if not cases["measures"]:
        return
    if not cases["against"]:
        row = cases["measures"][0]
        between = f" ({row['interval_text']})" if row["interval_text"] else ""
        yield "flat", "There is no champion to compare with.", f"{row['label']}: {row['candidate_text']}{between}."
        if calls := cases["calls"]:
            yield "flat", "What people would see of it:", calls_sentences(calls)
        return
    if all(row["is_same"] for row in cases["measures"]):
        yield "flat", "No measure differs at all.", "Both versions answer the same cases alike."
        return
    yield from _main(cases)
    yield from _seen(cases)


def _main(cases: Mapping[str, Any]) -> Said:
    """Say what the measure that decides comes to; one without any difference is said to be the same, not unclear."""
    verdict, rows = verdict_of(cases["measures"], cases["main"]), {row["name"]: row for row in cases["measures"]}
    words = {
        "better": ("good", "Better than the champion on the same cases."),
        "worse": ("bad", "Worse than the champion on the same cases."),
        "unclear": ("flat", "No clear difference to the champion."),
    }
    if not verdict:
        return
    kind, what = words[verdict]
    main = rows[cases["main"]]
    means, _, _ = main["about"].partition(";")
    named = f"{main['label']} ({means})" if means else main["label"]
    if main["is_same"]:
        words = cases["words"]
        alone = f" Only which {words['many']} are {words['called']} differs."
        more = alone if _decisions_alone(cases["measures"]) else ""
        yield "flat", f"Exactly the same {main['label']} as the champion.", f"{named}: {main['candidate_text']}.{more}"
        return
    exact = f"{named}: {main['champion_text']} → {main['candidate_text']}, {main['delta_text']} "
    yield kind, what, f"{exact}({main['interval_text']})."


def _decisions_alone(measures: Sequence[Row]) -> bool:
    """Whether all that differs is what people notice."""
    return all(row["is_same"] or row["name"] in EVERYDAY for row in measures)


def _seen(cases: Mapping[str, Any]) -> Said:
    rows = [row for row in cases["measures"] if row["name"] in EVERYDAY]
    calls = cases["calls"]
    said = calls_sentences(calls) if calls and calls["champion"] else " ".join(filter(None, map(_everyday, rows)))
    if not said:
        return
    if not any(map(side_of, rows)):
        yield "flat", "What people see of it stays about the same.", said
    elif calls and calls["better"] != calls["worse"]:
        kind, how = ("good", "better") if calls["better"] else ("bad", "worse")
        yield kind, f"What people see of it becomes {how}.", said
    else:
        yield "warn", "What people see of it changes: some becomes better, some worse.", said


def _everyday(row: Row) -> str:
    if row["champion"] is None or row["candidate"] is None:
        return ""
    before, after = round(row["champion"] * 100), round(row["candidate"] * 100)
    changed = f"{before} → {after} of 100" if before != after else f"{after} of 100, as before"
    return f"{row['label']}: {changed}."


def groups_of(cases: Mapping[str, Any]) -> Said:
    """Give the sentences about groups: which became worse, or which is most doubtful; and where nothing is called."""
    groups = cases["groups"]
    worse = [row["label"] for row in groups if row["worse"]]
    if worse:
        more = "" if len(worse) <= 3 else f" and {counted(len(worse) - 3, 'more group')}"
        yield "bad", f"Worse for {listed(worse[:3])}{more}, beyond chance.", "See the groups below."
    elif cases["groups_alike"]:
        yield from _alike(cases)
    elif groups and cases["against"]:
        row = groups[0]
        doubtful = f"Most doubtful: {row['label']}, {row['delta_text']} ({row['interval_text']})."
        yield "flat", "No group became worse beyond chance.", doubtful
    if silent := cases.get("silent"):
        names = listed(silent[:4], "and") if len(silent) <= 4 else f"{', '.join(silent[:4])} and {len(silent) - 4} more"
        many, called = cases["words"]["many"], cases["words"]["called"]
        what = "This is so for the champion too." if cases["against"] else ""
        yield "warn", f"{names}: no {many} are ever {called}.", what


def _alike(cases: Mapping[str, Any]) -> Said:
    """Say of groups whose ranking is the same which of them got most wrong answers."""
    same = f"{cases['main_label']} is the same in each of {counted(len(cases['groups']), 'group')}."
    first = cases["groups"][0]
    if not first["more_wrong"] or first["more_wrong"] < 0:
        yield "flat", same, ""
        return
    alarms = f"{first['alarms_champion']:,} → {first['alarms_candidate']:,} false alarms of 1,000"
    yield "flat", same, f"Most wrong answers more: {first['label']}, {alarms}."
