"""Reads config/feedback.yaml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, ValidationError, model_validator

from handrail.config import Section, explained, read_config, read_yaml
from handrail.feedback.domain.addresses import Matching
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Aggregation

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


Source = Annotated[str, Field(min_length=1, max_length=500)]

PRESETS: dict[str, dict[str, Any]] = {
    "conversion": {"values": [0, 1], "absence_means": 0},
    "revenue": {"aggregation": "sum"},
}
"""What a type of feedback says of itself, where the file does not say otherwise."""


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
    type: Literal["ground_truth", "rating", "survey", "conversion", "revenue", "correction", "review", "other"] = Field(
        default="other", description="what it is; fills in what is not said, see the README"
    )
    aggregation: Aggregation = Field(default="last", description="what several items of one prediction amount to")
    matching: Matching = Field(default="latest", description="which of several predictions a business key means")
    sources: list[Source] = Field(default=[], description="who may report it; empty allows every one")
    clock_skew_hours: float | None = Field(
        default=48, ge=0, le=87600, description="how far a moment may lie after the one at which it was received"
    )
    late_after_hours: float | None = Field(default=None, gt=0, le=87600, description="when what comes is called late")
    keep_days: int | None = Field(
        default=None, gt=0, le=36500, description="how long a text is kept; no limit if unset"
    )

    @model_validator(mode="before")
    @classmethod
    def _by_type(cls, said: Any) -> Any:
        return {**PRESETS.get(str(said.get("type")), {}), **said} if isinstance(said, dict) else said

    @model_validator(mode="after")
    def _whole_of_its_type(self) -> Self:
        if self.type == "revenue" and self.unit is None:
            raise ValueError("a revenue needs its currency: add unit, such as USD")
        if self.type in ("rating", "survey") and not self.values and None in (self.at_least, self.at_most):
            raise ValueError(f"a {self.type} needs its scale: add at_least and at_most, or values")
        if self.matching == "all" and self.aggregation == "sum":
            raise ValueError("an amount would count once for each prediction: matching all does not go with sum")
        return self

    @model_validator(mode="after")
    def _of_words(self) -> Self:
        if self.type == "review" and (self.values or self.whole or self.unit or self.absence_means != "unknown"):
            raise ValueError("a review is a text: values, whole, unit and absence_means have no place beside it")
        if self.type == "review" and (self.at_least is not None or self.at_most is not None):
            raise ValueError("a review is a text: at_least and at_most have no place beside it")
        if self.type != "review" and self.keep_days is not None:
            raise ValueError(
                "keep_days is for reviews, whose texts can be removed; numbers are what figures are made of"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.values and (self.at_least is not None or self.at_most is not None or self.whole):
            raise ValueError("values are listed, so at_least, at_most and whole have no place beside them")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self


class PrivacyFile(Section):
    """What is kept of persons."""

    subjects: Literal["plain", "keyed"] = Field(default="plain", description="how the log names subjects")
    keep_at_least_days: int = Field(default=0, ge=0, le=36500, description="how long the law has everything kept")


class FeedbackFile(Section):
    """The whole file."""

    version: Literal[1]
    privacy: PrivacyFile = PrivacyFile()
    kinds: dict[Name, KindFile]

    @model_validator(mode="after")
    def _as_long_as_the_law_says(self) -> Self:
        least = self.privacy.keep_at_least_days
        for name, kind in self.kinds.items():
            if kind.keep_days is not None and kind.keep_days < least:
                raise ValueError(f"{name} has keep_days {kind.keep_days}, below privacy.keep_at_least_days {least}")
        return self


def read_kinds(file: Path) -> dict[str, Kind]:
    """Read the declared kinds of feedback; without the file there are none, and predictions are still recorded.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    if not file.is_file():
        return {}
    parsed = read_config(file, FeedbackFile, remedy="See plugins/handrail/feedback/README.md.")
    return {name: _kind(name, rules) for name, rules in parsed.kinds.items()}


def read_kept(file: Path) -> dict[str, timedelta]:
    """Read how long the texts of each kind are kept; what is not among them is kept without a limit.

    Raises:
        Misconfigured: as `read_kinds`.
    """
    if not file.is_file():
        return {}
    kinds = read_config(file, FeedbackFile, remedy="See plugins/handrail/feedback/README.md.").kinds
    return {name: timedelta(days=each.keep_days) for name, each in kinds.items() if each.keep_days is not None}


def names_are_keyed(file: Path) -> bool:
    """Return whether subjects are named by pseudonyms; nothing else of the file is looked at.

    Raises:
        Misconfigured: the file is not YAML, or its privacy has an unknown key or a wrong value.
    """
    if not file.is_file():
        return False
    source = read_yaml(file)
    try:
        return PrivacyFile.model_validate(source.values.get("privacy", {})).subjects == "keyed"
    except ValidationError as err:
        location, problem, mend = explained(err, PrivacyFile)
        raise source.wrong(("privacy", *location), problem, mend or "Write plain or keyed.") from err


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
        matching=rules.matching,
        aggregation=rules.aggregation,
        sources=tuple(rules.sources),
        clock_skew=_hours(rules.clock_skew_hours),
        late_after=_hours(rules.late_after_hours),
        is_text=rules.type == "review",
    )


def _hours(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(hours=number)
