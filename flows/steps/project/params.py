"""What params.yaml says, read once and checked. Thresholds of the quality checks live in config/, not here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from handrail.clock import parse_moment
from handrail.errors import Misconfigured

FEATURE_SETS = ("all", "schedule")


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span of local (New York) days of scheduled departure."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class LabelsSnapshot:
    """An exported feedback snapshot: a parquet file with `flight_id` and `late`, and the sha256 of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class DataParams:
    """The keys of params.yaml that decide which rows the first three stages make."""

    as_of: datetime
    go_live: datetime
    train: Window
    validate: Window
    labels_snapshot: LabelsSnapshot | None
    feature_set: str
    share_of_days: float


def read_yaml(file: Path) -> dict[str, Any]:
    """Read one YAML mapping.

    Raises:
        Misconfigured: the file is absent, is not YAML, or holds no mapping.
    """
    name = file.name
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise Misconfigured(name, "it is missing", "Restore it: git checkout -- " + name + ".") from err
    except yaml.YAMLError as err:
        raise Misconfigured(name, f"it is not YAML: {' '.join(str(err).split())}", "Correct the file.") from err
    if not isinstance(values, dict):
        raise Misconfigured(name, "it does not hold a mapping", "Write 'key: value' lines.")
    return values


def read_params(project: Path) -> DataParams:
    """Read and check what the data stages need from `project`/params.yaml.

    Raises:
        Misconfigured: a key is missing, misspelt or has a value that cannot be used; the sentence names it.
    """
    values = read_yaml(project / "params.yaml")
    feature_set = _get(values, "feature_set")
    if feature_set not in FEATURE_SETS:
        raise _wrong("feature_set", feature_set, f"one of {', '.join(FEATURE_SETS)}")
    return DataParams(
        as_of=_moment(values, "as_of"),
        go_live=_moment(values, "go_live"),
        train=_window(values, "train"),
        validate=_window(values, "validate"),
        labels_snapshot=_snapshot(_get(values, "labels_snapshot")),
        feature_set=feature_set,
        share_of_days=_share(_get(values, "sample.share_of_days")),
    )


def _wrong(key: str, value: object, expected: str) -> Misconfigured:
    return Misconfigured("params.yaml", f"{key} is {value!r}, expected {expected}", "Correct it there.")


def _get(values: Mapping[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise Misconfigured("params.yaml", f"the key {dotted} is missing", "Add it.")
        found = found[part]
    return found


def _moment(values: Mapping[str, Any], key: str) -> datetime:
    value = _get(values, key)
    try:
        return parse_moment(value.isoformat() if isinstance(value, datetime) else str(value))
    except ValueError as err:
        raise _wrong(key, value, "an ISO 8601 moment such as 2013-08-01T04:00:00Z") from err


def _day(values: Mapping[str, Any], key: str) -> date:
    value = _get(values, key)
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise _wrong(key, value, "a day such as 2013-07-01") from err


def _window(values: Mapping[str, Any], key: str) -> Window:
    window = Window(_day(values, f"{key}.from"), _day(values, f"{key}.until"))
    if window.start >= window.end:
        raise _wrong(f"{key}.until", window.end.isoformat(), f"a day after {key}.from ({window.start})")
    return window


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise _wrong("sample.share_of_days", value, "a share above 0 and up to 1")
    return float(value)


def _snapshot(value: Any) -> LabelsSnapshot | None:
    path, digest = _get({"labels_snapshot": value}, "labels_snapshot.path"), value.get("digest")
    if path is None and digest is None:
        return None
    if not isinstance(path, str) or not isinstance(digest, str):
        raise _wrong("labels_snapshot", dict(value), "both a path and a digest, or neither")
    return LabelsSnapshot(path, digest.removeprefix("sha256:"))
