"""What is asked of DuckDB for a cohort. The rules are those of `domain.material` and `domain.addresses`, by columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.values import EPOCH, microseconds

DAY = timedelta(days=1)
_MADE = "prediction_id, subject, deployment, made_at, score, predicted, latency_ms, variant, propensity, sampled"
_SAID = "prediction_id, revision, epoch_us(occurred_at) as occurred_at, event_id, value, item"
_RANK = "{'a': revision, 'b': occurred_at, 'c': event_id}"
_HELD = "{'value': value, 'revision': revision, 'occurred_at': occurred_at, 'event_id': event_id}"
_PAIR = "{'value': value, 'revision': revision}"
_STOOD = "{'a': held.occurred_at, 'b': held.revision, 'c': held.event_id}"

_ITEMS = """select prediction_id, max(held.revision) as revision,
    case when count(*) = 1 then any_value(held.value) else {together} end as value, {several} as several
from (select prediction_id, item, arg_max({held}, {rank}) as held from events group by prediction_id, item)
group by prediction_id"""
_FEW = "case when count(held.value) <= 2 then {few} end"
_MANY = "case when count(*) > 1 and count(held.value) > 2 then list(held.value) filter (held.value is not null) end"
_NONE = "null::double[]"


def _items(together: str, several: str = _NONE) -> str:
    return _ITEMS.format(together=together, several=several, held=_HELD, rank=_RANK)


CURRENT = {
    "one": f"""select prediction_id, held.revision as revision, held.value as value, {_NONE} as several
from (select prediction_id, arg_max({_PAIR}, {_RANK}) as held from events group by prediction_id)""",
    "last": _items(f"arg_max(held.value, {_STOOD})"),
    "first": _items(f"arg_min(held.value, {_STOOD})"),
    "sum": _items(_FEW.format(few="sum(held.value)"), _MANY),
    "mean": _items(_FEW.format(few="sum(held.value) / count(held.value)"), _MANY),
}
"""Which value holds of each prediction, by the rule of its kind; `one` where no event names an item.

`several` has the values that are put together outside, exactly; two of them have an exactly rounded sum here."""

GROUP = """with made as ({made}), events as ({events}), current as ({current})
select prediction_id, subject, deployment, made_at, score, predicted, latency_ms,
    case when value is null and several is null and made_at <= {until} then {absent} else value end as label,
    revision, made_at <= {until} as mature, variant, propensity, sampled, several
from made left join current using (prediction_id) order by made_at, prediction_id"""
_SERVICE = """case when starts_with(r.deployment, 'deploy://') and len(string_split(r.deployment, '/')) >= 5
    then string_split(r.deployment, '/')[4] else '' end"""
_FITS = f"""select a.event_id, r.prediction_id, r.made_at from addressed a join rivals r using (subject)
where r.made_at <= a.occurred_at and (a.service = '' or a.service = {_SERVICE})
    and (a.since is null or r.made_at >= a.since) and (a.until is null or r.made_at < a.until)"""
_MATCHES = {
    "all": f"select event_id, prediction_id from ({_FITS})",
    "latest": f"""select event_id, arg_max(prediction_id, {{'a': made_at, 'b': prediction_id}}) as prediction_id
from ({_FITS}) group by event_id""",
    "refuse": f"""select event_id, any_value(prediction_id) as prediction_id
