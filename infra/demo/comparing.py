"""Step 12: the challenger of the retraining answers in shadow what came later, and both are compared."""

from __future__ import annotations

from flows.steps.monitoring.month import read_month
from flows.steps.release.promote import TREE
from flows.steps.replay.shadow import answer_in_shadow, compare_in_shadow
from handrail.compared import write_comparison
from handrail.entrypoints.answers.comparison_words import plain
from infra.demo.production import comparison_of, request_of
from infra.demo.scene import Scene
from infra.demo.screen import Report

NAME = "challenger-in-shadow"
DEFAULT = "project"


def compare(scene: Scene, report: Report) -> dict[str, object]:
    """Record the challenger's answers about the time after its own month, and judge both by what really happened."""
    version, month = request_of(scene, DEFAULT)["version"], comparison_of(scene)["month"]
    many, platform = scene.case.subject.many, scene.platform
    report(f"version {version} answers in shadow what came after {month}")
    tree = scene.settings.home / "retrain" / DEFAULT / TREE
    since = read_month(month, scene.case.time.zone).end
    shadowed = answer_in_shadow(platform, tree, f"models:/{scene.settings.model_name}/{version}", since)
    if shadowed is None:
        return {"answer": "none", "because": f"nothing was predicted after {month} with what the challenger reads"}
    report("comparing both versions")
    found = compare_in_shadow(platform, scene.found["judged"], shadowed)
    models = {each.uri: each.model_version_uri for each in platform.feedback.deployments()}
    shown = plain(found, models)
    write_comparison(scene.settings.home, NAME, shown)
    gain, simulated = shown["gain"], shown["false_positives"]
    figures: dict[str, object] = {
        "answer": shown["answer"],
        "sentence": shown["sentence"],
        f"{many}_in_shadow": shadowed.answered,
        "pairs": shown["pairs"],
        "metric": shown["metric"],
        "gain": gain["value"],
        "gain_from": gain["low"],
        "gain_to": gain["high"],
        "guardrails": {each["name"]: each["standing"] for each in shown["guardrails"]},
        "champion": shown["champion"]["name"],
        "challenger": shown["challenger"]["name"],
    }
    if simulated:
        figures["false_positives"] = f"{simulated['rule']:.1%}, naive peeking {simulated['peeking']:.1%}"
    return figures
