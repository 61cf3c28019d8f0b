"""What monitoring reported about a period, as files below home: written by the flows, read by pages.

A file is a record in the format `handrail.month/1`; its `findings` say what was held against which limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FORMAT = "handrail.month/1"
ALERT: Literal["alert"] = "alert"
INFORMATION: Literal["information"] = "information"
MOST_READ = 120
"""How many records are read, the latest periods first."""


@dataclass(frozen=True, slots=True)
class MonitoringAlert:
    """One finding that asked somebody to act, or informed of a change that does no harm.

    `period` is what was judged (`2013-09`), `kind` what about it (`drift`), `sentences` the figures that are beyond
    their limits, `advice` what somebody may do about it, and `reports` the URIs of the reports on the period.
    """

    model: str
    period: str
    kind: str
    as_of: str
    deployment: str
    sentences: tuple[str, ...]
    reports: tuple[str, ...]
    advice: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the alert as JSON values."""
        return {
            "model": self.model,
            "period": self.period,
            "kind": self.kind,
            "as_of": self.as_of,
            "deployment": self.deployment,
            "sentences": list(self.sentences),
            "reports": list(self.reports),
            "advice": list(self.advice),
        }


def record_file(home: Path, period: str) -> Path:
    """Return where the record of a period lies."""
    return home / "monitoring" / "findings" / f"{period}.json"


def read_alerts(home: Path, state: str = ALERT) -> tuple[MonitoringAlert, ...]:
    """Return the alerts that monitoring reported, the latest period first; a file that is no record is left out.

    With `INFORMATION` as the state, what it informed of.
    """
    files = sorted(record_file(home, "any").parent.glob("*.json"), reverse=True)[:MOST_READ]
    return tuple(alert for file in files for alert in _alerts(_read(file), state))


def read_latest(home: Path) -> Mapping[str, Any]:
    """Return the record of the latest period, empty if there is none."""
    files = sorted(record_file(home, "any").parent.glob("*.json"), reverse=True)[:MOST_READ]
    return next((found for found in map(_read, files) if found), {})


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}


def _alerts(record: Mapping[str, Any], state: str) -> list[MonitoringAlert]:
    try:
        about = f"evidently://{record['reports_project']}/report/"
        advice = tuple(map(str, record.get("advice", ())))
        reports = tuple(f"{about}{each['run_id']}" for each in record["reports"])
        return [
            MonitoringAlert(
                model=str(record["model"]),
                period=str(record["month"]),
                kind=str(finding["kind"]),
                as_of=str(record["as_of"]),
                deployment=str(record["deployment"]),
                sentences=_sentences(finding, state),
                reports=reports,
                advice=() if finding["kind"] == "health" else advice,
            )
            for finding in record["findings"]
            if finding["state"] == state
        ]
    except (KeyError, TypeError):
        return []


def _sentences(finding: Mapping[str, Any], state: str) -> tuple[str, ...]:
    """Return the sentences of an alert's checks that do not hold, else those of all checks."""
    if state != ALERT:
        return tuple(map(str, finding["reasons"]))
    pairs = zip(finding["checks"], finding["reasons"], strict=False)
    return tuple(str(sentence) for check, sentence in pairs if not check["holds"])
