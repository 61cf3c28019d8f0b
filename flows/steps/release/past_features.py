"""The features of one subject as they were known when it was asked about, from the project's own tables.

`python -m flows.steps.release.past_features` reads `{"subject", "made_at", "service"}` from its standard input and
writes one line of JSON: the features by name, or null where the tables do not hold the subject.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import polars as pl

from flows.steps.data.live import open_live
from flows.steps.release.history import open_history, point_in_time
from handrail.errors import HandrailError
from handrail.settings import Settings, load_settings
from handrail.use_case import read_use_case


def features_of(settings: Settings, subject: str, made_at: datetime, service: str) -> dict[str, Any] | None:
    """Return the features of a feature service for a subject at a moment, None if the tables do not hold it.

    Raises:
        Misconfigured: the description does not say when the recorded data ends.
        Unavailable: the tables cannot be read.
    """
    case, live = read_use_case(settings.project), open_live(settings)
    rows = live.rows.filter(pl.col(case.subject.column).cast(pl.String) == subject)
    if rows.is_empty():
        return None
    asked = rows.head(1).with_columns(pl.lit(made_at).cast(rows.schema[case.time.event]).alias(case.time.event))
    return point_in_time(open_history(settings, live.features), asked, service).row(0, named=True)


def main() -> int:
    """Answer one question; what is refused ends in a sentence and exit code 1."""
    asked = json.load(sys.stdin)
    made_at = datetime.fromisoformat(asked["made_at"])
    try:
        found = features_of(load_settings(), asked["subject"], made_at, asked["service"])
    except HandrailError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    sys.stdout.write(f"\n{json.dumps(found, default=str)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
