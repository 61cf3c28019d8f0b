"""Two versions to compare: what a split and a shadow leave in the log, as cohorts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from handrail.feedback import Cohort, ComparisonPlan, Measure, Sides
from handrail.feedback.domain.comparing import compare_cohorts
from handrail.feedback.domain.material import Scope

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=60)
SPLIT = Sides("variant", "champion", "challenger")
SHADOW = Sides("deployment", "deploy://x/s/1", "deploy://x/shadow/2")
BUY = Measure("sale", "conversion")


def cohort_of(rows, kind="sale"):
    """Return a cohort of (subject, variant, deployment, hours, score, predicted, label) and more, as one is read."""
    given = [
        {"propensity": 0.5, "mature": True, "latency_ms": 2.0, "sampled": None, "label": None, **row} for row in rows
    ]
    given.sort(key=lambda row: (row["hours"], row["subject"], row["variant"]))
    column = lambda name: tuple(row[name] for row in given)  # noqa: E731
    return Cohort(
        scope=Scope(kind, START, END, END),
        prediction_id=tuple(f"{row['variant']}-{row['subject']}-{row['hours']}" for row in given),
        subject=column("subject"),
        deployment=column("deployment"),
        made_at=tuple(START + timedelta(hours=row["hours"]) for row in given),
        score=column("score"),
        predicted=column("predicted"),
        latency_ms=column("latency_ms"),
        label=tuple(None if row["label"] is None else float(row["label"]) for row in given),
        revision=(None,) * len(given),
        mature=column("mature"),
        variant=column("variant"),
        propensity=column("propensity"),
        sampled=column("sampled"),
    )


def split(count=4_000, rates=(0.1, 0.1), seed=1, **more):
    """Return as many subjects in each arm, over 40 days, of whom that share buys."""
    source = random.Random(seed)
    return [
        {
            "subject": f"{variant}{n}",
            "variant": variant,
            "deployment": f"deploy://x/s/{variant}",
            "hours": 960 * n / count,
            "score": 0.5,
            "predicted": 1,
            "label": int(source.random() < rate),
            **more,
        }
        for variant, rate in zip(("champion", "challenger"), rates, strict=True)
        for n in range(count)
    ]


def shadow(count=2_000, worth=0.05, noise=0.3, seed=2):
    """Return cases that both answered; the challenger's probability is nearer to the truth by `worth` in the mean."""
    source, rows = random.Random(seed), []
    for n in range(count):
        label, score = int(source.random() < 0.3), source.random() * 0.5
        better = score + (worth + source.gauss(0, noise) * 0.2) * (1 if label else -1)
        for sides, value in (("deploy://x/s/1", score), ("deploy://x/shadow/2", min(max(better, 0), 1))):
            rows.append(
                {
                    "subject": f"case{n}",
                    "variant": "",
                    "propensity": None,
                    "deployment": sides,
                    "hours": 960 * n / count,
                    "score": value,
                    "predicted": int(value > 0.5),
                    "label": label,
                }
            )
    return rows


def compared(rows, plan=None, others=(), **more):
    plan = plan or ComparisonPlan(SPLIT, BUY, **more)
    cohorts = {plan.measure.kind: cohort_of(rows, plan.measure.kind), **dict(others)}
    return compare_cohorts(plan, cohorts, (None, END))
