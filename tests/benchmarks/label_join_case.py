"""One measurement of `bench-label-join`, in a process of its own; prints seconds and the highest memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback import Clusters, Feedback, FeedbackLog, LabelTables, Prediction, Scope
from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
from handrail.feedback.adapters.pyarrow_parts import PyarrowParts
from handrail.feedback.adapters.sql_log_reader import SqlLogReader
from handrail.feedback.adapters.sql_parts import SqlParts, SqlPartSource
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Mark
from handrail.feedback.domain.parts import Part
from handrail.feedback.domain.snapshots import Recount
from handrail.feedback.service import Compaction
from handrail.files import sha256_of
from handrail.storage import open_store

KIND = Kind("ground_truth", timedelta(hours=36), values=(0.0, 1.0))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 100
BATCH = 20_000
AS_OF = BEGIN + timedelta(days=2 * DAYS)
SCOPE = Scope("ground_truth", BEGIN, BEGIN + timedelta(days=DAYS), AS_OF)
EVERYTHING = Mark(2**62, 2**62)
PREDICTIONS = """select {first} + n as seq, 'deploy://local/shop/1' as deployment,
    md5('p' || ({first} + n)) as prediction_id, 'order-' || ({first} + n) as subject,
    timestamptz '{day} 00:00:00+00' + to_microseconds((86400000000 / {rows} * n)::bigint) as made_at,
    (hash({first} + n) % 1000003) / 1000003.0 as score, (hash({first} + n) % 1000003 > 500001)::integer as predicted,
    '' as features_digest, '' as feature_service, 2.5::double as latency_ms, '' as variant,
    null::double as propensity, null::double as sampled
from range({rows}) t(n)"""
EVENTS = """select {first} + row_number() over () - 1 as seq, deployment, md5(prediction_id || again) as event_id,
    prediction_id, 'ground_truth' as kind, 'shop' as source, again::integer as revision,
    made_at + interval 5 hour as occurred_at, made_at + interval 6 hour as received_at,
    (hash(prediction_id) % 1000003 < score * 1000003)::integer::double as value, '' as subject, '' as service,
    null::timestamptz as since, null::timestamptz as until, '' as item, '' as unit
from read_parquet('{made}'), range(2) a(again)
where case when again = 0 then seq % 16 < 10 else seq % 16 < 2 end"""
PLAIN = """with latest as (
    select prediction_id, arg_max(value, (revision, occurred_at, event_id)) as label from read_parquet('{events}')
    where kind = 'ground_truth' and received_at <= timestamptz '{as_of}' group by prediction_id)
