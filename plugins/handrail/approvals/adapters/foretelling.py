"""Holds labelled rows against predictions from before their outcome. Runs confined, within the evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from handrail.approvals.domain.predictions import SCORE, micros_of
from handrail.errors import InvalidInput

TOLERANCE = 1.0e-6
"""How far a score that was committed may be from the one that is computed now, beside its own size if that is above 1:
the same model answers alike on other processors, but not to the last bit."""
REMEDY = "Hand in rows that say when each label became known, or leave 'prospective' out of config/evaluation.yaml."
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Foretold:
    """Files of predictions with the moment at which the gate had each, and the moment at which the rows came.

    Moments are microseconds since 1970 in UTC.
    """

    subject: str
    files: Sequence[tuple[bytes, int]]
    handed_in: int


def hold_against(
    foretold: Foretold, subjects: Sequence[str], known: np.ndarray, score: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """Say which rows were foretold, and count the others by what they lack.

    A row was foretold if the gate had a prediction of its subject, with this score, before the moment at which its
    label is said to have become known, which is before the rows were handed in.

    Args:
        foretold: the predictions.
        subjects: (n,) one for each row.
        known: (n,) int64, microseconds since 1970 in UTC; `NEVER` where nothing is said.
        score: (n,) what the model answers now.

    Returns:
        the counts by name, and (n,) bool.

    """
    said, unreadable = _by_subject(foretold)
    counts = {"rows": 0, "uncommitted": 0, "overdue": 0, "unequal": 0, "unreadable": unreadable}
    holds = np.zeros(len(subjects), dtype=bool)
    for place, (subject, moment, value) in enumerate(zip(subjects, known.tolist(), score.tolist(), strict=True)):
        timely = [each for at, each in said.get(subject, ()) if at < moment <= foretold.handed_in]
        if any(abs(each - value) <= TOLERANCE * max(1.0, abs(value)) for each in timely):
            holds[place] = True
            counts["rows"] += 1
        else:
            counts["unequal" if timely else "overdue" if subject in said else "uncommitted"] += 1
    return counts | {"coverage": counts["rows"] / len(said) if said else 0.0}, holds


def known_moments(table: pa.Table, name: str) -> np.ndarray:
    """Return when the label of each row became known, (n,) int64; without a zone it is UTC.

    Rows that do not say it are as good for all other measures: without the column nothing is foretold.

    Raises:
        InvalidInput: there are several such columns, or it holds no moments.
    """
    if name not in table.column_names:
        return np.full(table.num_rows, NEVER, dtype=np.int64)
    if table.column_names.count(name) != 1:
        raise InvalidInput("snapshot", f"it has no single column {name!r}", REMEDY)
    column = table[name]
    try:
        if not pa.types.is_timestamp(column.type):
            return np.array([_moment(value) for value in column.to_pylist()], dtype=np.int64)
        micros = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as err:
        raise InvalidInput("snapshot", f"its {name!r} holds something else than moments", REMEDY) from err
    return micros.fill_null(NEVER).to_numpy()


def warm_up_foretold(name: str) -> None:
    """Compute once on what is made up, so that libraries load now what they would load at its first use."""
    made = pa.table({name: pa.array([0, None], pa.timestamp("ns", tz="UTC"))})
    file = pa.BufferOutputStream()
    pq.write_table(pa.table({name: ["a", "b"], SCORE: [0.5, None]}), file)
    foretold = Foretold(name, [(file.getvalue().to_pybytes(), 0)], 0)
    hold_against(foretold, ["a", "c"], known_moments(made, name), np.array([0.5, 0.5]))


def _moment(value: str | None) -> int:
    return int(NEVER) if value is None else micros_of(datetime.fromisoformat(value))


def _by_subject(foretold: Foretold) -> tuple[Mapping[str, list[tuple[int, float]]], int]:
    """Return moment and score of each prediction that came before the rows, by subject, and how many files are none.

    One that cannot be read is left out: whoever sends it must not keep what others sent from counting.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    unreadable = 0
    for content, at in foretold.files:
        if at >= foretold.handed_in:
            continue
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read(columns=[foretold.subject, SCORE], use_threads=False)
            scores = table[SCORE].cast(pa.float64(), safe=False).to_pylist()
            subjects = table[foretold.subject].to_pylist()
        except (pa.ArrowException, OSError, KeyError):
            unreadable += 1
            continue
        for subject, score in zip(subjects, scores, strict=True):
            if subject is not None and score is not None and isfinite(score):
                found.setdefault(str(subject), []).append((at, score))
    return found, unreadable
