"""The evaluation as one HTML page that needs no other file, so that MLflow's artifact viewer can show it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from flows.steps.modelling.judge import Judge
from handrail.label_kinds import NUMERIC
from handrail.statistics import METRICS_OF, RATES_OF, Rate

PAGE = "evaluation.html"
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; } img { max-width: 100%; }
th, td { text-align: right; padding: .2rem .8rem; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child { text-align: left; } th { color: #52606d; font-weight: 600; }
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured: the report, the metrics of each baseline by its name, and the first and the last day."""

    report: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, float]]
    first_day: str
    last_day: str


def write_page(
    seen: Seen, details: dict[str, Any], judge: Judge, pictures: Mapping[str, Sequence[str]], folder: Path
) -> None:
    """Write evaluation.html into `folder`, which holds the pictures that it embeds, named by heading."""
    case, report = judge.case, seen.report
    many, clusters = case.subject.many, f"{case.cluster}s"
    on = "on" if case.cluster == "day" else "of"
    parts = [
        f"<h1>{escape(case.name)}: evaluation of the candidate</h1>",
        f"<p>{escape(case.question)}</p>",
        f"<p>{report['rows']:,} {many} {on} {report[clusters]} {clusters} that the model never saw, from "
        f"{escape(seen.first_day)} to {escape(seen.last_day)}. Intervals are 95 %, drawn over whole {clusters}. The "
        f"baselines answered about the same {many}.</p>",
        _metrics(seen, judge),
        *_decision(report, judge),
        "<h2>Calibration</h2>",
        *(_picture(folder / f"{name}.png") for name in pictures["Calibration"]),
        *_slices(details["slices"], judge, pictures, folder),
        *_fairness(details["fairness"], judge),
        "<h2>Robustness</h2>",
        "<p>Numbers disturbed by a share of their spread, whole feature tables or single values taken away, and "
        "categories that training never saw.</p>",
        _robustness(details["robustness"], judge),
        f"<p>{escape(_attack(details['attack'], judge))}</p>",
        _picture(folder / "robustness.png"),
        "<h2>Feature importance</h2>",
        f"<p>{_sentence(judge.lost)} when the values of one feature are shuffled among {many}.</p>",
        _picture(folder / "importance.png"),
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{STYLE}</style>'
    (folder / PAGE).write_text(head + "\n".join(parts) + "</html>\n", encoding="utf-8")


def _metrics(seen: Seen, judge: Judge) -> str:
    rows = [
        (
            metric.title,
            *(_figure(seen.report[metric.name + bound], judge) for bound in ("", "_low", "_high")),
            *(_figure(of[metric.name], judge) for of in seen.baselines.values()),
        )
        for metric in METRICS_OF[judge.kind]
    ]
    return _table(("metric", "candidate", "low", "high", *seen.baselines), rows)


def _decision(report: Mapping[str, Any], judge: Judge) -> Iterator[str]:
    """Say what the answers mean for whoever acts on them."""
    label, subject = judge.case.label, judge.case.subject
    if judge.kind in NUMERIC:
        unit = f" {label.unit}" if label.unit else ""
        yield f"<p>An answer is {report['mae']:.4g}{escape(unit)} away from the truth on average.</p>"
    if judge.kind == "count":
        yield (
            f"<p>The truth varies {report['pearson_dispersion']:.3g} times as much around the answers as a Poisson "
            "count would, whose variance is its mean (Pearson dispersion).</p>"
        )
    if judge.threshold is None:
        return
    positive, many = escape(str(label.positive)), subject.many
    yield (
        f"<p>From a probability of {report['threshold']:g} {_article(subject.one)} {escape(subject.one)} is called "
        f"{positive}: {report['recall']:.1%} of the {positive} {many} are found, and {report['precision']:.1%} of the "
        f"{many} called {positive} are {positive}.</p>"
    )
    if (costs := judge.case.costs) is not None:
        bounds = f"{report['cost_low']:.4g} to {report['cost_high']:.4g}"
        yield (
            f"<p>{_sentence(_article(subject.one))} {escape(subject.one)} costs {report['cost']:.4g} ({bounds}) "
            f"{escape(costs.unit)} on average. It would be {report['cheapest_cost']:.4g} at a threshold of "
            f"{report['cheapest_threshold']:.4g}, the cheapest over these {many}.</p>"
        )


def _slices(
    slices: dict[str, dict[str, Any]], judge: Judge, pictures: Mapping[str, Sequence[str]], folder: Path
) -> Iterator[str]:
    described = _described(judge)
    header = ("group", judge.case.subject.many, *described.values(), judge.metric.title, "low", "high")
    for by, groups in slices.items():
        yield f"<h2>By {escape(by)}</h2>"
        yield _table(header, [_slice_row(name, of, list(described), judge) for name, of in groups.items()])
        yield from (_picture(folder / f"{name}.png") for name in pictures.get(f"By {by}", ()))


def _described(judge: Judge) -> dict[str, str]:
    """Return what a slice says of its subjects beside the metric, and how the page calls it."""
    if judge.kind == "binary":
        called = str(judge.case.label.positive)
        return {"base_rate": called, "mean_probability": "mean probability", "missed_rate": "missed"}
    if judge.kind == "multiclass":
        return {"mean_probability": "mean probability"}
    return {"mean_prediction": "mean prediction", "mean_label": "mean truth"}


def _slice_row(name: str, of: dict[str, Any], described: Sequence[str], judge: Judge) -> tuple[str, ...]:
    shown = "{:.4g}" if judge.kind in NUMERIC else "{:.1%}"
    facts = ("" if of[fact] is None else shown.format(of[fact]) for fact in described)
    value, bound = of[judge.metric.name], "{:.4g}" if judge.kind in NUMERIC else "{:.3f}"
    bounds = tuple(bound.format(value[key]) for key in ("value", "low", "high")) if value else ("", "", "")
    return (name, f"{of['rows']:,}", *facts, *bounds)


def _fairness(compared: Mapping[str, Mapping[str, Any]], judge: Judge) -> Iterator[str]:
    """Give a table of the groups of each segment, and one of how far they are apart."""
    rates = RATES_OF[judge.kind]
    header = ("group", judge.case.subject.many, f"{judge.case.cluster}s", *(rate.title for rate in rates))
    for by, found in compared.items():
        yield f"<h2>Fairness by {escape(by)}</h2>"
        yield _table(header, [_group_row(name, of, judge) for name, of in found["by_group"].items()])
        enough = f"have enough {judge.case.subject.many} on enough {judge.case.cluster}s to be compared"
        yield (
            f"<p>Of {found['groups']} groups {found['judged']} {escape(enough)}. The true difference between the two "
            "that are furthest apart lies within the bounds in 95 % of samples, however many groups there are.</p>"
        )
        lines = [_apart_row(rate, found[rate.name], judge) for rate in rates if rate.name in found]
        yield _table(("rate", "highest", "lowest", "difference", "low", "high", "ratio", "low", "high"), lines)


def _group_row(name: str, of: Mapping[str, Any], judge: Judge) -> tuple[str, ...]:
    rates = (of[rate.name] for rate in RATES_OF[judge.kind])
    shown = ("" if rate is None else _share(rate, judge) for rate in rates)
    return (name, f"{of['rows']:,}", f"{of[f'{judge.case.cluster}s']:,}", *shown)


def _apart_row(rate: Rate, of: Mapping[str, Any], judge: Judge) -> tuple[str, ...]:
    differences = (_share(of[f"difference{end}"], judge) for end in ("", "_low", "_high"))
    ratios = (f"{of[f'ratio{end}']:.2f}" if rate.has_ratio else "" for end in ("", "_low", "_high"))
    return (rate.title, of["highest"], of["lowest"], *differences, *ratios)


def _share(value: float, judge: Judge) -> str:
    return f"{value:.4g}" if judge.kind in NUMERIC else f"{value:.1%}"


def _attack(found: Mapping[str, Any], judge: Judge) -> str:
    """Say what small plausible changes, searched for, do to answers."""
    moves, many = judge.case.moves, judge.case.subject.many
    small = (
        f"changes of at most {moves.most} features by {moves.step:g} of their spread each, within the values that occur"
    )
    if judge.kind in NUMERIC:
        bounds = f"{found['change']:.4g} ({found['change_low']:.4g} to {found['change_high']:.4g})"
        return f"Chosen {small}, move an answer by {bounds} on average, drawn ones by {found['change_by_chance']:.4g}."
    bounds = f"{found['flippable']:.1%} ({found['flippable_low']:.1%} to {found['flippable_high']:.1%})"
    return f"Chosen {small}, turn the call for {bounds} of the {many}, drawn ones for {found['flipped_by_chance']:.1%}."


def _robustness(robustness: dict[str, dict[str, dict[str, float]]], judge: Judge) -> str:
    name = judge.metric.name
    rows = [
        (
            f"{kind}: {case}",
            *(_figure(of[key], judge) for key in (name, f"{name}_lost")),
            _figure(of["mean_change"], judge) if judge.kind in NUMERIC else f"{of['labels_flipped']:.1%}",
        )
        for kind, cases in robustness.items()
        for case, of in cases.items()
    ]
    changes = "mean change" if judge.kind in NUMERIC else "calls that change"
    return _table(("case", judge.metric.title, judge.lost.removeprefix(f"{judge.metric.title} "), changes), rows)


def _figure(value: float, judge: Judge) -> str:
    return f"{value:.4g}" if judge.kind in NUMERIC else f"{value:.4f}"


def _sentence(words: str) -> str:
    return escape(words[:1].upper() + words[1:])


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeiou" else "a"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(header, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _picture(file: Path) -> str:
    content = base64.b64encode(file.read_bytes()).decode()
    return f'<p><img alt="{escape(file.stem)}" src="data:image/png;base64,{content}"></p>'
