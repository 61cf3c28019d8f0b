"""Which keys of a project move together when its table grows, and where to."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from handrail.config import Moment, Section, read_config
from handrail.scaffold.defaults import LATEST_REPORT
from handrail.use_case import UseCase

PARAMS = "params.yaml"


class _Days(Section):
    start: date = Field(alias="from")
    end: date = Field(alias="until")


class Params(Section):
    """The keys of params.yaml that say what was known when, and which days are for what."""

    # The same file has other keys.
    model_config = ConfigDict(extra="ignore")

    as_of: Moment
    go_live: Moment
    train: _Days
    validate_days: _Days = Field(alias="validate")


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the keys move to: of params.yaml, and `replay` of config/use_case.yaml, None if it has none."""

    by: str
    params: dict[str, Any]
    replay: dict[str, datetime] | None


def read_params(project: Path) -> Params:
    """Read what moves of `project`/params.yaml.

    Raises:
        Misconfigured: a key is missing or has a value that cannot be used.
    """
    return read_config(project / PARAMS, Params, shown=PARAMS)


def moved(params: Params, use_case: UseCase, former_end: date, last: tuple[datetime, datetime]) -> Moved | None:
    """Return where the keys move to, None if they stay; `last` is the last event and the last known-at of the table.

    They move by as much as the table grew after `former_end`, the day after its last one: in whole months if each
    window ends at the start of one, else in days. The first day of training stays, so that training grows.
    """
    zone = ZoneInfo(use_case.time.zone)
    event, known = (moment.astimezone(zone).date() + timedelta(days=1) for moment in last)
    edges = (params.train.end, params.validate_days.start, params.validate_days.end)
    is_monthly = all(edge.day == 1 for edge in (*edges, params.go_live.astimezone(zone)))
    months = (event.year - former_end.year) * 12 + event.month - former_end.month if is_monthly else 0
    days = 0 if is_monthly else (event - former_end).days
    if months <= 0 and days <= 0:
        return None

    def later(day: date) -> date:
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        last = monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=days)

    def later_moment(moment: datetime) -> datetime:
        local = moment.astimezone(zone)
        return datetime.combine(later(local.date()), local.time(), zone).astimezone(UTC)

    windows = {
        "as_of": later_moment(params.as_of),
        "go_live": later_moment(params.go_live),
        "train": {"from": params.train.start, "until": later(params.train.end)},
        "validate": {"from": later(params.validate_days.start), "until": later(params.validate_days.end)},
    }
    outcomes = datetime.combine(max(known, event) + timedelta(days=1), time(), zone).astimezone(UTC) + LATEST_REPORT
    replay = {"until": datetime.combine(event, time(), zone).astimezone(UTC), "outcomes_until": outcomes}
    by = f"{months} month{'s' * (months > 1)}" if months else f"{days} day{'s' * (days > 1)}"
    return Moved(by, windows, replay if use_case.replay else None)
