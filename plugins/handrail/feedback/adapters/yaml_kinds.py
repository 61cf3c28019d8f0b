"""Reads config/feedback.yaml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator

from handrail.config import Section, read_config
from handrail.feedback.domain.kinds import Kind

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class ExportColumns(Section):
    """How an exported snapshot names its columns."""

    subject: Name = Field(default="subject", description="column of the subject")
    label: Name = Field(default="label", description="column of the label")


class KindFile(Section):
    """One kind of feedback."""

    maturity_window_hours: float = Field(gt=0, le=87600, description="how long to wait before silence says something")
    absence_means: Literal["unknown"] | Finite = Field(
        default="unknown", description="the label of a mature prediction about which nothing was said"
    )
    values: list[Finite] = Field(default=[], description="the allowed values; empty allows every finite number")
    at_least: Finite | None = Field(default=None, description="the smallest allowed value")
    at_most: Finite | None = Field(default=None, description="the largest allowed value")
    whole: StrictBool = Field(default=False, description="whether only whole numbers are allowed")
    export: ExportColumns = ExportColumns()
    unit: Currency | None = Field(default=None, description="the currency, if values are amounts of money to sum")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.values and (self.at_least is not None or self.at_most is not None or self.whole):
            raise ValueError("values are listed, so at_least, at_most and whole have no place beside them")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self


class FeedbackFile(Section):
    """The whole file."""

    version: Literal[1]
    kinds: dict[Name, KindFile]


def read_kinds(file: Path) -> dict[str, Kind]:
    """Read the declared kinds of feedback; without the file there are none, and predictions are still recorded.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    if not file.is_file():
        return {}
    parsed = read_config(file, FeedbackFile, remedy="See plugins/handrail/feedback/README.md.")
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
        at_least=rules.at_least,
        at_most=rules.at_most,
        whole=rules.whole,
    )
