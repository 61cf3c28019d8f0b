"""Comparisons that somebody recorded, on the page of what really happened: the verdict, and what it rests on.

They are shown as of the moment at which they were made: nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail.compared import read_comparisons
from handrail.entrypoints.answers.comparison_words import in_words
from handrail.entrypoints.console.charts import Interval, interval, scale_around
from handrail.entrypoints.console.deployments_page import model_of
from handrail.settings import Settings

Row = dict[str, Any]
SIGNS = {"better": "good", "worse": "bad", "no_difference": "note", "inconclusive": "open", "blocked": "warn"}
WORDS = {
    "better": "challenger better",
    "worse": "challenger worse",
    "no_difference": "no difference that matters",
    "inconclusive": "inconclusive",
    "blocked": "blocked",
}


def compared(settings: Settings, kind: str, model: str, reads: Callable[[str], bool], whole: bool) -> list[Row]:
    """Return the recorded comparisons about a kind and a model (empty: every one) that the person may read.

    One whose versions are not known is for those alone who may read all of them (`whole`). What is no comparison as
    this release writes it is left out.
    """
    found = []
    for each in read_comparisons(settings.home):
        try:
            versions = [*each["champion"]["models"], *each["challenger"]["models"]]
            names = {known[1] for version in versions if (known := model_of(version))}
            may_read = all(map(reads, versions)) and (whole or bool(versions))
            if each["kind"] == kind and may_read and (not model or model in names):
                found.append(_row(each))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found


def _row(each: Mapping[str, Any]) -> Row:
    gain = {
        name: None if each["gain"][name] is None else float(each["gain"][name]) for name in ("value", "low", "high")
    }
    lines = [{"what": what, "says": says} for what, says in in_words(dict(each)) if what != "predictions"]
    return {
        "name": str(each["name"]),
        "metric": str(each["metric"]),
        "answer": WORDS[each["answer"]],
        "sign": SIGNS[each["answer"]],
        "sentence": str(each["sentence"]),
        "gain": gain,
        "lines": lines,
        "as_of": str(each["as_of"]),
        "end": str(each["end"]),
    }


def pictured(rows: list[Row]) -> dict[str, Interval]:
    """Return the picture of each gain by the comparison's name: better is right, nothing in the middle."""
    pictures = {}
    for row in rows:
        gain = row["gain"]
        if gain["value"] is not None and gain["low"] is not None and gain["high"] is not None:
            scale = scale_around(gain.values(), zero=True)
            label = f"Gain in {row['metric']}: {row['answer']}"
            pictures[row["name"]] = interval(scale, gain["value"], gain["low"], gain["high"], label=label, zero=True)
    return pictures
