"""What config/use_case.yaml says of answers, measures and groups, in words for people. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from handrail.approvals.domain.cases import MOST_MEASURES, Grouping, Measure
from handrail.approvals.domain.wording import Wording
from handrail.errors import Misconfigured
from handrail.everyday import VALUE, Group
from handrail.label_kinds import NUMERIC
from handrail.statistics import Metric
from handrail.use_case import UseCase

SHARE = "share"
ALWAYS = ("mae", "bias")
"""What is always said of predicted numbers."""
OF_A_CLASS = ("found", "right")
SIDES = {"higher": "higher is better", "lower": "lower is better"}
_ABOUT = {
    "average_precision": "ranking, weighted to the likeliest {positives}",
    "log_loss": "error that punishes false certainty",
    "brier": "squared error of the probability",
    "base_rate": "share of the {many} that {positive}; the same for every version",
    "accuracy": "share of the {many} whose class was right",
    "macro_f1": "mean over classes of how many were found and right",
    "largest_share": "what always answering the most frequent class would reach",
    "mae": "how far an answer is from the truth on average",
    "rmse": "the same, with large errors weighing more",
    "r2": "share of the variation that is explained",
    "bias": "answer minus truth on average; best near zero",
    "mean_label": "the truth on average; the same for every version",
    "poisson_deviance": "how far counts are from the answers",
    "roc_auc": "how well {positives} are ranked above the others",
}
_SHARES = ("accuracy", "base_rate", "largest_share")
_IN_UNITS = ("mae", "rmse", "bias", "mean_label")


def measures_of(case: UseCase, metrics: Sequence[str]) -> tuple[Measure, ...]:
    """Return what is measured for both versions: these metrics, the deciding one first, and everyday measures."""
    names = [*dict.fromkeys([case.metrics.main, *metrics, *(ALWAYS if case.label.kind in NUMERIC else ())])]
    plain = [_measure(case.metric_by_name[name], case) for name in names]
    return (plain[0], *_everyday(case), *plain[1:])


def _measure(metric: Metric, case: UseCase) -> Measure:
    words = case.words
    positive = words.positive if words else f"are {case.label.positive}"
    many = case.subject.many
    about = _ABOUT.get(metric.name, "").format(many=many, positive=positive, positives=f"{many} that {positive}")
    side = SIDES.get(metric.better)
    unit = SHARE if metric.name in _SHARES else case.label.unit or "" if metric.name in _IN_UNITS else ""
    return Measure(metric.name, _sentence(metric.title), "; ".join(filter(None, (about, side))), metric.better, unit)


def _everyday(case: UseCase) -> Iterator[Measure]:
    """Give what decisions come to, by the names that the evaluator computes."""
    label, many, words = case.label, case.subject.many, case.words
    if label.kind == "binary":
        positive = words.positive if words else f"are {label.positive}"
        called = words.called if words else f"called {label.positive}"
        found, right = (words.found, words.right) if words else ("recall", "precision")
        yield _share("found", found, f"of the {many} that {positive}, the share {called} beforehand", "higher")
        yield _share("right", right, f"of the {many} {called}, the share that {positive}", "higher")
        yield _share("called", f"{many} {called}", f"share of all {many}", "neither")
    classes = label.classes or ()
    if len(classes) * len(OF_A_CLASS) > MOST_MEASURES // 2:
        return
    for code, name in enumerate(classes):
        found = f"of the {many} that are {name}, the share called so"
        right = f"of the {many} called {name}, the share that is"
        yield _share(f"found_{code}", f"{name}: recall", found, "higher")
        yield _share(f"right_{code}", f"{name}: precision", right, "higher")


def _share(name: str, label: str, about: str, better: Literal["higher", "neither"]) -> Measure:
    return Measure(name, _sentence(label), about, better, SHARE)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def wording_of(case: UseCase) -> Wording:
    """Return what people call the answers of a model that a use case describes."""
    label, words = case.label, case.words
    decided = tuple(name for name in (label.positive, label.negative) if name is not None)
    called = {"positive": f"are {label.positive}", "called": f"called {label.positive}"} if label.positive else {}
    if words:
        called = {"positive": words.positive, "called": words.called}
    return Wording(
        question=case.question,
        purpose=case.purpose or "",
        answers=decided or label.classes or (),
        unit=label.unit or "",
        one=case.subject.one,
        many=case.subject.many,
        clusters="whole days" if case.cluster == case.time.day else f"groups of one {case.cluster}",
        **called,
    )


def groupings_of(case: UseCase, shown: str, most: int) -> tuple[Grouping, ...]:
    """Return how the rows are seen apart: by each slice of the use case, which lies in the file `shown`.

    Raises:
        Misconfigured: there are more than `most` slices.
    """
    if len(case.slices) > most:
        raise Misconfigured(shown, f"'slices' has {len(case.slices)} names", f"Leave {most} of them at most.")
    return tuple(_grouping(name, case.groups.get(name, Group())) for name in case.slices)


def _grouping(name: str, group: Group) -> Grouping:
    return Grouping(
        name=name,
        column=group.column or name,
        words=group.words or f"{name} {VALUE}",
        others=group.others or f"{name}: all others",
        per=group.per,
        edges=group.edges,
    )