from ({_FITS}) group by event_id having count(*) = 1""",
}


class Rows(NamedTuple):
    """Queries for the predictions of some days, and for the events that may be about them."""

    made: str
    events: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: a scope by the rules of a kind, at or below a mark.

    With `earlier` the table of that name holds events that were known before their rows say so.
    """

    scope: Scope
    kind: Kind
    upto: Mark
    earlier: bool = False

    def with_earlier(self, earlier: bool) -> Query:
        """Return the same, for a log in which events were received before their rows say so."""
        return replace(self, earlier=earlier)

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day on which predictions of the scope can have been made, in UTC."""
        return day_of(self.scope.start), day_of(min(self.scope.end, self.scope.as_of))

    def labels(self) -> dict[str, str]:
        """Return until when predictions are mature, and what silence means then."""
        absent = self.kind.absence_means
        until = moment(self.kind.matured_until(self.scope.as_of))
        return {"until": until, "absent": "null" if absent is None else f"{float(absent)!r}::double"}

    def made(self, start: str, end: str) -> str:
        """Return the condition for predictions of the scope in [start, end)."""
        about = [f"made_at >= {start} and made_at < {end}", f"made_at <= {moment(self.scope.as_of)}"]
        if self.scope.deployment is not None:
            about.append(f"deployment = {quoted(self.scope.deployment)}")
        return " and ".join([*about, f"seq <= {self.upto.predictions}"])

    def known(self) -> str:
        """Return the condition for events of the kind that were known."""
        received = f"received_at <= {moment(self.scope.as_of)}"
        if self.earlier:
            received = f"({received} or event_id in (from earlier))"
        return f"kind = {quoted(self.kind.name)} and {received} and seq <= {self.upto.events}"

    def group(self, days: tuple[date, date], made: Sequence[str], said: Sequence[str], loose: bool) -> Rows:
        """Return what is asked about the days, of files of predictions and files of events."""
        start, end = max(_at(days[0]), self.scope.start), min(_at(days[1]) + DAY, self.scope.end)
        where = self.made(moment(start), moment(end))
        rows = _union(_MADE, "tail_predictions", made, where)
        events = f"select {_SAID} from {_read(said)} where prediction_id <> '' and {self.known()}" if said else ""
        beside = "select * from loose where prediction_id in (select prediction_id from made)" if loose else ""
        parts = [each for each in (events, beside) if each] or ["select * from loose"]
        return Rows(rows, " union all ".join(parts))


def loose(query: Query, said: Sequence[str], made: Sequence[str], earlier: bool) -> Iterator[str]:
    """Yield statements that make the table `loose`: events that do not lie beside their prediction."""
    query = query.with_earlier(earlier)
    by_id = _union(_SAID, "tail_events", said, f"prediction_id <> '' and {query.known()}")
    yield f"create temp table loose as {by_id}"
    columns = "subject, service, since, until, occurred_at, revision, event_id, value, item"
    by_key = _union(columns, "tail_events", said, f"subject <> '' and {query.known()}")
    yield f"create temp table addressed as {by_key}"
    about = f"made_at <= {moment(query.scope.as_of)} and seq <= {query.upto.predictions}"
    asked = f"{about} and subject in (select subject from addressed)"
    yield "create temp table rivals as " + _union(
        "prediction_id, subject, made_at, deployment", "tail_predictions", made, asked
    )
    matched = _MATCHES[query.kind.matching]
    yield f"""insert into loose select m.prediction_id, a.revision, epoch_us(a.occurred_at), a.event_id, a.value, a.item
from addressed a join ({matched}) m using (event_id)"""
    yield "drop table rivals"


def tail_days(query: Query) -> str:
    """Return the query for how many rows of the log behind the parts each day has."""
    where = query.made(moment(query.scope.start), moment(query.scope.end))
    return f"select made_at::date as day, count(*) from tail_predictions where {where} group by 1"


def literal(path: Path) -> str:
    """Return a file's path for a query, in which no character is a pattern."""
    plain = "".join(f"[{each}]" if each in "[*?" else each for each in str(path))
    return quoted(plain)


def quoted(text: str) -> str:
    """Return a text for a query."""
    return "'" + text.replace("'", "''") + "'"


def moment(at: datetime) -> str:
    """Return a moment for a query."""
    return f"make_timestamptz({microseconds(at)})"


def day_of(at: datetime) -> date:
    """Return the day of a moment in UTC."""
    return at.astimezone(UTC).date()


def _at(day: date) -> datetime:
    return EPOCH + (day - EPOCH.date())


def _read(files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(files)}], hive_partitioning = false)"


def _union(columns: str, tail: str, files: Sequence[str], where: str) -> str:
    sources = [tail, _read(files)] if files else [tail]
    return " union all ".join(f"select {columns} from {source} where {where}" for source in sources)
