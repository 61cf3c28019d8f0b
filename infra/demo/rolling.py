"""Steps 12 and 13: challengers answer in shadow, the good one as a canary of real requests, and what follows of it.

The flow `rollout` decides, by the rules of config/rollout.yaml; the demo gives it people who sign, and days to answer
on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from flows.steps.monitoring.month import read_month
from flows.steps.release.promote import TREE
from flows.steps.release.rollout import Place, standing_of
from flows.steps.release.serving import await_bento
from flows.steps.replay.beside import KeptDays, open_kept_days
from flows.steps.replay.shadow import Window, answer_in_shadow
from handrail.bootstrap.delivery import open_deployments, open_splits
from handrail.compared import read_comparisons
from handrail.delivery import CHAMPION, FALLBACK, Change, End, Role, Splitter
from handrail.errors import Unavailable
from infra.demo import as_flows
from infra.demo.closing import IN_SHADOW
from infra.demo.gate import sign_off
from infra.demo.people import APPROVERS
from infra.demo.production import comparison_of, other_sets, request_of
from infra.demo.scene import Scene
from infra.demo.screen import Report

Figures = dict[str, object]
DEFAULT = "project"
SHADOW_DAYS, FIRST_DAYS = 1, 6
"""So many of the kept days are played in shadow, and with the canary's first share; the rest with its next one."""
SERVED_WITHIN_S = 180
MOST_CHANGES = 1_000
NOBODY = "the demo"


def compare(scene: Scene, report: Report) -> Figures:
    """Let every challenger answer in shadow, and judge each by what really happened: a worse one is rolled back."""
    since, kept = _since(scene), scene.kept[:SHADOW_DAYS]
    if not _has_days(scene):
        many = scene.case.subject.many
        return {"answer": "none", "because": f"too few {many} are left after {since:%Y-%m-%d} to be answered in shadow"}
    for clone in (DEFAULT, *other_sets(scene)):
        report(f"{clone}: an engineer decides whether it may answer in shadow")
        _led(scene, clone)
    with open_kept_days(scene.platform, scene.found["judged"], scene.kept) as live:
        if not live.is_played(kept):
            _answer_in_shadow(scene, Window(since, live.hours(kept)[0].at), report)
            live.play(kept, lambda done, total, what: report(f"in shadow, hour {done} of {total}: {what}"))
    report("judging the challengers by what really happened")
    for clone in (DEFAULT, *other_sets(scene)):
        as_flows.rollout(clone_of(scene, clone))
    return _compared(scene)


def roll_out(scene: Scene, report: Report) -> Figures:
    """Give the good challenger a growing share of real requests, let people decide, and serve what they promoted."""
    clone, splitter = clone_of(scene, DEFAULT), splitter_of(scene)
    if _has_days(scene):
        found = _as_canary(scene, splitter, report)
        if not found["ended"] and not found["waits_for"]:
            splitter.end(name_of(scene), End.INCONCLUSIVE, NOBODY, "No days are left to play: nothing was decided.")
    recorded = scene.case.replay
    if recorded is not None:
        scene.platform.event_clock.set(recorded.outcomes_until)
    report("two people decide about the champion")
    request = sign_off(scene, request_of(scene, DEFAULT))
    if _has_days(scene) or request["verdict"] == "promoted":
        report("doing what they decided")
        as_flows.rollout(clone)
    return _rolled(scene, splitter, request)


def _as_canary(scene: Scene, splitter: Splitter, report: Report) -> dict[str, Any]:
    """Play the kept days with the canary beside the champion; return how far the rollout came."""
    found = _led(scene, DEFAULT)
    with open_kept_days(scene.platform, scene.found["judged"], scene.kept) as live:
        for days in (scene.kept[SHADOW_DAYS : SHADOW_DAYS + FIRST_DAYS], scene.kept[SHADOW_DAYS + FIRST_DAYS :]):
            if found["ended"] or found["waits_for"] or found["at"] != Role.CANARY.value:
                break
            if not live.is_played(days):
                _play(live, splitter, found, days, report)
            found = as_flows.rollout(clone_of(scene, DEFAULT))
    return found


def _play(live: KeptDays, splitter: Splitter, found: Mapping[str, Any], days: tuple[date, ...], report: Report) -> None:
    change = splitter.current()
    assert change is not None
    name, split = found["name"], change.split
    report(f"waiting until {name} answers")
    live.await_answers_of(name, days, lambda subject: split.assigned(subject).name)
    live.play(days, lambda done, total, what: report(f"{name} at {found['share']:.0%}, hour {done} of {total}: {what}"))


def _led(scene: Scene, clone: str) -> dict[str, Any]:
    """Run the rollout; where it waits for one engineer, let him decide, and run it again."""
    found = as_flows.rollout(clone_of(scene, clone))
    if found["waits_for"] and found["at"] == Role.SHADOW.value:
        scene.desk(APPROVERS[0]).approve(found["waits_for"], f"Evidence read by {APPROVERS[0].name}.")
        found = as_flows.rollout(clone_of(scene, clone))
    return found


