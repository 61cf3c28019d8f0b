"""A use case that shares no word with the flights, its variants, and how a test writes and reads it."""

from __future__ import annotations

import re
from pathlib import Path

from handrail.use_case import FILE, UseCase, read_use_case

PARCELS = """\
version: 1
name: parcels
question: Does a parcel arrive in time?
subject: {column: parcel, one: parcel, many: parcels}
entities: [depot, town]
time:
  event: sent_at
  known: arrived_at
  day: sent_day
label:
  column: late
  kind: binary
  positive: late
  negative: in time
  feedback: arrival
request:
  parcel: {type: text, example: "17"}
  depot: {type: text, pattern: "^[A-Z]+$", example: NORTH}
  town: {type: text, nullable: true}
  pieces: {type: whole, at_least: 1, at_most: 9, example: 2}
  weight: {type: number, at_least: 0, example: 2.5}
  fragile: {type: truth, example: false}
  sent_at: {type: moment, example: "2026-05-01T08:00:00+02:00"}
features:
  default: all
  sets: {all: parcels_v1, plain: parcels_plain_v2}
slices: [depot, pieces]
cluster: sent_day
metrics:
  main: roc_auc
  margin: 0.01
  limits:
    log_loss: {limit: 0.6, objective: quality}
costs:
  unit: euros
  missed: 5
  false_alarm: 1
replay:
  until: "2026-06-01T00:00:00Z"
  outcomes_until: "2026-06-03T00:00:00Z"
"""
OTHER_LABELS = {
    "multiclass": "label:\n  column: late\n  kind: multiclass\n  classes: [early, due, late]\n",
    "regression": "label:\n  column: late\n  kind: regression\n  unit: days\n",
    "count": "label:\n  column: late\n  kind: count\n",
}
MAIN = {"multiclass": "accuracy", "regression": "mae", "count": "poisson_deviance"}


def of_kind(kind: str) -> str:
    """Return the description with another kind of label, and nothing that belongs to a binary one."""
    plain = re.sub(r"label:\n(  .*\n)+", OTHER_LABELS[kind], PARCELS)
    plain = re.sub(r"costs:\n(  .*\n)+", "", plain)
    return re.sub(r"  main: roc_auc\n(  margin: .*\n)(  .*\n)+", rf"  main: {MAIN[kind]}\n\1", plain)


def read(project: Path, text: str = PARCELS) -> UseCase:
    (project / FILE).parent.mkdir(exist_ok=True)
    (project / FILE).write_text(text, encoding="utf-8")
    return read_use_case(project)


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)
