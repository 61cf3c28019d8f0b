"""What params.yaml says, read once and checked. Thresholds of the quality checks live in config/, not here."""

# pydantic reads the annotations at run time, so they stay real.

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from handrail.config import STRICT, Moment, Section, read_config

FILE = "params.yaml"


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise ValueError("expected a day such as 2013-07-01") from err


Day = Annotated[date, BeforeValidator(_day)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]


@dataclass(frozen=True, slots=True, config=STRICT)
class Window:
    """Half-open span of local days, in the zone of the description."""

    start: Day = Field(alias="from")
    end: Day = Field(alias="until")

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"until is {self.end}, expected a day after from ({self.start})")
        return self


@dataclass(frozen=True, slots=True, config=STRICT)
class LabelsSnapshot:
    """An exported feedback snapshot: a parquet file with subjects and labels, and the sha256 of its bytes."""

    path: str
    digest: str


class _SnapshotKeys(Section):
    path: str | None
    digest: str | None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.path is None) is not (self.digest is None):
            raise ValueError("expected both a path and a digest, or neither")
        return self


class _Sample(Section):
    share_of_days: Share


class DataParams(Section):
    """The keys of params.yaml that decide which rows the first three stages make."""

    # The same file has other keys, for the other stages.
    model_config = ConfigDict(extra="ignore")

    as_of: Moment
    go_live: Moment
    train: Window
    validate_window: Window = Field(alias="validate")
    snapshot: _SnapshotKeys = Field(alias="labels_snapshot")
    feature_set: str
    sample: _Sample

    @property
    def labels_snapshot(self) -> LabelsSnapshot | None:
        """The snapshot that labels after go-live come from, None before the first retraining."""
        path, digest = self.snapshot.path, self.snapshot.digest
        return LabelsSnapshot(path, digest.removeprefix("sha256:")) if path and digest else None

    @property
    def share_of_days(self) -> float:
        """The share of whole days that training keeps."""
        return self.sample.share_of_days


def read_params(project: Path) -> DataParams:
    """Read and check what the data stages need from `project`/params.yaml.

    Raises:
        Misconfigured: a key is missing, misspelt or has a value that cannot be used; the sentence names it.
    """
    return read_config(project / FILE, DataParams, shown=FILE)
