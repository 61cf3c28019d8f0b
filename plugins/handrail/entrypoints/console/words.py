"""How values are written on a page: numbers with their sign, moments, counts, levels of evidence. No markup."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

MINUS = "\N{MINUS SIGN}"
LEVELS = {
    "claimed": "author’s word",
    "bound": "file of a run",
    "attested": "signed by a pipeline",
    "recomputed": "recomputed by the server",
    "prospective": "on outcomes that came later",
}
"""The five levels of evidence, the weakest first."""
ABOUT_LEVELS = {
    "claimed": "nobody checked it",
    "bound": "the gate froze and read the file; who wrote it counts as a maker",
    "attested": "a pipeline with an identity of its own signed it for this request",
    "recomputed": "the gate scored the rows itself, from the frozen files",
    "prospective": "the version predicted before the outcome was known",
}
METRICS = {
    "roc_auc": "ROC-AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
    "ci_low": "Difference to the champion, lower end",
    "ci_high": "Difference to the champion, upper end",
    "delta": "Difference to the champion",
    "base_rate": "Share of positive labels",
    "incumbent": "What it was compared with",
    "max_difference": "Served file beside the reviewed one: largest difference of an answer",
    "labels_differ": "Served file beside the reviewed one: decisions that differ",
}


def is_finite(value: object) -> bool:
    """Whether it is a number that can be drawn and subtracted; people also send whole numbers of hundreds of digits."""
    try:
        return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def number(value: object, digits: int | None = None) -> str:
    """Return a number as people read it: thousands apart, and with so many digits, or as many as say something."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) and not is_finite(value):
        return f"{MINUS if value < 0 else ''}a number of {int(value.bit_length() * math.log10(2)) + 1:,} digits"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) or (digits is None and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}".replace("-", MINUS)
    if digits is None:
        small = abs(value) < 1e-3
        text = f"{value:.2g}" if small else f"{value:,.4f}"
        if small and "e" in text:
            text = f"{value:.{-math.floor(math.log10(abs(value))) + 1}f}"
    else:
        text = f"{value:,.{digits}f}"
    return text.replace("-", MINUS)


def digits_within(low: float | None, high: float | None) -> int:
    """Return how many digits after the point a value deserves whose interval is that wide: 0 to 4, 2 without one."""
    if low is None or high is None:
        return 2
    return min(max(math.ceil(-math.log10((high - low) / 2)), 0), 4) if high > low else 4


def signed(value: float, digits: int = 4) -> str:
    """Return a difference with its sign, also where it is positive; what rounds to nothing has none."""
    text = f"{value:+,.{digits}f}"
    return text[1:] if not text.strip("+-0.,") else text.replace("-", MINUS)


def share(value: float, digits: int = 1) -> str:
    """Return a share as percent."""
    return f"{value * 100:,.{digits}f} %".replace("-", MINUS)


def points(value: float, digits: int = 1) -> str:
    """Return a difference of two shares in percentage points, with its sign."""
    return signed(value * 100, digits)


def moment(value: str | datetime) -> datetime:
    """Return a moment in UTC from ISO 8601."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def when(value: str | datetime, *, seconds: bool = True) -> str:
    """Return a moment as `28 Nov 2026, 21:55:13 UTC`."""
    at = moment(value)
    return f"{at.day} {at:%b %Y}, {at:%H:%M:%S}"[: None if seconds else -3] + " UTC"


def day(value: str | datetime) -> str:
    """Return the day of a moment as `28 Nov 2026`."""
    at = moment(value)
    return f"{at.day} {at:%b %Y}"


def span_words(first: str, last: str) -> str:
    """Return ` of 1 to 30 September 2013` for two days in ISO 8601, and nothing for names that are no days."""
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return ""
    if start == end:
        return f" of {end.day} {end:%B %Y}"
    parts = [str(start.day), f"{start:%B}", f"{start:%Y}"]
    same = 1 if (start.year, start.month) == (end.year, end.month) else 2 if start.year == end.year else 3
    return f" of {' '.join(parts[:same])} to {end.day} {end:%B %Y}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return `1 file`, `7 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: list[str] | tuple[str, ...], last: str = "and") -> str:
    """Return names as `Ada, Ben and Cleo`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else ""


def beside(person: str, account: str) -> str:
    """Return a person with the account beside it, as `Ada (ada)`; what has one name only has it once."""
    return person if person == account else f"{person} ({account})"


def metric(name: str) -> str:
    """Return the name of a measure as people read it."""
    known = name.rpartition(".")[2]
    for end, words in (("_low", ", lower end of the interval"), ("_high", ", upper end of the interval")):
        if known.endswith(end) and known.removesuffix(end) in METRICS:
            return METRICS[known.removesuffix(end)] + words
    return METRICS.get(known) or known.replace("_", " ")
