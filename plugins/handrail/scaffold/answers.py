"""What is to be predicted: the kind of the label, what its values are called, and how they become numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from handrail.errors import InvalidInput
from handrail.label_kinds import KINDS, NUMERIC
from handrail.scaffold.options import Ask, Options, Question
from handrail.scaffold.profile import MOST_CATEGORIES, ROW, Profile, Profiled

YES = ("1", "1.0", "true", "yes", "t", "y", "positive", "pos", "bad", "fraud", "default", "churn", "churned", "spam")
FEWEST_OF_A_CLASS = 20
MOST_CLASSES_OF_NUMBERS = 10
LARGEST_COUNT = 10_000
FEW_OTHERS = 0.01
"""Up to this part of the rows, values that are no counts are named as a possible mistake."""
MAIN_METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse", "count": "rmse"}


@dataclass(frozen=True, slots=True)
class Answers:
    """The label as it was understood; `values` are its values as they were read, in the order of their codes."""

    column: str
    kind: str
    values: tuple[Any, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def positive(self) -> str | None:
        """What 1 is called."""
        return self.texts[1] if self.kind == "binary" else None

    @property
    def negative(self) -> str | None:
        """What 0 is called."""
        return self.texts[0] if self.kind == "binary" else None

    def convert(self) -> Any:
        """Return the polars expression of the label as the project keeps it."""
        import polars as pl

        column = pl.col(self.column)
        if self.kind == "binary":
            return column == self.values[1]
        if self.kind == "multiclass":
            return column.replace_strict(dict(zip(self.values, self.texts, strict=True)), return_dtype=pl.String)
        return column.cast(pl.Int64 if self.kind == "count" else pl.Float64)

    def coded(self, values: Any) -> np.ndarray:
        """Return a polars Series of the label as numbers (n,): 0 and 1, the code of a class, or itself."""
        if not self.values:
            return values.cast(float).to_numpy()
        places = {value: code for code, value in enumerate(self.values)}
        return np.array([places[value] for value in values], dtype=float)


def understand_label(profiled: Profiled, options: Options, ask: Ask) -> tuple[Answers, list[str]]:
    """Return the label as it is meant, and one sentence for each guess.

    Raises:
        InvalidInput: it is constant, a moment, has too many texts or too few rows of a class; or does not fit `--kind`.
    """
    label = profiled.columns[profiled.label]
    _check(label)
    counts = _counts(profiled, label)
    guess, reason = _kind(label, len(counts))
    if options.kind is None:
        kind = ask(Question("--kind", f"What sort of label is {label.name!r}?", guess, KINDS))
    else:
        kind = options.kind
    notes = [] if options.kind else [f"{label.name!r} is a {kind} label: {reason}. Otherwise: --kind."]
    if kind in NUMERIC:
        _check_number(profiled, label, kind)
        return Answers(label.name, kind), [*notes, *_nearly_a_count(profiled, label, kind)]
    _check_classes(label, kind, counts)
    if kind == "binary":
        called = _words(profiled) if label.type == "truth" else {value: text_of(value) for value in counts}
        values, note = _with_positive(label.name, counts, called, options, ask)
        return Answers(label.name, kind, values, tuple(called[value] for value in values)), notes + note
    values = tuple(sorted(counts))
    return Answers(label.name, kind, values, tuple(map(text_of, values))), notes


def text_of(value: Any) -> str:
    """Return what a label's value is called."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check(label: Profile) -> None:
    if label.skipped:
        raise InvalidInput("--label", f"{label.name!r} cannot be predicted: {label.skipped}", "Give another column.")
    if label.type == "moment":
        problem = f"{label.name!r} holds moments"
        raise InvalidInput("--label", problem, "Give a column of numbers or classes, such as the hours until then.")


def _counts(profiled: Profiled, label: Profile) -> dict[Any, int]:
    """Return how often each value is there, nothing if there are too many for classes."""
    import polars as pl

    if label.distinct > 2 * MOST_CATEGORIES:
        return {}
    counted = profiled.frame().group_by(pl.col(label.name)).agg(pl.len().alias("rows at")).collect(engine="streaming")
    counts = dict(counted.select(label.name, "rows at").iter_rows())
    if len(counts) == 1:
        value = text_of(next(iter(counts)))
        raise InvalidInput(
            "--label", f"{label.name!r} is {value!r} in each row", "Give a column that differs, or a table with more."
        )
    return counts


def _kind(label: Profile, values: int) -> tuple[str, str]:
    if values == 2:
        return "binary", "it has two values"
    if label.type == "text":
        return "multiclass", f"it has {values or label.distinct} different texts"
    is_whole = label.type == "whole"
    if is_whole and 0 < values <= MOST_CLASSES_OF_NUMBERS:
        return "multiclass", f"it has {values} different whole numbers"
    if is_whole and label.low >= 0 and label.high <= LARGEST_COUNT:
        return "count", "it holds whole numbers from 0 on"
    return "regression", "it holds numbers"


