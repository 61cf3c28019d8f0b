"""`handrail delivery step`: compares a challenger with the champion, and does what follows."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from handrail.bootstrap import Platform, open_records
from handrail.delivery import CHAMPION, Challenger, Judged, Next, Role, Rollout, Split
from handrail.entrypoints.answers.comparison_words import plain
from handrail.entrypoints.cli.compare import Better, Guards, Kind, Matters, Named, OneUnit, read_guards, read_one_of
from handrail.entrypoints.cli.delivery import By, Name, Service, open_splitter
from handrail.entrypoints.cli.output import AsJson, print_json, results
from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import ComparisonPlan, Measure, Sides, compare_versions
from handrail.tools import require

EXAMPLE = "Example: handrail delivery step two --kind ground_truth --metric brier --guardrail latency_ms=5"
ROLLED_BACK, UNDECIDED = 3, 4
NOT_YET = ("deployments", "end")
"""What a comparison finds wrong while one of both has no mature prediction."""
FOLLOWED_WITHIN = timedelta(minutes=1)
"""So long after a change some processes may still have answered by the shares before."""
Steps = Annotated[list[float] | None, typer.Option("--to", help="A share on the way, in order; 0.05, 0.25, 0.5, 1.")]
Within = Annotated[float, typer.Option("--within-days", help="How long one share may decide nothing.")]


def step(  # noqa: PLR0913 - typer reads the options from the signature
    name: Name,
    kind: Kind,
    metric: Named,
    better: Better = None,
    matters: Matters = None,
    guardrail: Guards = None,
    unit: OneUnit = "subject",
    to: Steps = None,
    within_days: Within = 30.0,
    service: Service = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Compare a challenger with the champion since its last change of share, and give it the next one, or end it.

    Run it as often as you like, by cron or a flow: the comparison holds at every look. Exit code 0: it went on, or is
    through; 3: it was worse and was rolled back; 4: nothing is decided, or nothing was within the time.
    """
    require("numpy", "figures")
    measure = Measure(kind, metric, read_one_of("--better", better, ("higher", "lower")))
    guards, counted = read_guards(guardrail, kind), read_one_of("--unit", unit, ("subject", "day"))
    rollout = Rollout(tuple(to), timedelta(days=within_days)) if to else Rollout(within=timedelta(days=within_days))
    with open_records() as platform:
        splitter = open_splitter(platform, service)
        since = splitter.since(name)
        change = splitter.current()
        assert change is not None
        challenger = change.split.challenger(name)
        champion, began = _champion(platform, splitter.slot.pointer)
        sides = Sides("deployment", champion, challenger.deployment)
        shares, paired = _shares(change.split, challenger), challenger.role is Role.SHADOW
        plan = ComparisonPlan(
            sides, measure, matters=matters, guards=guards, unit=counted, shares=shares, paired=paired
        )
        judged = _judged(platform, plan, max(since, began) + FOLLOWED_WITHIN)
        found = splitter.step(change, name, rollout, judged, by or getpass.getuser())
    _show(challenger, judged, found, as_json)


def _champion(platform: Platform, pointer: str) -> tuple[str, datetime]:
    """Return the deployment that the slot points at, and since when.

    Raises:
        UnknownReference: nothing was deployed there.
    """
    last = platform.lineage.timeline(pointer)[-1]
    if last.target is None:
        raise UnknownReference("deployment", pointer, "Deploy a champion first.")
    return last.target, last.since


def _shares(split: Split, challenger: Challenger) -> tuple[float, float] | None:
    """Return how the subjects of both are shared out between them; None where there is nothing to share."""
    champion = split.shares()[CHAMPION]
    if challenger.role is Role.SHADOW or not champion:
        return None
    return champion / (champion + challenger.share), challenger.share / (champion + challenger.share)


def _judged(platform: Platform, plan: ComparisonPlan, since: datetime) -> Judged:
    # Event time that is played has nothing to do with when the share was given.
    start = None if platform.settings.replay else since
    try:
        found = compare_versions(platform.feedback, plan, platform.event_clock(), start)
    except InvalidInput as err:
        if err.field not in NOT_YET:
            raise
        return Judged("blocked", f"Nothing can be compared since it has its share: {err.problem}.")
    models = {each.uri: each.model_version_uri for each in platform.feedback.deployments()}
    shown = plain(found, models)
    return Judged(shown["answer"], shown["sentence"], shown["days_left"])


def _show(challenger: Challenger, judged: Judged, found: Next, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "challenger": challenger.name,
        "answer": judged.answer,
        "sentence": judged.sentence,
        "share": found.share if found.share is not None else challenger.share,
        "ended": found.end.value if found.end else None,
        "is_through": found.is_through,
    }
    if as_json:
        print_json(facts)
    else:
        results.print(f"{judged.sentence} {_follows(challenger, found)}", highlight=False, markup=False)
    if found.end is not None:
        raise typer.Exit(ROLLED_BACK if found.end.value == "rolled back" else UNDECIDED)
    if found.share is None and not found.is_through:
        raise typer.Exit(UNDECIDED)


def _follows(challenger: Challenger, found: Next) -> str:
    name = challenger.name
    if found.end is not None:
        return f"{name} ended as {found.end.value}; the champion answers its subjects."
    if found.share is not None:
        return f"{name} answers {found.share:.2%} of the subjects now."
    if found.is_through:
        return f"{name} is through as {challenger.role.value}: ask the gate for the next step."
    return f"{name} stays at {challenger.share:.2%}."
