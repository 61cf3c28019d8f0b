"""Reads config/feedback.yaml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handrail.errors import Misconfigured
from handrail.feedback.domain import Kind

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class ExportColumns(BaseModel):
    """How an exported snapshot names its columns."""

    model_config = ConfigDict(extra="forbid")

    subject: Name = Field(default="subject", description="column of the subject")
    label: Name = Field(default="label", description="column of the label")


class KindFile(BaseModel):
    """One kind of feedback."""

    model_config = ConfigDict(extra="forbid")

    maturity_window_hours: float = Field(gt=0, le=87600, description="how long to wait before silence says something")
    absence_means: Literal["unknown"] | Finite = Field(
        default="unknown", description="the label of a mature prediction about which nothing was said"
    )
    values: list[Finite] = Field(default=[], description="the allowed values; empty allows every finite number")
    export: ExportColumns = ExportColumns()
    unit: Currency | None = Field(default=None, description="the currency, if values are amounts of money to sum")


class FeedbackFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    kinds: dict[Name, KindFile]


def read_kinds(file: Path) -> dict[str, Kind]:
    """Read the declared kinds of feedback; without the file there are none, and predictions are still recorded.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    if not file.is_file():
        return {}
    try:
        parsed = FeedbackFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as err:
        raise Misconfigured(str(file), "it is not YAML", f"Correct it: {' '.join(str(err).split())}.") from err
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Misconfigured(
            str(file), f"{key}: {first['msg'].lower()}", "See plugins/handrail/feedback/README.md."
        ) from err
    return {name: _kind(name, rules) for name, rules in parsed.kinds.items()}


def _kind(name: str, rules: KindFile) -> Kind:
    return Kind(
        name=name,
        maturity_window=timedelta(hours=rules.maturity_window_hours),
        absence_means=None if rules.absence_means == "unknown" else rules.absence_means,
        values=tuple(rules.values),
        subject_column=rules.export.subject,
        label_column=rules.export.label,
        unit=rules.unit or "",
    )