def _check_number(profiled: Profiled, label: Profile, kind: str) -> None:
    if label.type not in ("whole", "number"):
        raise InvalidInput(
            "--kind", f"a {kind} needs numbers, and {label.name!r} is {label.type}", "Write another kind."
        )
    if kind == "count" and (others := _no_counts(profiled, label)).rows:
        problem = f"a count needs whole numbers from 0 on, and {label.name!r} is {others.shown}"
        raise InvalidInput("--kind", problem, "Correct that, or write regression.")


@dataclass(frozen=True, slots=True)
class _Others:
    """Values that are no counts: how many rows have one, and the first of them."""

    rows: int
    first_row: int | None
    value: Any

    @property
    def shown(self) -> str:
        more = f", and no count in {self.rows - 1:,} more" if self.rows > 1 else ""
        return f"{text_of(self.value)} in row {self.first_row}{more}"


def _no_counts(profiled: Profiled, label: Profile) -> _Others:
    import polars as pl

    value = pl.col(label.name)
    others = profiled.frame().filter((value < 0) | (value != value.floor()))
    found = others.select(pl.len().alias("rows at"), pl.col(ROW).min().alias("first at"))
    rows, first = found.collect(engine="streaming").row(0)
    if not rows:
        return _Others(0, None, None)
    named = profiled.frame().filter(pl.col(ROW) == first).select(label.name).collect(engine="streaming")
    return _Others(rows, first, named.item())


def _nearly_a_count(profiled: Profiled, label: Profile, kind: str) -> list[str]:
    """Return which few rows keep a label from being a count, nothing if there are many or none."""
    if kind != "regression" or label.high > LARGEST_COUNT:
        return []
    others = _no_counts(profiled, label)
    if not 0 < others.rows <= profiled.rows * FEW_OTHERS:
        return []
    return [
        f"{label.name!r} is {others.shown}; in all other rows it is a whole number from 0 on. If that is a mistake, "
        "correct it: the label is a count then, and --kind count says so."
    ]


def _check_classes(label: Profile, kind: str, counts: dict[Any, int]) -> None:
    if kind == "binary" and len(counts) != 2:
        found = len(counts) or label.distinct
        raise InvalidInput(
            "--kind", f"{label.name!r} has {found} values, and a binary label two", "Write another kind."
        )
    if kind == "multiclass" and not 3 <= len(counts) <= MOST_CATEGORIES:
        found = len(counts) or label.distinct
        problem = f"{label.name!r} has {found} values, and a multiclass label 3 to {MOST_CATEGORIES}"
        raise InvalidInput("--label", problem, "Give another column, or another kind with --kind.")
    value, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < FEWEST_OF_A_CLASS:
        problem = f"{label.name!r} is {text_of(value)!r} in {fewest} rows, and at least {FEWEST_OF_A_CLASS} are needed"
        raise InvalidInput("--label", problem, "Give more rows, or put that class together with another one.")


def _words(profiled: Profiled) -> dict[Any, str]:
    """Return what the file calls true and false, in its own letters if it writes each in one way."""
    import polars as pl

    name, table = profiled.label, profiled.table
    reading = profiled.readings[name]
    if not reading.pattern:
        return {True: "true", False: "false"}
    text = pl.col(name).cast(pl.String)
    pairs = table.scan().select(text.str.strip_chars().alias("text"), reading.convert(text, profiled.zone).alias("is"))
    found = pairs.drop_nulls().unique().collect(engine="streaming")
    words = {truth: sorted(found.filter(pl.col("is") == truth)["text"]) for truth in (True, False)}
    return {truth: each[0] if len(each) == 1 else each[0].lower() for truth, each in words.items()}


def _with_positive(
    name: str, counts: dict[Any, int], called: dict[Any, str], options: Options, ask: Ask
) -> tuple[tuple[Any, ...], list[str]]:
    """Return the values for 0 and 1, and what should be known of how they were found."""
    by_text = {called[value]: value for value in sorted(counts, key=lambda each: (counts[each], str(each)))}
    named = [text for text in by_text if text.lower() in YES]
    guess = named[0] if len(named) == 1 else next(iter(by_text))
    reason = "its name says so" if len(named) == 1 else "it is the rarer one"
    chosen = options.positive
    if chosen is None:
        chosen = ask(Question("--positive", f"Which value of {name!r} is looked for?", guess, tuple(by_text)))
    positive = _value_named(name, chosen, by_text)
    other = next(value for value in counts if value != positive)
    notes = []
    if options.positive is None:
        notes = [f"{called[positive]!r} is what is looked for in {name!r}: {reason}. Otherwise: --positive."]
    if isinstance(positive, bool) and called[True].lower() != "true":
        notes.append(f"{called[positive]!r} in {name!r} is stored as true, and {called[other]!r} as false.")
    return (other, positive), notes


def _value_named(name: str, chosen: str, by_text: dict[str, Any]) -> Any:
    """Return the value that somebody named as the file writes it, or as true or false."""
    known = {text_of(value): value for value in by_text.values()} | by_text
    alike = {value for text, value in known.items() if text.casefold() == chosen.casefold()}
    if chosen in known:
        return known[chosen]
    if len(alike) == 1:
        return alike.pop()
    raise InvalidInput("--positive", f"{name!r} has no value {chosen!r}", f"Write {' or '.join(map(repr, by_text))}.")