select prediction_id, subject, deployment, made_at, score, predicted, latency_ms, label, variant, propensity, sampled
from read_parquet('{predictions}') left join latest using (prediction_id) order by made_at, prediction_id"""


def fill(folder: Path, predictions: int) -> None:
    """Write parts with so many predictions over `DAYS` days, and three events for each four of them."""
    import duckdb

    store, number, heard = open_store(f"sqlite:///{folder / 'handrail.db'}"), 1, 1
    feedback_stores(store)
    parts = []
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for day in range(DAYS):
            place = {"day": (BEGIN + timedelta(days=day)).date(), "first": number, "rows": predictions // DAYS}
            made = _write(connection, folder, "predictions", PREDICTIONS.format(**place), place)
            place |= {"first": heard, "made": folder / "parts" / made.path}
            said = _write(connection, folder, "events", EVENTS.format(**place), place)
            parts += [made, said]
            number, heard = number + made.rows, heard + said.rows
    SqlParts(store).record(parts)
    store.close()


def record(folder: Path, predictions: int) -> None:
    """Record so many predictions in a log, with three events for each four of them, and compact it."""
    store = open_store(f"sqlite:///{folder / 'handrail.db'}")
    stores = feedback_stores(store)
    step = timedelta(days=DAYS) / predictions
    for first in range(0, predictions, BATCH):
        made = [_prediction(number, step) for number in range(first, first + BATCH)]
        stores.predictions.append(made)
        stores.events.append([_outcome(each, 0) for n, each in enumerate(made) if n % 16 < 10])
        stores.events.append([_outcome(each, 1) for n, each in enumerate(made) if n % 16 < 2])
    Compaction(stores.reader, SqlPartSource(store), SqlParts(store), PyarrowParts(folder / "parts")).run()
    store.close()


def _prediction(number: int, step: timedelta) -> Prediction:
    score = number * 2_654_435_761 % 1_000_003 / 1_000_003
    at = BEGIN + number * step
    return Prediction(f"p{number}", "deploy://local/shop/1", f"order-{number}", at, score, int(score > 0.5))


def _outcome(about: Prediction, revision: int) -> Feedback:
    hour = timedelta(hours=1)
    value = float(about.score > 0.4)
    moments = about.made_at + 5 * hour, about.made_at + 6 * hour
    return Feedback(about.prediction_id, "ground_truth", value, "shop", revision, *moments)


def _write(connection: Any, folder: Path, what: Any, query: str, place: dict[str, Any]) -> Part:
    path = folder / "parts" / what / f"day={place['day']}" / "deployment_id=1" / "rows.parquet"
    path.parent.mkdir(parents=True)
    (rows,) = connection.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)").fetchone()
    first, last = place["first"], place["first"] + rows - 1
    path = path.rename(path.with_name(f"{first:012}-{last:012}.parquet"))
    name = str(path.relative_to(folder / "parts"))
    about = (rows, path.stat().st_size, sha256_of(path))
    return Part(what, name, place["day"], "deploy://local/shop/1", first, last, *about)


def join(folder: Path) -> Callable[[], int]:
    """Read the label table of everything, and return how many rows it has."""
    stores = feedback_stores(open_store(f"sqlite:///{folder / 'handrail.db'}"), folder / "parts")
    return lambda: sum(table.num_rows for table in stores.labels.tables(SCOPE, KIND, EVERYTHING))


def digest(folder: Path) -> Callable[[], int]:
    """Make the digest of a snapshot of everything again, and return how many predictions it has."""
    stores = feedback_stores(open_store(f"sqlite:///{folder / 'handrail.db'}"), folder / "parts")

    def again() -> int:
        recount = Recount(SCOPE, KIND, EVERYTHING)
        for predictions in stores.rows.predictions(SCOPE, KIND, EVERYTHING):
            recount.add_predictions(predictions)
        for events in stores.rows.events(SCOPE, KIND, EVERYTHING):
            recount.add_events(events)
        return recount.snapshot().predictions

    return again


def plain(folder: Path) -> Callable[[], int]:
    """Do the same join by one query of DuckDB over the same files."""
    import duckdb

    files = {what: f"{folder / 'parts' / what}/*/*/*.parquet" for what in ("predictions", "events")}
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    query = PLAIN.format(**files, as_of=AS_OF.isoformat())
    return lambda: int(connection.sql(query).to_arrow_table().num_rows)


class Everything(SqlLogReader):
    """The reader of a log all of whose rows lie in parts alone."""

    def mark(self) -> Mark:
        """Return a mark above every row."""
        return EVERYTHING


def judge(folder: Path) -> Callable[[], int]:
    """Judge everything by ROC-AUC with an interval over days, and return how many predictions that were."""
    store = open_store(f"sqlite:///{folder / 'handrail.db'}")
    stores = replace(feedback_stores(store, folder / "parts"), reader=Everything(store))
    labels = LabelTables(stores, {KIND.name: KIND})
    return lambda: labels.judge(SCOPE, "roc_auc", Clusters(), 200).figure.predictions


def rows(folder: Path) -> Callable[[], int]:
    """Make the same table by the rules in Python over rows of the log."""
    store = open_store(f"sqlite:///{folder / 'handrail.db'}")
    log = FeedbackLog(feedback_stores(store), PyarrowLabels(), {KIND.name: KIND})
    return lambda: len(log.cohort(None, KIND.name, SCOPE.start, SCOPE.end, AS_OF))


CASES = {"join": join, "digest": digest, "plain": plain, "judge": judge, "rows": rows}

if __name__ == "__main__":
    case = CASES[sys.argv[1]](Path(sys.argv[2]))
    started = time.perf_counter()
    counted = case()
    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"s": time.perf_counter() - started, "rows": counted, "mb": used_mb}) + "\n")
