"""From data/validated to data/training: the labelled rows of each window with their features as they were known."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.snapshots import Labels
from flows.steps.project.outputs import fresh_folder, write_json, write_parquet
from flows.steps.project.params import DataParams, Window
from handrail.errors import InvalidInput, Unavailable, UnknownReference
from handrail.settings import load_settings
from handrail.use_case import UseCase


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Which rows are written and how: `identity` columns come first, those of them in `categorical` are features.

    `ask` turns rows into what Feast is asked with.
    """

    use_case: UseCase
    params: DataParams
    identity: Sequence[str]
    categorical: Sequence[str]
    ask: Callable[[pl.DataFrame], pl.DataFrame]

    def write(self, project: Path, subjects: pl.DataFrame, labels: Labels) -> None:
        """Write data/training of `project` from its data/features; registers nothing outside.

        Raises:
            InvalidInput: a window has no labelled subject.
            Unavailable: the stage's own feature store fails.
        """
        labelled = subjects.join(labels.rows, on=self.use_case.subject.column)
        if labels.unmatched:
            sys.stderr.write(f"features: {labels.sentence(self.use_case)}\n")
        windows = self.choose(labelled, labels)
        frames, service = self._read_features(project, windows, self.use_case.service_of(self.params.feature_set))
        with fresh_folder(project / "data" / "training") as folder:
            for name, frame in frames.items():
                write_parquet(frame, folder / f"{name}.parquet")
            manifest = self._manifest(frames["train"], service) | {
                "rows": {name: frame.height for name, frame in frames.items()},
                "labels": _origins(windows, labels),
            }
            write_json(folder / "manifest.json", manifest)
        _record_origins(project / "data" / "training", frames)

    def read_window(
        self, project: Path, subjects: pl.DataFrame, labels: Labels, window: str, service: str
    ) -> pl.DataFrame:
        """Return the rows of one window as `write` does, with the features of any service that the project defines.

        Raises:
            InvalidInput: the window has no labelled subject.
            Unavailable: the private feature store fails.
        """
        chosen = self.choose(subjects.join(labels.rows, on=self.use_case.subject.column), labels)
        return self._read_features(project, {window: chosen[window]}, service)[0][window]

    def choose(self, labelled: pl.DataFrame, labels: Labels) -> dict[str, pl.DataFrame]:
        """Return the labelled rows of the train and the validate window, in the order of their predictions.

        `labels` are those that `labelled` was made with: where rows of the table lack, they are the remedy.

        Raises:
            InvalidInput: a window is empty.
        """
        windows = {"train": self.params.train, "validate": self.params.validate_window}
        chosen = {name: self._within(labelled, window) for name, window in windows.items()}
        chosen["train"] = sample_days(chosen["train"], self.params.share_of_days, self.use_case.time.day)
        for name, window in windows.items():
            if chosen[name].is_empty():
                problem = f"no labelled {self.use_case.subject.one} from {window.start} until {window.end}"
                raise InvalidInput(name, problem, self._remedy(labels))
        return chosen

    def _remedy(self, labels: Labels) -> str:
        move = "Move the window, as_of or go_live in params.yaml."
        return f"{labels.sentence(self.use_case)} Or else: {move[0].lower()}{move[1:]}" if labels.unmatched else move

    def _within(self, rows: pl.DataFrame, window: Window) -> pl.DataFrame:
        inside = pl.col(self.use_case.time.day).is_between(window.start, window.end, closed="left")
        return rows.filter(inside).sort(self.use_case.time.event, self.use_case.subject.column)

    def _read_features(
        self, project: Path, windows: Mapping[str, pl.DataFrame], service: str
    ) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
        """Ask a private store of this stage, gone when it ends, and return the rows and the service's identity."""
        from feature_repo.store import apply, open_feature_store, service_identity

        with tempfile.TemporaryDirectory(prefix="handrail-features-") as private:
            store = open_feature_store(load_settings(project), project / "data" / "features", Path(private))
            try:
                apply(store)
                frames = {name: self._with_features(store, service, rows) for name, rows in windows.items()}
                return frames, service_identity(store, service)
            except sqlite3.Error as err:
                problem = f"the stage's own feature store failed: {err}"
                raise Unavailable(private, problem, "Free the disk there.") from err

    def _with_features(self, store: Any, service: str, rows: pl.DataFrame) -> pl.DataFrame:
        from feature_repo.store import historical
        from handrail.feast import same_rows

        asked = self.ask(rows)
        read = historical(store, asked.to_pandas(), service)
        answer = pl.from_pandas(read)
        features = [name for name in answer.columns if name not in asked.columns]
        label = rows.select(self.use_case.label.column)
        whole = pl.concat([rows.select(*self.identity), answer.select(features), label], how="horizontal")
        return same_rows(whole, of=read)

    def _manifest(self, frame: pl.DataFrame, service: Mapping[str, Any]) -> dict[str, Any]:
        label = self.use_case.label.column
        joined = [name for name in frame.columns if name not in self.identity and name != label]
        texts = [name for name in joined if frame.schema[name] == pl.String]
        return {
            "feature_service": {"name": service["name"], "spec_hash": service["spec_hash"]},
            "views": service["views"],
            "features": [*self.categorical, *joined],
            "categorical": [*self.categorical, *texts],
            "label": label,
        }


def require_service(use_case: UseCase, service: str) -> None:
    """Refuse a feature service that the description does not name (any more).

    Raises:
        UnknownReference: it is none of its sets, and none of the earlier ones.
    """
    of = use_case.features
    if service not in (*of.sets.values(), *of.earlier):
        known = ", ".join((*of.sets.values(), *of.earlier))
        raise UnknownReference("feature service", service, f"The sets of config/use_case.yaml are {known}.")


def read_validated(project: Path, table: str) -> pl.DataFrame:
    """Read what the stage left of a table.

    Raises:
        InvalidInput: it is missing or not a table.
    """
    shown = f"data/validated/{table}.parquet"
    if not (project / shown).is_file():
        raise InvalidInput(shown, "it is missing", "Make it with `dvc repro validate`.")
    try:
        return pl.read_parquet(project / shown)
    except pl.exceptions.PolarsError as err:
        raise InvalidInput(
            shown, "it is not a parquet file", "Make it again with `dvc repro --force validate`."
        ) from err


def sample_days(rows: pl.DataFrame, share: float, day: str = "day") -> pl.DataFrame:
    """Keep every k-th whole day, k the whole number nearest to 1 / share: a day is kept whole or not at all."""
    keep_every = round(1 / share)
    return rows.filter(pl.col(day).cast(pl.Int32) % keep_every == 0)


def _origins(windows: Mapping[str, pl.DataFrame], labels: Labels) -> dict[str, Any]:
    sources = pl.concat(windows.values()).get_column("source")
    return {
        "raw": int((sources == "raw").sum()),
        "snapshot": int((sources == "snapshot").sum()),
        "snapshot_unmatched": labels.unmatched,
        "digest": labels.digest,
    }


def _record_origins(folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Record in lineage which retrieval each file's features are from."""
    from handrail.feast import record_file

    for name, frame in frames.items():
        record_file(folder / f"{name}.parquet", frame)
