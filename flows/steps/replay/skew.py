"""Training/serving skew: online features as they were read in the replay, against the point-in-time ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from flows.steps.replay.log import ReplayLog, scored_months
from handrail.settings import Settings
from handrail.use_case import read_use_case


@dataclass(frozen=True, slots=True)
class Skew:
    """How far two readings of the same features are apart.

    `values` counts the compared values, `different` those that are not equal (missing equals missing), `one_sided`
    those of them that only one side knows. `max_difference` is the largest distance between two numbers, `features`
    counts the differences by feature.
    """

    subjects: int
    values: int
    different: int
    one_sided: int
    max_difference: float
    features: Mapping[str, int]


def compare_features(settings: Settings) -> dict[str, Any]:
    """Compare what the replay read online with what training would have seen; return the figures.

    Both have to be made first: the replay keeps a sample of each day, bulk scoring every subject.
    """
    entries = ReplayLog(settings.home / "replay").online()
    names_asked = [name for entry in entries for name in entry["subjects"]]
    names = sorted({name for entry in entries for name in entry["columns"]})
    online = {name: [value for entry in entries for value in entry["columns"][name]] for name in names}
    months = [pl.read_parquet(file) for file in sorted(scored_months(settings.home).glob("*.parquet"))]
    if not names_asked or not months:
        return asdict(Skew(0, 0, 0, 0, 0.0, {}))
    subject = read_use_case(settings.project).subject.column
    offline = pl.concat(months).join(
        pl.DataFrame({subject: names_asked, "place": range(len(names_asked))}), on=subject, how="inner"
    )
    ordered = offline.sort("place")
    common = [name for name in names if name in ordered.columns]
    return asdict(skew_of(len(names_asked), online, {name: ordered[name].to_list() for name in common}))


def skew_of(subjects: int, online: Mapping[str, Sequence[Any]], offline: Mapping[str, Sequence[Any]]) -> Skew:
    """Compare the columns of `offline` value by value with those of `online`, row by row."""
    pairs = {
        name: [pair for pair in zip(online[name], expected, strict=True) if not _equal(*pair)]
        for name, expected in offline.items()
    }
    unequal = [pair for of_feature in pairs.values() for pair in of_feature]
    known = [pair for pair in unequal if not any(map(_missing, pair))]
    return Skew(
        subjects=subjects,
        values=subjects * len(offline),
        different=len(unequal),
        one_sided=len(unequal) - len(known),
        max_difference=max((abs(one - other) for one, other in known if not isinstance(one, str)), default=0.0),
        features={name: len(of_feature) for name, of_feature in pairs.items() if of_feature},
    )


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _equal(one: Any, other: Any) -> bool:
    return (_missing(one) and _missing(other)) or bool(one == other)
