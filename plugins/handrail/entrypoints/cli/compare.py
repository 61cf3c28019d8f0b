"""`handrail feedback compare`: is the challenger better than the champion, by what really happened?"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast

import typer

from handrail.bootstrap import open_records
from handrail.compared import write_comparison
from handrail.entrypoints.answers.comparison_words import in_words, plain
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows, read_moment, results
from handrail.errors import InvalidInput
from handrail.feedback import ComparisonPlan, Guard, Measure, Sides, compare_versions
from handrail.tools import require

EXAMPLE = (
    "Example: handrail feedback compare --kind conversion --metric conversion --variants champion challenger "
    "--guardrail latency_ms=5"
)
EXIT = {"better": 0, "no_difference": 0, "worse": 3, "inconclusive": 4, "blocked": 5}
"""The exit code of each answer; 1 is an error and 2 misuse, as everywhere."""
GUARDRAIL = re.compile(
    r"(?:(?P<kind>[a-z][a-z0-9_]*):)?(?P<metric>(?!(?:higher|lower)=)[a-z_]+)(?::(?P<better>higher|lower))?=(?P<margin>.+)"
)

Kind = Annotated[str, typer.Option("--kind", help="The kind of feedback that decides.")]
Named = Annotated[
    str,
    typer.Option(
        "--metric",
        help="brier, log_loss, accuracy, mae, mse, conversion, revenue_per_prediction, cost_per_prediction, "
        "mean_label or latency_ms.",
    ),
]
Better = Annotated[str | None, typer.Option("--better", help="higher or lower, where the metric does not say it.")]
Variants = Annotated[
    tuple[str, str] | None, typer.Option("--variants", help="CHAMPION CHALLENGER, as predictions name their variant.")
]
Deployments = Annotated[
    tuple[str, str] | None, typer.Option("--deployments", help="CHAMPION CHALLENGER, as URIs of deployments.")
]
Design = Annotated[str, typer.Option("--design", help="open_ended: look whenever; fixed_horizon: up to --horizon.")]
Matters = Annotated[
    float | None, typer.Option("--matters", help="The smallest gain that matters, in the metric's unit.")
]
Horizon = Annotated[int | None, typer.Option("--horizon", help="Units an arm of a fixed_horizon.")]
Guards = Annotated[
    list[str] | None,
    typer.Option("--guardrail", help="[KIND:]METRIC[:higher|lower]=MARGIN: must not get worse by more; repeatable."),
]
OneUnit = Annotated[str, typer.Option("--unit", help="What is one observation: subject, or day.")]
Shares = Annotated[
    tuple[float, float] | None,
    typer.Option("--shares", help="The arms' intended shares, where no propensity says them."),
]
Paired = Annotated[
    bool | None,
    typer.Option("--paired/--split", help="Both answered the same cases, or each its own; found out if unset."),
]
Alpha = Annotated[float, typer.Option("--alpha", help="The probability of an error, over all looks together.")]
From = Annotated[str | None, typer.Option("--from", help="First moment of the predictions; UTC without a zone.")]
Until = Annotated[str | None, typer.Option("--until", help="First moment after them; the newest mature one if unset.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="What was known then; event time now if unset.")]
Record = Annotated[str | None, typer.Option("--record", help="Show the answer in the console, under this name.")]


def compare(  # noqa: PLR0913 - typer reads the options from the signature
    kind: Kind,
    metric: Named,
    variants: Variants = None,
    deployments: Deployments = None,
    better: Better = None,
    design: Design = "open_ended",
    matters: Matters = None,
    horizon: Horizon = None,
    guardrail: Guards = None,
    unit: OneUnit = "subject",
    shares: Shares = None,
    paired: Paired = None,
    alpha: Alpha = 0.05,
    since: From = None,
    until: Until = None,
    as_of: AsOf = None,
    record: Record = None,
    as_json: AsJson = False,
) -> None:
    """Judge a challenger against a champion: a split or a shadow, looked at as often as you like.

    Exit code 0: better, or no difference that matters; 3: worse; 4: inconclusive; 5: blocked, by the arms' shares,
    immature predictions or too few of them.
    """
    require("numpy", "figures")
    measure = Measure(kind, metric, read_one_of("--better", better, ("higher", "lower")))
    sides, guards = _sides(variants, deployments), read_guards(guardrail, kind)
    designed = read_one_of("--design", design, ("open_ended", "fixed_horizon"))
    counted = read_one_of("--unit", unit, ("subject", "day"))
    plan = ComparisonPlan(
        sides, measure, designed, matters, horizon, guards, counted, shares, paired=paired, alpha=alpha
    )
    shown = _answer(plan, (_moment("--from", since), _moment("--until", until), _moment("--as-of", as_of)), record)
    _print(shown, as_json)
    if code := EXIT[shown["answer"]]:
        raise typer.Exit(code)


def _answer(plan: ComparisonPlan, moments: tuple[Any, Any, Any], record: str | None) -> dict[str, Any]:
    """Compare, keep the answer under its name if it has one, and return it as JSON values."""
    start, end, as_of = moments
    with open_records() as platform:
        found = compare_versions(platform.feedback, plan, as_of or platform.event_clock(), start, end)
        models = {each.uri: each.model_version_uri for each in platform.feedback.deployments()}
        shown = plain(found, models)
        if record is not None:
            write_comparison(platform.settings.home, record, shown)
    return shown


def _print(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return print_json(shown)
    print_rows(in_words(shown))
    results.print(shown["sentence"], highlight=False, markup=False)
    return None


def _moment(option: str, text: str | None) -> Any:
    return None if text is None else read_moment(option, text)


def read_guards(texts: list[str] | None, kind: str) -> tuple[Guard, ...]:
    """Read guardrails; those that name no kind are about `kind`.

    Raises:
        InvalidInput: one cannot be read.
    """
    return tuple(_guard(text, kind) for text in texts or ())


def read_one_of(option: str, text: str | None, known: tuple[str, ...]) -> Any:
    """Return the text, None if there is none.

    Raises:
        InvalidInput: it is not one of those that are known.
    """
    if text is not None and text not in known:
        raise InvalidInput(option, f"{text!r} is unknown", f"Use {' or '.join(known)}.")
    return text


def _sides(variants: tuple[str, str] | None, deployments: tuple[str, str] | None) -> Sides:
    if bool(variants) == bool(deployments):
        problem = "name either two variants or two deployments"
        raise InvalidInput("--variants", problem, "Write: --variants champion challenger.")
    by: Literal["variant", "deployment"] = "variant" if variants else "deployment"
    return Sides(by, *(variants or cast(tuple[str, str], deployments)))


def _guard(text: str, kind: str) -> Guard:
    match = GUARDRAIL.fullmatch(text)
    try:
        margin = float(match["margin"]) if match else None
    except ValueError:
        margin = None
    if match is None or margin is None:
        remedy = "Write it as latency_ms=5, or rating:mean_label:higher=0.1."
        raise InvalidInput("--guardrail", f"{text!r} is no guardrail", remedy)
    better = read_one_of("--guardrail", match["better"], ("higher", "lower"))
    return Guard(Measure(match["kind"] or kind, match["metric"], better), margin)
