"""Records as monitoring leaves them below a home, one of them with an alert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from handrail.monitored import FORMAT, record_file

DRIFT = {
    "kind": "drift",
    "state": "alert",
    "checks": [{"holds": True}, {"holds": False}],
    "reasons": ["mean is 0.1, within the limit 0.2.", "score PSI is 0.452, beyond the limit 0.25."],
}
HEALTH = {"kind": "health", "state": "ok", "checks": [{"holds": True}], "reasons": ["all is well."]}
RECORD = {
    "format": FORMAT,
    "model": "churn",
    "month": "2013-09",
    "as_of": "2013-10-02T16:00:00+00:00",
    "deployment": "deploy://local/churn/1",
    "reports_project": "churn",
    "reports": [{"run_id": "r-1"}],
    "findings": [DRIFT, HEALTH],
}


def write(home: Path, record: dict[str, Any] | str, period: str = "2013-09") -> None:
    """Leave a record, or any text, where that of a period lies."""
    file = record_file(home, period)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