def _answer_in_shadow(scene: Scene, window: Window, report: Report) -> None:
    """Let whoever is in shadow answer what was recorded in bulk since the month that it was judged on."""
    change = splitter_of(scene).current()
    trees = {request_of(scene, clone)["tree_digest"]: clone for clone in (DEFAULT, *other_sets(scene))}
    if change is None:
        return
    for each in change.split.shadows:
        report(f"{each.name} answers in shadow what came after {window.since:%Y-%m-%d}")
        tree = clone_of(scene, trees[each.tree_digest]) / TREE
        answer_in_shadow(scene.platform, tree, change.split, each.name, window)


def _compared(scene: Scene) -> Figures:
    """Return what the comparison in shadow found about the default challenger, and what became of the others."""
    name = name_of(scene)
    files = {each["name"]: each for each in read_comparisons(scene.settings.home)}
    shown = files.get(f"{scene.case.name}-{name}-shadow".lower())
    if shown is None:
        return {"answer": "none", "because": _place(scene, name).reason or "nothing can be compared yet"}
    gain, simulated = shown["gain"], shown["false_positives"]
    figures: Figures = {
        "answer": shown["answer"],
        "sentence": shown["sentence"],
        "pairs": shown["pairs"],
        "metric": shown["metric"],
        "gain": gain["value"],
        "gain_from": gain["low"],
        "gain_to": gain["high"],
        "champion": shown["champion"]["name"],
        "challenger": shown["challenger"]["name"],
        "as_of": shown["as_of"],
    }
    if simulated:
        figures["false_positives"] = f"{simulated['rule']:.1%}, naive peeking {simulated['peeking']:.1%}"
    for clone in other_sets(scene):
        place = _place(scene, f"v{request_of(scene, clone)['version']}")
        ended = place.end.value if place.end else "goes on"
        figures |= {f"{clone}{IN_SHADOW}": ended, f"{clone}{IN_SHADOW}_because": place.reason}
    return figures


def _rolled(scene: Scene, splitter: Splitter, request: Mapping[str, Any]) -> Figures:
    """Return what the records say of the rollout: the shares it had, who answered, and how it ended."""
    name = name_of(scene)
    place, served = _place(scene, name), open_deployments(scene.platform).target(splitter.slot.pointer) or ""
    if served != scene.found["deployed"]:
        serving = await_bento(scene.settings.url("bento"), splitter.slot.tag_of(served), SERVED_WITHIN_S)
        if not serving.answers:
            raise Unavailable("The bento", serving.sentence.rstrip("."), f"Its log is {scene.servers.log_of('bento')}.")
    return {
        "version": name,
        "shares": shares_of(splitter.splits.changes(splitter.slot, MOST_CHANGES), name),
        "answered": _answered(scene, splitter, name),
        "ended": place.end.value if place.end else "not begun",
        "because": place.reason,
        "verdict": request["verdict"],
        "deployment": served,
    }


def shares_of(changes: Sequence[Change], name: str) -> list[str]:
    """Return the shares that a challenger had, in order, after the role; `changes` are the newest first."""
    found: list[tuple[str, float]] = []
    for change in reversed(changes):
        step = next(((each.role.value, each.share) for each in change.split.challengers if each.name == name), None)
        if step is not None and found[-1:] != [step]:
            found.append(step)
    roles = ["", *(role for role, _ in found)]
    return [
        f"{'' if role == before else f'{role} '}{share * 100:.4g}%"
        for (role, share), before in zip(found, roles, strict=False)
    ]


def _answered(scene: Scene, splitter: Splitter, name: str) -> dict[str, int]:
    """Count who answered real requests while the split had a canary."""
    if not _has_days(scene):
        return {}
    start = datetime.combine(scene.kept[SHADOW_DAYS], time(), UTC)
    feedback, kind = scene.platform.feedback, scene.case.label.feedback
    end = start + timedelta(days=31)
    # Who was asked for each subject: that of the champion alone, in bulk, has no variant.
    found = feedback.cohort(None, kind, start, end, end)
    of_slot = f"{splitter.slot.pointer}/"
    counted = Counter(
        one for one, uri in zip(found.variant, found.deployment, strict=True) if one and uri.startswith(of_slot)
    )
    return {each: counted[each] for each in (CHAMPION, name, FALLBACK) if counted[each]}


def clone_of(scene: Scene, clone: str) -> Path:
    """Return the folder of a challenger's clone."""
    return scene.settings.home / "retrain" / clone


def name_of(scene: Scene) -> str:
    """Return what the default challenger is called beside the champion."""
    return f"v{request_of(scene, DEFAULT)['version']}"


def splitter_of(scene: Scene) -> Splitter:
    """Open who answers beside the champion."""
    return open_splits(scene.platform, scene.case.name)


def _place(scene: Scene, name: str) -> Place:
    splitter = splitter_of(scene)
    return standing_of(splitter.splits.changes(splitter.slot, MOST_CHANGES), name)


def _since(scene: Scene) -> datetime:
    """Return the end of the month that the challengers were judged on."""
    return read_month(comparison_of(scene)["month"], scene.case.time.zone).end


def _has_days(scene: Scene) -> bool:
    """Whether days after that month were kept for a rollout."""
    return bool(scene.kept) and scene.kept[0] > _since(scene).date()
