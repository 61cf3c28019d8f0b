"""The page of a subject: the latest predictions that were made about it, each with the way to its trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.answers.chain_facts import answer_of, case_of
from handrail.entrypoints.answers.names import name_at
from handrail.entrypoints.console.pages import Page
from handrail.feedback import Prediction

MOST_LISTED = 50


def subject_page(platform: Platform, subject: str, address: Callable[[str], str | None]) -> Page | None:
    """Return the page of what was predicted about a subject, None where nothing was.

    `address` gives the page of a prediction by its id.
    """
    made = platform.feedback.predictions_about(subject, MOST_LISTED + 1)
    if not made:
        return None
    versions = {each.uri: each.model_version_uri or "" for each in platform.feedback.deployments()}
    rows = [_row(platform, each, versions.get(each.deployment, ""), address) for each in made[:MOST_LISTED]]
    facts = {"subject": subject, "rows": rows, "more": len(made) > MOST_LISTED}
    return Page("subject.html", f"What was predicted about {subject}", facts)


def _row(platform: Platform, made: Prediction, version: str, address: Callable[[str], str | None]) -> dict[str, Any]:
    return {
        "prediction_id": made.prediction_id,
        "made_at": made.made_at.isoformat(),
        "answer": answer_of(made, case_of(platform, [version])),
        "version": name_at(version) if version else "",
        "deployment": name_at(made.deployment),
        "address": address(made.prediction_id),
    }
