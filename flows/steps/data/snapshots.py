"""Labels after go-live: what an exported feedback snapshot says about subjects that the data holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.project.params import LabelsSnapshot
from handrail.errors import InvalidInput
from handrail.files import sha256_of
from handrail.use_case import UseCase

REMEDY = "Export it with the feedback plugin."


@dataclass(frozen=True, slots=True)
class Labels:
    """`rows` has the subject, its label and source (raw or snapshot), one row a labelled subject."""

    rows: pl.DataFrame
    digest: str | None
    unmatched: int

    def sentence(self, use_case: UseCase) -> str:
        """Say what was left out because the table lacks it, and what to do; for an `unmatched` above 0."""
        named = use_case.subject.one if self.unmatched == 1 else use_case.subject.many
        return (
            f"The labels snapshot has the outcome of {self.unmatched:,} {named} that the table lacks. "
            "They train nothing: add those rows to data/source."
        )


def with_snapshot(
    raw: pl.DataFrame, every: pl.DataFrame, project: Path, snapshot: LabelsSnapshot | None, use_case: UseCase
) -> Labels:
    """Add to the `raw` labels (subject and label) those that the snapshot alone has; `every` holds all subjects.

    Raises:
        InvalidInput: the snapshot is missing, is not the one that params.yaml names, or is not a snapshot.
    """
    subject = use_case.subject.column
    labelled = raw.with_columns(source=pl.lit("raw"))
    if snapshot is None:
        return Labels(labelled, None, 0)
    given = read_snapshot(project, snapshot, use_case)
    known = given.join(every.select(subject), on=subject, how="semi")
    new = known.join(labelled, on=subject, how="anti").with_columns(source=pl.lit("snapshot"))
    return Labels(pl.concat([labelled, new]), f"sha256:{snapshot.digest}", given.height - known.height)


def read_snapshot(project: Path, snapshot: LabelsSnapshot, use_case: UseCase) -> pl.DataFrame:
    """Read subject and label of an exported snapshot, after checking the sha256 of its bytes.

    Raises:
        InvalidInput: the file is missing or altered, lacks a column, repeats a subject or holds another label than
            its kind has.
    """
    file = project / snapshot.path
    if not file.is_file():
        raise InvalidInput(snapshot.path, "the labels snapshot is missing", "Fetch it with `dvc pull` or export it.")
    found = sha256_of(file)
    if found != snapshot.digest:
        raise InvalidInput(
            snapshot.path,
            f"its sha256 is {found}, params.yaml says {snapshot.digest}",
            "Export the snapshot again, or write its digest into labels_snapshot.",
        )
    return _checked(snapshot.path, file, use_case)


def _checked(shown: str, file: Path, use_case: UseCase) -> pl.DataFrame:
    subject, label = use_case.subject.column, use_case.label.column
    codes = _codes(use_case)
    kind: Any = pl.Float64 if codes is None else pl.Int8
    try:
        labels = pl.read_parquet(file, columns=[subject, label]).drop_nulls()
        labels = labels.select(pl.col(subject).cast(pl.String), pl.col(label).cast(kind))
    except pl.exceptions.PolarsError as err:
        raise InvalidInput(shown, f"it is not a parquet file with {subject} and {label}", REMEDY) from err
    if codes is not None and not labels.get_column(label).is_in(codes).all():
        allowed = f"{', '.join(str(code) for code in codes[:-1])} and {codes[-1]}"
        raise InvalidInput(shown, f"it holds a label other than {allowed}", REMEDY)
    if labels.get_column(subject).is_duplicated().any():
        raise InvalidInput(shown, f"it holds a {use_case.subject.one} twice", REMEDY)
    return labels


def _codes(use_case: UseCase) -> list[int] | None:
    """Return the labels that there are, None for numbers."""
    if use_case.label.kind == "binary":
        return [0, 1]
    return None if use_case.label.classes is None else list(range(len(use_case.label.classes)))
